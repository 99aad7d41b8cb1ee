"""What stands in a clerk's columns, shown so that nobody is named: masked by its own shape."""

import re

from api.web.words import STORED
from ledger.files.amounts import day, fen
from ledger.files.text import number_text
from ledger.vault.masking import mask_card, mask_id, mask_phone

SHOWN_MAX = 10
ID_LENGTH, PHONE_LENGTH, AMOUNT_LENGTH_MAX = 18, 11, 9
_CODE = re.compile("[A-Z][0-9]{2}[0-9-]{0,8}")
_WORDS = frozenset(STORED)


def sample(text: str) -> str:
    """Return a cell as it may be shown to anybody.

    Amounts, days, codes of unions and words of the registers say nothing of a person. What it is
    taken for does not count: the clerk may have taken a name for a category.
    """
    if text in _WORDS or _CODE.fullmatch(text) or day(text) is not None:
        return text
    if fen(text) is not None and len(text) <= AMOUNT_LENGTH_MAX:
        return text
    number = number_text(text)
    if number[:-1].isdecimal():
        if len(number) == ID_LENGTH:
            return mask_id(number)
        return mask_phone(number) if len(number) == PHONE_LENGTH else mask_card(number)
    return text[:1] + "*" * min(len(text) - 1, SHOWN_MAX)
