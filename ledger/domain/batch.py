"""A disbursement batch: a bank card list or a signature sheet, drafted, reviewed, approved."""

from collections import Counter
from collections.abc import Collection
from copy import copy
from datetime import date
from enum import StrEnum
from hashlib import sha256
from uuid import UUID

import msgspec
from msgspec.structs import replace

from ledger.domain.aggregate import OPERATOR, Act, Event, Root
from ledger.domain.clear_text import require_no_personal_data
from ledger.domain.policy import Channel
from ledger.domain.sealed import Sealed
from ledger.domain.values import Money, require_positive, require_writable, stable_id
from ledger.errors import Kind, LedgerError


class Stage(StrEnum):
    DRAFTED = "drafted"
    REVIEWED = "reviewed"
    APPROVED = "approved"
    CLOSED = "closed"


class SamePerson(LedgerError):
    """Drafter, reviewer and approver are three people (不相容岗位分离).

    Source: 行政事业单位内部控制规范(试行) (财会〔2012〕21号).
    """

    code = "duty.same_person"
    kind = Kind.FORBIDDEN

    def __init__(self, batch_id: UUID, officer_id: UUID) -> None:
        super().__init__(f"officer {officer_id} already has another part in batch {batch_id}")


class WrongStage(LedgerError):
    """The act comes before or after its turn."""

    code = "batch.wrong_stage"
    kind = Kind.CONFLICT

    def __init__(self, batch_id: UUID, stage: str, needed: str) -> None:
        super().__init__(f"batch {batch_id} is {stage}, this needs it to be {needed}")


class BatchEmpty(LedgerError):
    """No row of the list stands, so there is nothing to approve."""

    code = "batch.empty"
    kind = Kind.INVALID

    def __init__(self, batch_id: UUID, fallen: Collection[str] = ()) -> None:
        counted = sorted(Counter(fallen).items())
        why = "".join(f", {code}: {count}" for code, count in counted)
        super().__init__(f"batch {batch_id} has no row that stands{why}")


class PaymentsUnderWay(LedgerError):
    """A batch ends when the bank or the people have answered for every payment of it."""

    code = "batch.payments_under_way"
    kind = Kind.CONFLICT

    def __init__(self, batch_id: UUID, count: int) -> None:
        super().__init__(f"payments of batch {batch_id} that are in transit: {count}")


class ScanKnown(LedgerError):
    """The same file was taken in before: its rows are there already."""

    code = "scan.known"
    kind = Kind.CONFLICT

    def __init__(self, batch_id: UUID, file_sha256: str) -> None:
        super().__init__(f"scan {file_sha256} of batch {batch_id} was taken in before")


class WrongChannel(LedgerError):
    """Bank files belong to card batches, signatures to sheets."""

    code = "batch.wrong_channel"
    kind = Kind.INVALID

    def __init__(self, batch_id: UUID, channel: str) -> None:
        super().__init__(f"batch {batch_id} pays by {channel}")


class SpellingNotWanted(LedgerError):
    """Another spelling is agreed on for a name that stands in the bank's file and does not fit."""

    code = "spelling.not_wanted"
    kind = Kind.CONFLICT

    def __init__(self, batch_id: UUID, number: int) -> None:
        super().__init__(
            f"row {number} of batch {batch_id} is no payment whose name the bank cannot write"
        )


class SpellingOfAnother(LedgerError):
    """Only what the bank cannot write is replaced: the rest of the name stays, in its order."""

    code = "spelling.of_another"
    kind = Kind.INVALID

    def __init__(self, batch_id: UUID, number: int) -> None:
        super().__init__(
            f"row {number} of batch {batch_id}: the spelling changes what the bank can write"
            " of the name, or cannot be written itself"
        )


class FileUnknown(LedgerError):
    """No file with this hash was written for the bank, or every copy of it is cancelled."""

    code = "batch.file_unknown"
    kind = Kind.CONFLICT

    def __init__(self, batch_id: UUID, file_sha256: str) -> None:
        super().__init__(f"batch {batch_id} has no bank file {file_sha256} that counts")


class FileCarriedOut(LedgerError):
    """A file of which the bank answered for a payment, or debited it, was carried out."""

    code = "batch.file_carried_out"
    kind = Kind.CONFLICT

    def __init__(self, batch_id: UUID, file_sha256: str) -> None:
        super().__init__(f"bank file {file_sha256} of batch {batch_id} was carried out")


class SeenRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a scan showed of a row, on which page of the file; `number` 0 is the page itself."""

    page: int
    number: int
    seen: str


class BankFile(msgspec.Struct, frozen=True):
    """A payment file that was written for the bank, at a version of the batch.

    `alone` are its rows, or else `without` those that it left out; `is_told` where that is all that
    there is to say (older files may have been without more). A `cancelled` one was not carried out
    and will not be, by what the office knows. `number` is told to the bank: one that is written
    once more has the same.
    """

    version: int
    sha256: str
    written_on: date
    written_by: str
    alone: frozenset[int] | None
    without: frozenset[int]
    is_told: bool
    cancelled: bool = False
    number: int = 1

    def may_hold(self, number: int) -> bool:
        """Say whether the payment of a row may have been in it, if it was on its way then."""
        return number not in self.without if self.alone is None else number in self.alone


class Row(msgspec.Struct, frozen=True, gc=False):
    """A row that stands: who is to get how much.

    `phone_index` and `of_retirement_age` are for those who look for doubts (疑点): no rule of the
    list asks for them.
    """

    number: int
    person_id: UUID
    category: str
    amount: Money
    payee: Sealed
    card_index: str | None
    phone_index: str | None = None
    of_retirement_age: bool = False


class Batch(Root):
    TOPIC = "batch"

    class Drafted(Event, frozen=True):
        TOPIC = "batch.drafted"
        code: str
        campaign_id: UUID
        organisation_id: UUID
        earmark: str
        channel: Channel
        bank_format: str | None
        roster_sha256: str
        listed_count: int
        listed_total_fen: Money
        drafted_by: UUID

        def apply(self, aggregate: "Batch") -> None:
            aggregate.code = self.code
            aggregate.campaign_id = self.campaign_id
            aggregate.organisation_id = self.organisation_id
            aggregate.earmark = self.earmark
            aggregate.channel = self.channel
            aggregate.bank_format = self.bank_format
            aggregate.officers = [self.drafted_by]
            aggregate.drafted_on = self.happened_on
            aggregate.rows, aggregate.fallen = {}, {}
            aggregate.scans = set()
            aggregate.unwritable = frozenset()
            aggregate.files = ()
            aggregate.cancellers = frozenset()
            aggregate.approval = 0
            aggregate.left_out = frozenset()
            aggregate.spellings = {}
            aggregate.stage = Stage.DRAFTED

    class ColumnsRead(Event, frozen=True):
        """Which row of the roster its drafter took for the header, and each column for what.

        `fields` go from the left; an empty word is a column that was left out. A roster whose
        titles say so themselves has no such event.
        """

        TOPIC = "batch.columns_read"
        header_line: int
        fields: tuple[str, ...]

    class RowAccepted(Event, frozen=True):
        """The row stands.

        What came later has a default: the blind index of its telephone, and whether by the ID
        number the person had reached the age at which the policy in force has people retire.
        """

        TOPIC = "batch.row_accepted"
        number: int
        line: int
        person_id: UUID
        category: str
        amount_fen: Money
        payee: Sealed
        card_index: str | None
        phone_index: str | None = None
        of_retirement_age: bool = False

        def apply(self, aggregate: "Batch") -> None:
            aggregate.rows[self.number] = Row(
                self.number,
                self.person_id,
                self.category,
                self.amount_fen,
                self.payee,
                self.card_index,
                self.phone_index,
                self.of_retirement_age,
            )

    class RowRefused(Event, frozen=True):
        """The row does not stand: the first rule that stopped it. It stays on record."""

        TOPIC = "batch.row_refused"
        number: int
        line: int
        refusal_code: str
        field: str | None
        subject_id: UUID
        category: str | None
        amount_fen: Money | None
        details: Sealed

        def apply(self, aggregate: "Batch") -> None:
            aggregate.rows.pop(self.number, None)

    class RowWithdrawn(Event, frozen=True):
        """A row that stood when the list was drafted no longer stands on the day of approval."""

        TOPIC = "batch.row_withdrawn"
        number: int
        refusal_code: str
        person_id: UUID
        amount_fen: Money

        def apply(self, aggregate: "Batch") -> None:
            aggregate.rows.pop(self.number, None)
            aggregate.fallen[self.number] = self.person_id

    class Reviewed(Event, frozen=True):
        TOPIC = "batch.reviewed"
        reviewed_by: UUID
        accepted_count: int
        accepted_total_fen: Money

        def apply(self, aggregate: "Batch") -> None:
            aggregate.officers.append(self.reviewed_by)
            aggregate.stage = Stage.REVIEWED

    class Approved(Event, frozen=True):
        """The list is frozen: `list_sha256` is over number, person and amount of each row.

        What came later has a default: `payees_sha256`, over number of each row and commitment of
        where its money goes.
        """

        TOPIC = "batch.approved"
        COMMITS = True
        organisation_id: UUID
        campaign_id: UUID
        approved_by: UUID
        accepted_count: int
        accepted_total_fen: Money
        list_sha256: str
        payees_sha256: str | None = None

        def apply(self, aggregate: "Batch") -> None:
            aggregate.officers.append(self.approved_by)
            aggregate.approval = self.originator_version
            aggregate.stage = Stage.APPROVED

    class Refused(Event, frozen=True):
        """Somebody tried to review or approve it, and a rule stopped them."""

        TOPIC = "batch.refused"
        organisation_id: UUID
        tried: str
        tried_by: UUID
        refusal_code: str

    class Exported(Event, frozen=True):
        """The payment file for the bank was written; its hash tells copies apart.

        It holds `numbers`, or all rows that stand `without` some: whichever are fewer.
        """

        TOPIC = "batch.exported"
        bank_format: str
        file_sha256: str
        line_count: int
        total_fen: Money
        numbers: tuple[int, ...] | None = None
        without: tuple[int, ...] | None = None
        bank_file_number: int = 1

        def apply(self, aggregate: "Batch") -> None:
            file = BankFile(
                self.originator_version,
                self.file_sha256,
                self.happened_on,
                self.actor,
                None if self.numbers is None else frozenset(self.numbers),
                aggregate.left_out if self.without is None else frozenset(self.without),
                self.numbers is not None or self.without is not None,
                number=self.bank_file_number,
            )
            aggregate.files = (*aggregate.files, file)

    class FileCancelled(Event, frozen=True):
        """A file was not carried out, and will not be (作废): what it held was not sent.

        `versions` are the batch's versions at which it was written: of a file that was written more
        than once, some copies may have been carried out.
        """

        TOPIC = "batch.file_cancelled"
        organisation_id: UUID
        file_sha256: str
        versions: tuple[int, ...]
        reason: str

        def apply(self, aggregate: "Batch") -> None:
            aggregate.cancellers |= {self.actor}
            aggregate.files = tuple(
                replace(each, cancelled=each.cancelled or each.version in self.versions)
                for each in aggregate.files
            )

    class NamesUnwritable(Event, frozen=True):
        """The bank's charset lacks characters of these rows' names, so no file was written."""

        TOPIC = "batch.names_unwritable"
        bank_format: str
        numbers: tuple[int, ...]

        def apply(self, aggregate: "Batch") -> None:
            aggregate.unwritable = frozenset(self.numbers)

    class PayeesLeftOut(Event, frozen=True):
        """The data of these rows' recipients may not be used: the bank's file is without them."""

        TOPIC = "batch.payees_left_out"
        bank_format: str
        numbers: tuple[int, ...]

        def apply(self, aggregate: "Batch") -> None:
            aggregate.left_out = frozenset(self.numbers)

    class SpellingAgreed(Event, frozen=True):
        """How the bank's file is to spell a name that the bank cannot write, and on what ground.

        The spelling is sealed under the recipient's key.
        """

        TOPIC = "batch.spelling_agreed"
        number: int
        person_id: UUID
        spelling: Sealed
        ground: str

        def apply(self, aggregate: "Batch") -> None:
            aggregate.spellings[self.number] = self.spelling
            aggregate.unwritable -= {self.number}

    class SheetCertified(Event, frozen=True):
        """An officer certifies that these rows were signed for under their eyes."""

        TOPIC = "batch.sheet_certified"
        COMMITS = True
        organisation_id: UUID
        sheet_sha256: str
        certified_by: UUID
        numbers: tuple[int, ...]
        total_fen: Money

    class SheetScanned(Event, frozen=True):
        """A scan of signed pages was taken in: what was seen of every row and page of it."""

        TOPIC = "batch.sheet_scanned"
        organisation_id: UUID
        file_sha256: str
        page_count: int
        scanned_by: UUID
        seen: tuple[SeenRow, ...]

        def apply(self, aggregate: "Batch") -> None:
            aggregate.scans.add(self.file_sha256)

    class Closed(Event, frozen=True):
        """Every payment of it was answered for. A payment may still be returned later (退票)."""

        TOPIC = "batch.closed"
        organisation_id: UUID

        def apply(self, aggregate: "Batch") -> None:
            aggregate.stage = Stage.CLOSED

    code: str
    campaign_id: UUID
    organisation_id: UUID
    earmark: str
    channel: Channel
    bank_format: str | None
    officers: list[UUID]  # drafter, then reviewer, then approver
    drafted_on: date
    rows: dict[int, Row]
    fallen: dict[int, UUID]  # whose rows were withdrawn since the list was drafted
    scans: set[str]  # hashes of the files
    files: tuple[BankFile, ...]  # that were written for the bank
    cancellers: frozenset[str]  # who ever cancelled one of them
    approval: int  # version at which it was approved
    left_out: frozenset[int]  # rows that the last file was without: their data may not be used
    unwritable: frozenset[int]  # rows whose names the bank cannot write, and nobody respelt yet
    spellings: dict[int, Sealed]
    stage: Stage

    @classmethod
    def draft(
        cls,
        act: Act,
        *,
        code: str,
        campaign_id: UUID,
        organisation_id: UUID,
        earmark: str,
        channel: Channel,
        bank_format: str | None,
        roster_sha256: str,
        listed_count: int,
        listed_total: Money,
        drafted_by: UUID,
    ) -> "Batch":
        require_writable(listed_total)
        return cls.begin(
            cls.Drafted,
            act,
            batch_id(code),
            code=code,
            campaign_id=campaign_id,
            organisation_id=organisation_id,
            earmark=earmark,
            channel=channel,
            bank_format=bank_format,
            roster_sha256=roster_sha256,
            listed_count=listed_count,
            listed_total_fen=listed_total,
            drafted_by=drafted_by,
        )

    def twin(self) -> "Batch":
        twin = copy(self)
        twin.pending = []
        twin.officers, twin.rows = [*self.officers], {**self.rows}
        twin.fallen = {**self.fallen}
        twin.scans, twin.spellings = {*self.scans}, {**self.spellings}
        return twin

    def read_columns(self, act: Act, *, header_line: int, fields: tuple[str, ...]) -> None:
        self.trigger_event(self.ColumnsRead, act, header_line=header_line, fields=fields)

    def accept_row(self, act: Act, row: Row, *, line: int) -> None:
        require_positive(row.amount)
        self.trigger_event(
            self.RowAccepted,
            act,
            number=row.number,
            line=line,
            person_id=row.person_id,
            category=row.category,
            amount_fen=row.amount,
            payee=row.payee,
            card_index=row.card_index,
            phone_index=row.phone_index,
            of_retirement_age=row.of_retirement_age,
        )

    def refuse_row(
        self,
        act: Act,
        *,
        number: int,
        line: int,
        refusal_code: str,
        field: str | None,
        subject_id: UUID,
        category: str | None,
        amount: Money | None,
        details: Sealed,
    ) -> None:
        self.trigger_event(
            self.RowRefused,
            act,
            number=number,
            line=line,
            refusal_code=refusal_code,
            field=field,
            subject_id=subject_id,
            category=category,
            amount_fen=amount,
            details=details,
        )

    def withdraw_row(self, act: Act, *, number: int, refusal_code: str) -> None:
        row = self.rows[number]
        self.trigger_event(
            self.RowWithdrawn,
            act,
            number=number,
            refusal_code=refusal_code,
            person_id=row.person_id,
            amount_fen=row.amount,
        )

    def require_reviewable_by(self, reviewed_by: UUID) -> None:
        """Check all that a review asks of batch and officer.

        Raises:
            WrongStage: It was reviewed already.
            SamePerson: The officer drafted it.
            AmountTooLarge: Its rows add up to more than an event can say.
        """
        self._require(Stage.DRAFTED)
        self._require_another(reviewed_by)
        require_writable(self.total)

    def review(self, act: Act, *, reviewed_by: UUID) -> None:
        self.require_reviewable_by(reviewed_by)
        self.trigger_event(
            self.Reviewed,
            act,
            reviewed_by=reviewed_by,
            accepted_count=len(self.rows),
            accepted_total_fen=self.total,
        )

    def require_approvable_by(self, approved_by: UUID) -> None:
        """Check what does not depend on rows or money.

        Raises:
            WrongStage: It was not reviewed, or it was approved already.
            SamePerson: The officer drafted or reviewed it.
        """
        self._require(Stage.REVIEWED)
        self._require_another(approved_by)

    def approve(self, act: Act, *, approved_by: UUID) -> None:
        self.require_approvable_by(approved_by)
        if not self.rows:
            raise BatchEmpty(self.id)
        self.trigger_event(
            self.Approved,
            act,
            organisation_id=self.organisation_id,
            campaign_id=self.campaign_id,
            approved_by=approved_by,
            accepted_count=len(self.rows),
            accepted_total_fen=self.total,
            list_sha256=self.list_sha256,
            payees_sha256=self.payees_sha256,
        )

    def refuse(self, act: Act, *, tried: str, tried_by: UUID, refusal_code: str) -> None:
        """Keep on record that a review or an approval was stopped, and by which rule."""
        self.trigger_event(
            self.Refused,
            act,
            organisation_id=self.organisation_id,
            tried=tried,
            tried_by=tried_by,
            refusal_code=refusal_code,
        )

    def export(
        self,
        act: Act,
        *,
        bank_format: str,
        file_sha256: str,
        line_count: int,
        total: Money,
        numbers: tuple[int, ...] | None,
        without: tuple[int, ...] | None,
        bank_file_number: int = 1,
    ) -> None:
        self.require_answerable(Channel.BANK_CARD)
        self.require_no_part_of(act.actor)
        self.trigger_event(
            self.Exported,
            act,
            bank_format=bank_format,
            file_sha256=file_sha256,
            line_count=line_count,
            total_fen=total,
            numbers=numbers,
            without=without,
            bank_file_number=bank_file_number,
        )

    def files_with(self, file_sha256: str) -> frozenset[int]:
        """Return which of the files have a hash and count, the first counted as 0.

        Raises:
            FileUnknown: None.
        """
        found = frozenset(
            index
            for index, file in enumerate(self.files)
            if file.sha256 == file_sha256 and not file.cancelled
        )
        if not found:
            raise FileUnknown(self.id, file_sha256)
        return found

    @property
    def people(self) -> set[UUID]:
        """Whom its rows are for."""
        return {row.person_id for row in self.rows.values()}

    def cancel_file(self, act: Act, files: frozenset[int], *, reason: str) -> None:
        """Say that copies of a file were not carried out; who wrote one does not say so of it.

        Raises:
            WrongStage, WrongChannel: Not an approved card batch.
            SamePerson: Whoever says so wrote it.
        """
        self.require_answerable(Channel.BANK_CARD)
        written = [self.files[each] for each in sorted(files)]
        if act.actor != OPERATOR and any(act.actor == each.written_by for each in written):
            raise SamePerson(self.id, UUID(act.actor))
        self.trigger_event(
            self.FileCancelled,
            act,
            organisation_id=self.organisation_id,
            file_sha256=written[0].sha256,
            versions=tuple(each.version for each in written),
            reason=reason,
        )

    def miss_names(self, act: Act, *, bank_format: str, numbers: tuple[int, ...]) -> None:
        """Keep on record whose names the bank cannot write; once, as long as it is the same."""
        self.require_answerable(Channel.BANK_CARD)
        if self.unwritable != frozenset(numbers):
            self.trigger_event(self.NamesUnwritable, act, bank_format=bank_format, numbers=numbers)

    def leave_out(self, act: Act, *, bank_format: str, numbers: tuple[int, ...]) -> None:
        """Keep on record whom the bank's file is without; once, as long as it is the same."""
        self.require_answerable(Channel.BANK_CARD)
        if self.left_out != frozenset(numbers):
            self.trigger_event(self.PayeesLeftOut, act, bank_format=bank_format, numbers=numbers)

    def agree_spelling(self, act: Act, *, number: int, spelling: Sealed, ground: str) -> None:
        self.require_answerable(Channel.BANK_CARD)
        self.require_no_part_of(act.actor)
        require_no_personal_data(ground)
        self.trigger_event(
            self.SpellingAgreed,
            act,
            number=number,
            person_id=self.rows[number].person_id,
            spelling=spelling,
            ground=ground,
        )

    def certify_sheet(
        self,
        act: Act,
        *,
        sheet_sha256: str,
        certified_by: UUID,
        numbers: tuple[int, ...],
    ) -> None:
        self.require_answerable(Channel.SIGNATURE_SHEET)
        self.trigger_event(
            self.SheetCertified,
            act,
            organisation_id=self.organisation_id,
            sheet_sha256=sheet_sha256,
            certified_by=certified_by,
            numbers=numbers,
            total_fen=Money(sum(self.rows[number].amount for number in numbers)),
        )

    def require_new_scan(self, file_sha256: str) -> None:
        """Check that a file was not taken in before.

        Raises:
            ScanKnown: It was.
        """
        if file_sha256 in self.scans:
            raise ScanKnown(self.id, file_sha256)

    def take_scan(
        self,
        act: Act,
        *,
        file_sha256: str,
        page_count: int,
        scanned_by: UUID,
        seen: tuple[SeenRow, ...],
    ) -> None:
        self.require_answerable(Channel.SIGNATURE_SHEET)
        self.require_new_scan(file_sha256)
        self.trigger_event(
            self.SheetScanned,
            act,
            organisation_id=self.organisation_id,
            file_sha256=file_sha256,
            page_count=page_count,
            scanned_by=scanned_by,
            seen=seen,
        )

    def close(self, act: Act, *, in_transit: int) -> None:
        """End the batch.

        Args:
            act: Who and when.
            in_transit: How many payments of it nobody has answered for; counted by the caller.

        Raises:
            WrongStage: It was not approved, or is closed already.
            PaymentsUnderWay: Some are on their way.
        """
        self._require(Stage.APPROVED)
        if in_transit:
            raise PaymentsUnderWay(self.id, in_transit)
        self.trigger_event(self.Closed, act, organisation_id=self.organisation_id)

    def require_no_part_of(self, actor: str) -> None:
        """Check that whoever pays out did not draft, review or approve it (出纳不兼经办、审批).

        Nor said that a file was not carried out, so that another is written.

        Raises:
            SamePerson: They are.
        """
        parts = {str(officer_id) for officer_id in self.officers} | self.cancellers - {OPERATOR}
        if actor in parts:
            raise SamePerson(self.id, UUID(actor))

    def require_answerable(self, channel: Channel) -> None:
        """Check that banks or recipients may answer for payments of it: approved, or closed.

        A closed one, since 退票 comes at any day, and what was withdrawn may be made again; then
        something of it is in transit again.
        """
        if self.stage is not Stage.CLOSED:
            self._require(Stage.APPROVED)
        if self.channel is not channel:
            raise WrongChannel(self.id, self.channel)

    @property
    def total(self) -> Money:
        return Money(sum(row.amount for row in self.rows.values()))

    @property
    def list_sha256(self) -> str:
        """Return the hash of the list as it stands, over number, person and amount of each row."""
        lines = (f"{row.number} {row.person_id} {row.amount}\n" for row in self.rows.values())
        return sha256("".join(lines).encode()).hexdigest()

    @property
    def payees_sha256(self) -> str:
        """Return the hash of where the money goes, over number and commitment of each row."""
        lines = (f"{row.number} {row.payee.commitment}\n" for row in self.rows.values())
        return sha256("".join(lines).encode()).hexdigest()

    def _require(self, stage: Stage) -> None:
        if self.stage is not stage:
            raise WrongStage(self.id, self.stage, stage)

    def _require_another(self, officer_id: UUID) -> None:
        if officer_id in self.officers:
            raise SamePerson(self.id, officer_id)


def batch_id(code: str) -> UUID:
    return stable_id("batch", code)
