"""The edge: command line and HTTP."""
