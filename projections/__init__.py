"""Read models: tables, how events change them, what can be asked."""
