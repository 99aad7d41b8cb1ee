"""What people carry in and out: parse and write, never decide."""
