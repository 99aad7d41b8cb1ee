"""Carries checkpoints out to others: publications, static files, witnesses, time-stamps."""
