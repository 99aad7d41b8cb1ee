"""What the codes on printed sheets are made with, so that nobody else makes one."""

from ledger.store.home import Home

PURPOSE = "sheet codes"


def codes_key(home: Home) -> bytes:
    return home.derived_key(PURPOSE)
