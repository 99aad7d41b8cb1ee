"""Text that is kept in clear, for good: what it must not hold."""

import re

_PERSONAL = re.compile(r"(?<![0-9])1[3-9][0-9]{9}(?![0-9])|[0-9]{15,}")
"""What an ID number, a mobile phone or a bank card looks like."""


def holds_personal_data(text: str) -> bool:
    """Say whether a text holds what looks like an ID, phone or card number."""
    return _PERSONAL.search(text) is not None
