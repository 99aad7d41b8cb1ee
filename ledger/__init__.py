"""Decides, records, proves: the audit ledger itself."""
