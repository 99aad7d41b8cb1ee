"""Personal data: sealed under a key of its own for each person."""
