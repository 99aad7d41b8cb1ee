"""The founding key's id as somebody typed it in, and as a ledger says it is."""

import re
from unicodedata import normalize

import typer

from ledger.errors import Kind, LedgerError
from ledger.evidence.verify import EntryBroken
from ledger.store.home import Home, HomeKeyMissing

_KEY_ID = re.compile("[0-9a-f]{32}")


class FoundedByAnother(LedgerError):
    """The ledger says itself that another key founded it than the one that is known."""

    code = "verify.founded_by_another"
    kind = Kind.CONFLICT

    def __init__(self, founder: str, told: str) -> None:
        super().__init__(
            f"this ledger says that key {founder} founded it, and you gave {told}: this is another"
            " ledger, or the id was written down wrong. Compare them digit by digit; if yours is"
            " right, leave all as it is and tell whoever oversees the ledger."
            " 创始密钥与所给的不一致：可能不是同一账本，也可能抄错了编号。请逐位核对；"
            "若所给无误，请保持现状并报告监督人员。"
        )


def key_id(told: str) -> str:
    """Return an id as it is written, from how it was typed; what is empty stays so.

    Raises:
        BadParameter: It has not 32 digits of base 16.
    """
    found = "".join(normalize("NFKC", told).split()).lower()
    if found and not _KEY_ID.fullmatch(found):
        raise typer.BadParameter("a key id has 32 digits, 0 to 9 and a to f")
    return found


def require_founder(home: Home, told: str, broken: LedgerError | None) -> None:
    """Tell another ledger, or a slip, from a ledger that is broken.

    The folder's own word is asked only once its log begins with another founder than is known; a
    log that begins otherwise than its folder says is no other ledger.

    Raises:
        FoundedByAnother: As it says.
    """
    if not told or not isinstance(broken, EntryBroken) or broken.position != 0:
        return
    try:
        own = home.founding_key_id()
    except HomeKeyMissing:
        return
    if broken.field == f"signature by {own}" and own != told:
        raise FoundedByAnother(own, told)
