"""Recipients: the archive of registered workers (一户一档), and what was done with their data."""

from collections.abc import Iterable
from datetime import MAXYEAR, date
from enum import Enum, StrEnum
from typing import NamedTuple, Protocol, TypeVar
from uuid import UUID

import msgspec
from msgspec.structs import replace

from ledger.domain.aggregate import Act, Event, Root
from ledger.domain.clear_text import require_no_personal_data
from ledger.domain.sealed import Sealed
from ledger.errors import Kind, LedgerError


class FileNumberTaken(LedgerError):
    """A file number is given once."""

    code = "archive.file_number_taken"
    kind = Kind.CONFLICT

    def __init__(self, person_id: UUID, file_number: str) -> None:
        super().__init__(f"recipient {person_id} already has file {file_number}")


class FileUnknown(LedgerError):
    """The recipient has no such file open."""

    code = "archive.file_unknown"
    kind = Kind.ABSENT

    def __init__(self, person_id: UUID, file_number: str) -> None:
        super().__init__(f"recipient {person_id} has no open file {file_number}")


class FileElsewhere(LedgerError):
    """Another union has this file; of what stands in it nothing is told here."""

    code = "archive.file_elsewhere"
    kind = Kind.FORBIDDEN

    def __init__(self, person_id: UUID, file_number: str) -> None:
        super().__init__(
            f"file {file_number} of recipient {person_id} is another union's; ask the union that"
            " stands above both"
        )


class FileDatesBackwards(LedgerError):
    """A file closes on or after the day it was opened."""

    code = "archive.dates_backwards"
    kind = Kind.INVALID

    def __init__(self, file_number: str, opened_on: date, closed_on: date) -> None:
        super().__init__(f"file {file_number} opened on {opened_on} and closed on {closed_on}")


class NotRequested(LedgerError):
    """What touches a person's data for good is asked by one officer and decided by another."""

    code = "recipient.not_requested"
    kind = Kind.CONFLICT

    def __init__(self, person_id: UUID, change: str) -> None:
        super().__init__(f"nobody has asked to {change} the personal data of recipient {person_id}")


class SamePersonDecides(LedgerError):
    """Nobody decides on their own request."""

    code = "recipient.same_person"
    kind = Kind.FORBIDDEN

    def __init__(self, person_id: UUID, officer_id: UUID) -> None:
        super().__init__(f"officer {officer_id} asked for it themselves, for recipient {person_id}")


class RequesterLeft(LedgerError):
    """A request counts as long as who made it could still make it."""

    code = "recipient.requester_left"
    kind = Kind.CONFLICT

    def __init__(self, person_id: UUID, officer_id: UUID) -> None:
        super().__init__(
            f"officer {officer_id}, who asked for it, holds no post any more over all who have"
            f" recipient {person_id}; have somebody ask anew"
        )


class RequestChanged(LedgerError):
    """What is decided is what was read: a later request with other words is another."""

    code = "recipient.request_changed"
    kind = Kind.CONFLICT

    def __init__(self, person_id: UUID, change: str) -> None:
        super().__init__(
            f"the request to {change} the data of recipient {person_id} is not the one that waits;"
            " read it again"
        )


class RetentionRuns(LedgerError):
    """Vouchers are kept for thirty years (会计档案管理办法); until then data is restricted."""

    code = "recipient.retention_runs"
    kind = Kind.CONFLICT

    def __init__(self, person_id: UUID, until: date) -> None:
        super().__init__(
            f"the data of recipient {person_id} is kept until {until}; restrict it, or name the"
            " order that overrides this"
        )


class PaymentOnItsWay(LedgerError):
    """Whose data is erased can be paid no more: what is on its way to them arrives first."""

    code = "recipient.payment_on_its_way"
    kind = Kind.CONFLICT

    def __init__(self, person_id: UUID) -> None:
        super().__init__(f"a payment to recipient {person_id} is on its way; restrict their data")


class AlreadyErased(LedgerError):
    """The person's data key is gone; nothing personal can be read or added."""

    code = "recipient.erased"
    kind = Kind.CONFLICT

    def __init__(self, person_id: UUID) -> None:
        super().__init__(f"the personal data of recipient {person_id} has been erased")


class ArchiveFile(msgspec.Struct, frozen=True, gc=False):
    """A file of the archive; `details` hold name, numbers, reason and income, sealed."""

    file_number: str
    organisation_id: UUID
    category: str
    opened_on: date
    closed_on: date | None
    details: Sealed


class Change(StrEnum):
    """What two officers may do to a person's data."""

    RESTRICT = "restrict"
    LIFT = "lift"
    ERASE = "erase"


class Request(NamedTuple):
    """Who asked for a change; `overriding` names the order that goes before retention, if any.

    `version` is that of the event, which tells one request from the next.
    """

    officer_id: UUID
    overriding: str
    version: int


RETENTION_YEARS = 30


class OnFile(Enum):
    """Where a person stands with the archive on a day."""

    LIVE = "live"
    CLOSED = "closed"
    ABSENT = "absent"


class Lasting(Protocol):
    """A file of the archive, as far as its days go."""

    @property
    def opened_on(self) -> date: ...

    @property
    def closed_on(self) -> date | None: ...


TFile = TypeVar("TFile", bound=Lasting)


def standing_with(files: Iterable[TFile], day: date) -> tuple[OnFile, TFile | None]:
    """Say how somebody with these files stands on a day, and which file says so."""
    opened = [file for file in files if file.opened_on <= day]
    for file in opened:
        if file.closed_on is None or file.closed_on > day:
            return OnFile.LIVE, file
    return (OnFile.CLOSED, opened[-1]) if opened else (OnFile.ABSENT, None)


class Recipient(Root):
    """A person; the stream's id is a keyed hash of the ID number."""

    TOPIC = "recipient"

    class Registered(Event, frozen=True):
        TOPIC = "recipient.registered"
        id_index: str
        organisation_id: UUID | None = None
        """Whose matter it was that they came on record by, unless they have a file somewhere."""

        def apply(self, aggregate: "Recipient") -> None:
            aggregate.organisation_id = self.organisation_id
            aggregate.files = {}
            aggregate.erased = False
            aggregate.restricted = False
            aggregate.requests = {}
            aggregate.last_day = self.happened_on

    class ChangeRequested(Event, frozen=True):
        """An officer asks that the data be restricted, released or erased; another one decides."""

        TOPIC = "recipient.change_requested"
        change: Change
        requested_by: UUID
        reason: str
        overriding: str

        def apply(self, aggregate: "Recipient") -> None:
            aggregate.requests[self.change] = Request(
                self.requested_by, self.overriding, self.originator_version
            )

    class Restricted(Event, frozen=True):
        """Kept, and used for nothing else, until two officers lift it (个人信息保护法 art. 47)."""

        TOPIC = "recipient.restricted"
        decided_by: UUID

        def apply(self, aggregate: "Recipient") -> None:
            aggregate.restricted = True
            aggregate.requests.pop(Change.RESTRICT, None)

    class RestrictionLifted(Event, frozen=True):
        TOPIC = "recipient.restriction_lifted"
        decided_by: UUID

        def apply(self, aggregate: "Recipient") -> None:
            aggregate.restricted = False
            aggregate.requests.pop(Change.LIFT, None)

    class Filed(Event, frozen=True):
        """A file opened for the person in the archive, on the day it happened on."""

        TOPIC = "recipient.filed"
        file_number: str
        organisation_id: UUID
        category: str
        details: Sealed
        card_index: str | None

        def apply(self, aggregate: "Recipient") -> None:
            aggregate.files[self.file_number] = ArchiveFile(
                self.file_number,
                self.organisation_id,
                self.category,
                self.happened_on,
                None,
                self.details,
            )
            aggregate.last_day = max(aggregate.last_day, self.happened_on)

    class FileClosed(Event, frozen=True):
        """The person left the archive on the day it happened on."""

        TOPIC = "recipient.file_closed"
        file_number: str
        reason: str

        def apply(self, aggregate: "Recipient") -> None:
            file = aggregate.files[self.file_number]
            aggregate.files[self.file_number] = replace(file, closed_on=self.happened_on)

    class Unmasked(Event, frozen=True):
        """Somebody read the personal data in clear; the reason stands here, the data does not."""

        TOPIC = "recipient.unmasked"
        fields: tuple[str, ...]
        reason: str

    class Erased(Event, frozen=True):
        """The person's data key was destroyed; sealed data in older events became noise."""

        TOPIC = "recipient.erased"
        reason: str

        def apply(self, aggregate: "Recipient") -> None:
            aggregate.erased = True

    organisation_id: UUID | None  # where there is no file
    files: dict[str, ArchiveFile]
    erased: bool
    restricted: bool
    requests: dict[str, Request]  # by change; not decided yet
    last_day: date  # on which a file of theirs was opened; retention counts from there

    @classmethod
    def register(
        cls, act: Act, person_id: UUID, *, id_index: str, organisation_id: UUID | None = None
    ) -> "Recipient":
        return cls.begin(
            cls.Registered, act, person_id, id_index=id_index, organisation_id=organisation_id
        )

    def file(
        self,
        act: Act,
        *,
        file_number: str,
        organisation_id: UUID,
        category: str,
        details: Sealed,
        card_index: str | None,
    ) -> None:
        self._require_not_erased()
        if file_number in self.files:
            raise FileNumberTaken(self.id, file_number)
        self.trigger_event(
            self.Filed,
            act,
            file_number=file_number,
            organisation_id=organisation_id,
            category=category,
            details=details,
            card_index=card_index,
        )

    def close_file(self, act: Act, *, file_number: str, reason: str) -> None:
        file = self.files.get(file_number)
        if file is None or file.closed_on is not None:
            raise FileUnknown(self.id, file_number)
        if act.happened_on < file.opened_on:
            raise FileDatesBackwards(file_number, file.opened_on, act.happened_on)
        self.trigger_event(self.FileClosed, act, file_number=file_number, reason=reason)

    def unmask(self, act: Act, *, fields: tuple[str, ...], reason: str) -> None:
        self._require_not_erased()
        require_no_personal_data(reason)
        self.trigger_event(self.Unmasked, act, fields=fields, reason=reason)

    def request(
        self, act: Act, *, change: Change, requested_by: UUID, reason: str, overriding: str
    ) -> None:
        self._require_not_erased()
        require_no_personal_data(reason, overriding)
        self.trigger_event(
            self.ChangeRequested,
            act,
            change=change,
            requested_by=requested_by,
            reason=reason,
            overriding=overriding,
        )

    def decide(
        self,
        act: Act,
        *,
        change: Change,
        decided_by: UUID,
        request_version: int | None = None,
        last_paid: date | None = None,
        on_its_way: bool = False,
    ) -> None:
        """Carry out what another officer asked for.

        Args:
            act: Who and when.
            change: What was asked for.
            decided_by: The officer.
            request_version: Of the request that they read; None: whichever was made last.
            last_paid: The day of the person's last payment, whose vouchers are kept for thirty
                years like their files.
            on_its_way: Whether a payment to them has not been answered yet.

        Raises:
            NotRequested: Nobody asked.
            RequestChanged: The one that they read is not the one that waits.
            SamePersonDecides: They asked themselves.
            RetentionRuns: It is too early to erase, and no order overrides that.
            PaymentOnItsWay: It is to be erased before what is on its way arrived or came back.
            AlreadyErased: There is nothing left.
        """
        self._require_not_erased()
        request = self.requests.get(change)
        if request is None:
            raise NotRequested(self.id, change)
        if request_version not in {None, request.version}:
            raise RequestChanged(self.id, change)
        if request.officer_id == decided_by:
            raise SamePersonDecides(self.id, decided_by)
        if change is Change.RESTRICT:
            self.trigger_event(self.Restricted, act, decided_by=decided_by)
        elif change is Change.LIFT:
            self.trigger_event(self.RestrictionLifted, act, decided_by=decided_by)
        else:
            last = max(self.last_day, last_paid or self.last_day)
            # From the end of the year on: 会计档案管理办法, art. 14.
            until = date(min(last.year + RETENTION_YEARS + 1, MAXYEAR), 1, 1)
            if act.happened_on < until and not request.overriding:
                raise RetentionRuns(self.id, until)
            reason = request.overriding or "retention ended"
            self.erase(act, reason=reason, on_its_way=on_its_way)

    def erase(self, act: Act, *, reason: str, on_its_way: bool = False) -> None:
        self._require_not_erased()
        if on_its_way:
            raise PaymentOnItsWay(self.id)
        self.trigger_event(self.Erased, act, reason=reason)

    def standing_on(self, day: date) -> tuple[OnFile, ArchiveFile | None]:
        """Say whether a file was live on the day (it is not on the day it closes), and which.

        Source: 中央财政专项帮扶资金使用管理办法 (总工发〔2015〕20号): 先建档、后帮扶.
        """
        return standing_with(self.files.values(), day)

    def _require_not_erased(self) -> None:
        if self.erased:
            raise AlreadyErased(self.id)
