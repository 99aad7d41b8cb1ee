"""Backups: taken while the ledger is written to, checked, and put back."""
