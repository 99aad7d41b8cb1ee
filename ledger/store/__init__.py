"""What is written, in one transaction."""
