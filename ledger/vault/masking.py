"""How personal data is shown to those who may not see it."""


def mask_name(name: str) -> str:
    """Show the first and the last character of three or more: `张*三`; of two, `张*`."""
    if len(name) < 3:  # noqa: PLR2004
        return name[:1] + "*"
    return name[0] + "*" * (len(name) - 2) + name[-1]


def mask_id(number: str) -> str:
    """Show province, city and the last four: `3401**********001X`."""
    return _middle(number, 4, 4)


def mask_id_in_public(number: str) -> str:
    """Show the first two and the last three, as a public notice may: `35*************123`."""
    return _middle(number, 2, 3)


def mask_phone(number: str) -> str:
    """Show `138****1234`."""
    return _middle(number, 3, 4)


def mask_card(number: str) -> str:
    """Show the last four digits: `**** 1234`."""
    return "**** " + number[-4:] if len(number) > 8 else "****"  # noqa: PLR2004


def _middle(text: str, head: int, tail: int) -> str:
    hidden = len(text) - head - tail
    return text[:head] + "*" * hidden + text[-tail:] if hidden > 0 else "*" * len(text)
