"""What works while nobody waits: long jobs, webhooks, and events as they come."""
