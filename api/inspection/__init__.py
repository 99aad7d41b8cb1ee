"""The inspector's package: what is handed over to whoever audits, whole and checkable."""
