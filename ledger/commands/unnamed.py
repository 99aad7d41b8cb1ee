"""Reasons name nobody whom they are about: they stand in clear, for good, for everybody."""

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from uuid import UUID

from ledger.commands.refusals import put_on_record
from ledger.domain.clear_text import PersonNamedInText, require_no_personal_data
from ledger.files.text import person_name
from ledger.store.act import CommandAct
from ledger.store.application import Answer, Decide, Ledger

_RUN = re.compile(r"[^\W\d_]+(?:[·' .-]{1,2}[^\W\d_]+)*")
"""What a name may stand in: letters of any script, and what joins the parts of a name."""

SHORT_NAME_MAX, LONG_NAME_MAX = 6, 30
"""Characters of a name in one piece, and of one with parts (阿卜杜拉·买买提)."""


def require_unnamed(ledger: Ledger, people: Collection[UUID], *texts: str) -> None:
    """Check what is to stand in the log in clear about some people.

    Their names are not opened for it: whoever is found by a name that may stand in the text is one
    of them, or is not.

    Raises:
        PersonalDataInText: It holds what looks like somebody's number.
        PersonNamedInText: It names one of them in full.
    """
    require_no_personal_data(*texts)
    if not people:
        return
    about = set(people)
    for name in {each for text in texts for each in _names_in(text)}:
        if not about.isdisjoint(ledger.vault.noted("name", name)):
            raise PersonNamedInText


def require_none_named(names: Collection[str], *texts: str) -> None:
    """Check the same where the names are at hand.

    Raises:
        PersonalDataInText, PersonNamedInText: As `require_unnamed` does.
    """
    require_no_personal_data(*texts)
    if any(not set(names).isdisjoint(_names_in(text)) for text in texts):
        raise PersonNamedInText


def perform_unnamed(
    ledger: Ledger, act: CommandAct, name: str, request: object, subject: UUID, decide: Decide
) -> Answer:
    """Perform an act that gives a reason; one that names somebody is put on record without it.

    A name that is refused is a name that was guessed right: whoever tries some is seen to.

    Raises:
        PersonNamedInText: The reason names somebody whom it is about.
        LedgerError: What `Ledger.perform` refuses.
    """
    with names_on_record(ledger, act, name, subject):
        return ledger.perform(act, name, request, decide)


@contextmanager
def names_on_record(ledger: Ledger, act: CommandAct, name: str, subject: UUID) -> Iterator[None]:
    """Put on record that a reason named somebody, where an act is refused for it."""
    try:
        yield
    except PersonNamedInText as refusal:
        put_on_record(ledger, act, name, refusal, subject, "reason.refuse")
        raise


def _names_in(text: str) -> Iterator[str]:
    """Yield what may be a name in a text, written as names are kept."""
    for run in _RUN.findall(person_name(text)):
        yield run
        for start in range(len(run)):
            for end in range(start + 2, min(start + LONG_NAME_MAX, len(run)) + 1):
                piece = run[start:end]
                if len(piece) <= SHORT_NAME_MAX or not piece.isalpha():
                    yield piece
