"""Findings (疑点): what looks wrong in what the ledger holds, by the rules' codes."""
