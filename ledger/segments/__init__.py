"""Sealed segments: closed ranges of the log as Parquet and tiles, signed, never written again."""
