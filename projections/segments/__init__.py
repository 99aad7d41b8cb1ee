"""What sealed segments hold beside the events, and the questions that are asked of them in SQL."""
