"""Tables that leave the house: built once, written as workbook, delimited text or paper."""
