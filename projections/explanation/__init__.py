"""Explanations: what each rule says of one payment, from what, and who answered for it."""
