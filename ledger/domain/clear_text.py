"""Text that is kept in clear, for good: what it must not hold."""

import re
import unicodedata

from ledger.errors import Kind, LedgerError

_GAP = r"[ \t\u2010-\u2015\u2212-]{0,2}"
_PERSONAL = re.compile(
    rf"""
    (?<![0-9])1[3-9][0-9]{{9}}(?![0-9]) | [0-9]{{15,}}
    # In groups, as they are read out. No hexadecimal digit stands beside them: people are named by
    # ids of payments, whose groups are no numbers of theirs.
    | (?<![0-9A-Fa-f])(?:
        (?:86{_GAP})?1[3-9][0-9]{_GAP}[0-9]{{4}}{_GAP}[0-9]{{4}}
        # A card in fours; years that stand in a row are none.
        | (?!(?:19|20)[0-9]{{2}}[^0-9])
            (?:[0-9]{{4}}(?![0-9]){_GAP}){{3,}}[0-9]{{4}}(?:{_GAP}[0-9]{{1,3}})?
        # An ID number with its day of birth.
        | [1-9][0-9]{{2}}{_GAP}[0-9]{{3}}
            {_GAP}(?:18|19|20)[0-9]{{2}}{_GAP}[01][0-9]{_GAP}[0-3][0-9]
            {_GAP}[0-9]{{3}}[0-9Xx]
    )(?![0-9A-Fa-f])
    """,
    re.VERBOSE,
)
"""What an ID number, a mobile phone or a bank card looks like, in one or in groups."""


class PersonalDataInText(LedgerError):
    """What is written for good is kept in clear: people are named by their payments."""

    code = "case.personal_data"
    kind = Kind.INVALID

    def __init__(self) -> None:
        super().__init__("the text holds what looks like an ID, phone or card number")


class PersonNamedInText(LedgerError):
    """What is written for good names nobody whom it is about: people are named by their payments.

    Which of them it names is not said.
    """

    code = "text.person_named"
    kind = Kind.INVALID

    def __init__(self) -> None:
        super().__init__("the text names somebody whom it is about, and is kept in clear for good")


def holds_personal_data(text: str) -> bool:
    """Say whether a text holds what looks like an ID, phone or card number, however it is typed."""
    return _PERSONAL.search(unicodedata.normalize("NFKC", text)) is not None


def require_no_personal_data(*texts: str) -> None:
    """Check what is to stand in the log in clear.

    Raises:
        PersonalDataInText: It holds what looks like somebody's number.
    """
    if any(map(holds_personal_data, texts)):
        raise PersonalDataInText
