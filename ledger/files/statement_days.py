"""Which days an account statement covers: as it says itself, or whoever brings it in its place."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from ledger.files.account_statement import StatementEntry
from ledger.files.faults import refuse


@dataclass(frozen=True, slots=True)
class StatedDays:
    """First and last day, both counted, by the word of whoever brings a file.

    It counts where the file itself says nothing; another word than the file's is refused.
    """

    first: date | None = None
    last: date | None = None


NOT_STATED = StatedDays()


WIDENED_MAX = timedelta(days=10)
"""As long as banks are closed at most (春节、国庆): so much may be stated before a file's own."""


@dataclass(frozen=True, slots=True)
class CoveredDays:
    """`stated`: one of them at least is no word of the file's.

    `own_first`: where days before those that the file says are stated, the first that it says.
    """

    first: date
    last: date
    stated: bool
    own_first: date | None = None


def covered_days(
    name: str,
    entries: Sequence[StatementEntry],
    *,
    said: StatedDays,
    stated: StatedDays,
    seeming: tuple[date, date],
    may_widen: bool = False,
) -> CoveredDays:
    """Return the days that a file covers.

    Args:
        name: What messages call the file.
        entries: What it lists.
        said: What the file itself says.
        stated: What whoever brings it says.
        seeming: First and last day by its balances or entries, where nobody says.
        may_widen: The bank says by itself which days it covers, and sends nothing of days on which
            it is closed: these may be stated, right before its own.

    Raises:
        FileRefused: `bank_file.other_days`: the file says otherwise than is stated, or an entry
            was booked outside of the days that are stated.
    """
    own_first = _widened(said.first, stated.first) if may_widen else None
    for own, given in ((said.first, stated.first), (said.last, stated.last)):
        if own is not None and given is not None and own not in (given, own_first):
            raise refuse(name, "bank_file.other_days", detail=f"{own}, not {given}")
    first = (stated.first if own_first else said.first) or stated.first or seeming[0]
    last = said.last or stated.last or seeming[1]
    word = own_first or (said.first is None and stated.first) or (said.last is None and stated.last)
    if word:
        begins = own_first or first
        outside = [each.line for each in entries if not begins <= each.booked_on <= last]
        if outside or first > last:
            row = outside[0] if outside else None
            raise refuse(name, "bank_file.other_days", row=row, detail=f"{first} - {last}")
    return CoveredDays(first, last, bool(word), own_first)


def _widened(own: date | None, given: date | None) -> date | None:
    """Return the file's own first day where days before it are stated that a bank was closed on."""
    if own is None or given is None or not own - WIDENED_MAX <= given < own:
        return None
    return own


def behind_balance(balance_on: date, closed_on: date, entries: Sequence[StatementEntry]) -> date:
    """Return the first day covered behind a balance that closed the statement before this one.

    Some banks date it on the first day that they cover: seen where that day has entries, or is the
    last one, too. Else the day of the balance is not said to be covered, which is safe: it shows as
    missing until somebody states it.
    """
    later = all(each.booked_on > balance_on for each in entries)
    return min(closed_on, balance_on + timedelta(days=1) if later else balance_on)
