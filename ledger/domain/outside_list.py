"""Outside lists: who is dead, on a payroll, owns a car, …; as blind indexes, never in clear.

A list is what another authority knows and this ledger does not. What is stored of it can answer
whether somebody who was paid stands on it, and nothing else without the vault's index key.
"""

from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from enum import StrEnum
from uuid import UUID

from ledger.domain.aggregate import Act, Event, Root
from ledger.domain.values import stable_id
from ledger.errors import Kind, LedgerError


class ListKind(StrEnum):
    """What a list says of those who stand on it. Each is looked at by one rule, or by two."""

    DECEASED = "deceased"
    PUBLIC_SERVANTS = "public_servants"
    REAL_ESTATE = "real_estate"
    VEHICLES = "vehicles"
    BUSINESSES = "businesses"
    RELATIVES = "relatives"
    STAFF_ACCOUNTS = "staff_accounts"
    STAFF_PHONES = "staff_phones"
    HOUSEHOLDS = "households"


PERSON_BYTES, NUMBER_BYTES = 16, 32
"""A person's blind index is the id that their payments are kept under; that of a card or of a
telephone is longer."""

DAY_BYTES, ID_BYTES = 4, 16

NOTE_BYTES = {
    ListKind.DECEASED: DAY_BYTES,
    ListKind.RELATIVES: ID_BYTES,
    ListKind.STAFF_ACCOUNTS: ID_BYTES,
    ListKind.STAFF_PHONES: ID_BYTES,
    ListKind.HOUSEHOLDS: ID_BYTES,
}
"""What stands beside an index: a veiled day, the officer whose relative, account or telephone it
is, the blind index of the household. Other lists have indexes alone."""

OF_NUMBERS = (ListKind.STAFF_ACCOUNTS, ListKind.STAFF_PHONES)
"""Lists of cards and of telephones; all others are of people."""

PIECE_BYTES = 32_000
"""Of indexes and notes in one entry of the log: as base64 they stay well below its bound."""


class ListKnown(LedgerError):
    """The same file of the same day is held already."""

    code = "outside_list.known"
    kind = Kind.CONFLICT

    def __init__(self, list_id: UUID, edition: int) -> None:
        super().__init__(f"list {list_id} holds this very file as edition {edition}")


class ListOlder(LedgerError):
    """A list is replaced by a newer one of its kind, never by an older one."""

    code = "outside_list.older"
    kind = Kind.CONFLICT

    def __init__(self, list_id: UUID, held: date, got: date) -> None:
        super().__init__(f"list {list_id} is held as of {held}, this one is of {got}")


class ListAhead(LedgerError):
    """A list says how things stood on a day that has been."""

    code = "outside_list.ahead"
    kind = Kind.INVALID

    def __init__(self, listed_on: date, today: date) -> None:
        super().__init__(f"the list is of {listed_on}, today is {today}")


class ListEmpty(LedgerError):
    """No row of the file stands: an empty list would find nothing, and say that all is well."""

    code = "outside_list.empty"
    kind = Kind.INVALID

    def __init__(self, refused: int) -> None:
        super().__init__(f"no row of the list stands; {refused} are at fault")


class ListNotHeld(LedgerError):
    """There is nothing to withdraw."""

    code = "outside_list.not_held"
    kind = Kind.CONFLICT

    def __init__(self, list_id: UUID) -> None:
        super().__init__(f"list {list_id} was withdrawn")


class OutsideList(Root):
    """One list of a kind that an organisation holds: its newest edition counts."""

    TOPIC = "outside_list"

    class Received(Event, frozen=True):
        """An edition begins: whose list, of which day, from which file; its pieces follow.

        `refused_count` rows of the file could not be read and are not on it.
        """

        TOPIC = "outside_list.received"
        organisation_id: UUID
        kind: ListKind
        edition: int
        source: str
        listed_on: date
        file_sha256: str
        count: int
        refused_count: int

        def apply(self, aggregate: "OutsideList") -> None:
            aggregate.organisation_id = self.organisation_id
            aggregate.edition = self.edition
            aggregate.listed_on = self.listed_on
            aggregate.file_sha256 = self.file_sha256
            aggregate.held = True

    class PieceTaken(Event, frozen=True):
        """So many entries of an edition: blind index and note of each, one after another, sorted.

        Sorted by index, so that where somebody stood in the file is not told.
        """

        TOPIC = "outside_list.piece_taken"
        kind: ListKind
        edition: int
        number: int
        count: int
        entries: str

    class Withdrawn(Event, frozen=True):
        """It counts no more: it was wrong, or may not be kept any longer."""

        TOPIC = "outside_list.withdrawn"
        organisation_id: UUID
        edition: int
        reason: str

        def apply(self, aggregate: "OutsideList") -> None:
            aggregate.held = False

    organisation_id: UUID
    edition: int
    listed_on: date
    file_sha256: str
    held: bool

    @classmethod
    def receive(
        cls,
        act: Act,
        *,
        organisation_id: UUID,
        kind: ListKind,
        source: str,
        listed_on: date,
        file_sha256: str,
        entries: Sequence[bytes],
        refused_count: int,
        before: "OutsideList | None",
    ) -> "OutsideList":
        """Take in the first edition, or one that replaces what was held before.

        Raises:
            ListAhead, ListKnown, ListOlder, ListEmpty: As they say.
        """
        if listed_on > act.happened_on:
            raise ListAhead(listed_on, act.happened_on)
        if not entries:
            raise ListEmpty(refused_count)
        facts = {
            "organisation_id": organisation_id,
            "kind": kind,
            "edition": 1 if before is None else before.edition + 1,
            "source": source,
            "listed_on": listed_on,
            "file_sha256": file_sha256,
            "count": len(entries),
            "refused_count": refused_count,
        }
        if before is None:
            received = cls.begin(cls.Received, act, list_id(organisation_id, kind), **facts)
        else:
            before.require_newer(listed_on, file_sha256)
            before.trigger_event(cls.Received, act, **facts)
            received = before
        for number, piece in enumerate(_pieces(entries, entry_bytes(kind)), 1):
            received.trigger_event(
                cls.PieceTaken,
                act,
                kind=kind,
                edition=received.edition,
                number=number,
                count=len(piece),
                entries=b64encode(b"".join(piece)).decode(),
            )
        return received

    def require_newer(self, listed_on: date, file_sha256: str) -> None:
        """Check that a list may take the place of what is held; a withdrawn one is free.

        Raises:
            ListKnown, ListOlder: As they say.
        """
        if not self.held:
            return
        if file_sha256 == self.file_sha256 and listed_on == self.listed_on:
            raise ListKnown(self.id, self.edition)
        if listed_on < self.listed_on:
            raise ListOlder(self.id, self.listed_on, listed_on)

    def withdraw(self, act: Act, *, reason: str) -> None:
        if not self.held:
            raise ListNotHeld(self.id)
        self.trigger_event(
            self.Withdrawn,
            act,
            organisation_id=self.organisation_id,
            edition=self.edition,
            reason=reason,
        )


def list_id(organisation_id: UUID, kind: ListKind) -> UUID:
    return stable_id("outside_list", organisation_id, kind.value)


def edition_id(list_id_: UUID, edition: int) -> UUID:
    return stable_id("outside_list edition", list_id_, edition)


def subject_bytes(kind: ListKind) -> int:
    return NUMBER_BYTES if kind in OF_NUMBERS else PERSON_BYTES


def entry_bytes(kind: ListKind) -> int:
    return subject_bytes(kind) + NOTE_BYTES.get(kind, 0)


def _pieces(entries: Iterable[bytes], size: int) -> Iterator[list[bytes]]:
    ordered = sorted(entries)
    at_once = PIECE_BYTES // size
    for start in range(0, len(ordered), at_once):
        yield ordered[start : start + at_once]
