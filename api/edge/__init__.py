"""What stands around every request: its id, its bounds, its headers, what is counted of it."""
