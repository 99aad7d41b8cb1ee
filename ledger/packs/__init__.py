"""Evidence packs: gathers them from the log, says them in words, writes them as one file."""
