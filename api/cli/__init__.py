"""The command line: `nuanzhang`. Each command parses, calls what the interface calls, prints."""
