"""Pure decisions: what may happen, and the events that say it happened."""
