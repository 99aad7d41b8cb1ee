"""Pages: server-rendered, on the same commands and projections as the interface for programs."""
