"""The papers that are handed in, put together once for the page, the file and the print."""
