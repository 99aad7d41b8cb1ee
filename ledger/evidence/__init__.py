"""Proofs anyone can check: bytes and numbers in, yes or a refusal out."""
