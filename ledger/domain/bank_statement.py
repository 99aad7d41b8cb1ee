"""An account statement (对账单) as it came in, and what was decided about each of its lines."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from uuid import UUID

import msgspec

from ledger.domain.aggregate import OPERATOR, Act, Event, Root
from ledger.domain.clear_text import require_no_personal_data
from ledger.domain.sealed import Sealed
from ledger.domain.values import Money, require_writable, stable_id
from ledger.errors import Kind, LedgerError

LINES_AN_EVENT = 200
"""Lines that one event names: an entry of the log holds at most 65,535 bytes."""


class LineState(StrEnum):
    """Where a line stands: to be explained, met by the books, or set aside with a reason."""

    OPEN = "open"
    MATCHED = "matched"
    IGNORED = "ignored"
    WRITTEN_OFF = "written_off"


ASIDE = frozenset({LineState.IGNORED, LineState.WRITTEN_OFF})


class LineUnknown(LedgerError):
    """The statement has no such line, or the line was on record before it came."""

    code = "bank_line.unknown"
    kind = Kind.ABSENT

    def __init__(self, statement_id: UUID, line: int) -> None:
        super().__init__(f"statement {statement_id} brought no line {line}")


class LineDecided(LedgerError):
    """A line is explained once: what was decided about it is undone first."""

    code = "bank_line.decided"
    kind = Kind.CONFLICT

    def __init__(self, statement_id: UUID, line: int, state: str) -> None:
        super().__init__(f"line {line} of statement {statement_id} is {state} already")


class AsideByOneself(LedgerError):
    """What one officer called no business of this ledger, another one writes off."""

    code = "bank_line.same_person"
    kind = Kind.FORBIDDEN

    def __init__(self, statement_id: UUID, line: int, actor: str) -> None:
        super().__init__(f"officer {actor} set line {line} of statement {statement_id} aside")


class NotAsideBefore(LedgerError):
    """Money out is written off only after somebody else called it no business of this ledger.

    Source: 送温暖资金使用管理: 不得挪用; README, Decision 120.
    """

    code = "bank_line.aside_first"
    kind = Kind.CONFLICT

    def __init__(self, statement_id: UUID, line: int) -> None:
        super().__init__(f"nobody set line {line} of statement {statement_id} aside yet")


class LineNotAside(LedgerError):
    """Only a line that was set aside can be taken up again."""

    code = "bank_line.not_aside"
    kind = Kind.CONFLICT

    def __init__(self, statement_id: UUID, line: int, state: str) -> None:
        super().__init__(f"line {line} of statement {statement_id} is {state}, not set aside")


class StatementMatched(LedgerError):
    """What was matched from a statement is undone before the statement is withdrawn."""

    code = "bank_statement.matched"
    kind = Kind.CONFLICT

    def __init__(self, statement_id: UUID, lines: int) -> None:
        super().__init__(f"{lines} lines of statement {statement_id} are matched: undo that first")


class StatementWithdrawn(LedgerError):
    """A statement is withdrawn once."""

    code = "bank_statement.withdrawn"
    kind = Kind.CONFLICT

    def __init__(self, statement_id: UUID) -> None:
        super().__init__(f"statement {statement_id} was withdrawn")


class LineRef(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A line as decisions name it: its place in the file, the keyed hash of its bytes, its fen."""

    line: int
    line_index: str
    amount_fen: Money


@dataclass(slots=True)
class Line:
    """`index` is keyed: from the plain hash of a line, a card number in it could be guessed."""

    number: int
    index: str
    booked_on: date
    amount: Money
    batch_code: str | None
    end_to_end_id: str | None
    document: str | None
    returned: bool
    state: LineState = LineState.OPEN
    match_id: UUID | None = None
    ignored_by: set[str] = field(default_factory=set)  # whoever did, ever

    @property
    def ref(self) -> LineRef:
        return LineRef(line=self.number, line_index=self.index, amount_fen=self.amount)


class BankStatement(Root):
    TOPIC = "bank_statement"

    class Received(Event, frozen=True):
        """Of `line_count` lines in the file, `known_count` were on record from another one."""

        TOPIC = "bank_statement.received"
        account_id: UUID
        organisation_id: UUID
        bank_format: str
        number: str | None
        file_sha256: str
        opened_on: date
        closed_on: date
        opening_fen: Money
        closing_fen: Money
        line_count: int
        known_count: int

        def apply(self, aggregate: "BankStatement") -> None:
            aggregate.account_id = self.account_id
            aggregate.organisation_id = self.organisation_id
            aggregate.file_sha256 = self.file_sha256
            aggregate.number = self.number
            aggregate.lines = {}
            aggregate.is_withdrawn = False

    class LineTaken(Event, frozen=True):
        """One booked movement; money out is below zero.

        Whom it came from or went to stands sealed, under the key of that recipient where the bank's
        account number is theirs, else under the account's own. `payer_index` finds the same account
        number in payments without telling it.
        """

        TOPIC = "bank_statement.line_taken"
        account_id: UUID
        organisation_id: UUID
        line: int
        line_index: str
        booked_on: date
        value_on: date | None
        amount_fen: Money
        count: int
        end_to_end_id: str | None
        reference: str | None
        batch_code: str | None
        document: str | None
        returned: bool
        payer_index: str | None
        subject_id: UUID
        details: Sealed

        def apply(self, aggregate: "BankStatement") -> None:
            aggregate.lines[self.line] = Line(
                self.line,
                self.line_index,
                self.booked_on,
                self.amount_fen,
                self.batch_code,
                self.end_to_end_id,
                self.document,
                self.returned,
            )

    class LinesMatched(Event, frozen=True):
        """These lines are what the items of a match came to at the bank."""

        TOPIC = "bank_statement.lines_matched"
        account_id: UUID
        organisation_id: UUID
        match_id: UUID
        file_sha256: str
        lines: tuple[LineRef, ...]

        def apply(self, aggregate: "BankStatement") -> None:
            aggregate.remember(self.lines, LineState.MATCHED, self.match_id)

    class LineSetAside(Event, frozen=True):
        """Not to be matched: it is no business of this ledger, or it is written off (核销)."""

        TOPIC = "bank_statement.line_set_aside"
        account_id: UUID
        organisation_id: UUID
        file_sha256: str
        line: int
        line_index: str
        amount_fen: Money
        state: LineState
        reason: str

        def apply(self, aggregate: "BankStatement") -> None:
            line = aggregate.lines[self.line]
            line.state, line.match_id = self.state, None
            if self.state is LineState.IGNORED:
                line.ignored_by.add(self.actor)

    class LinesReopened(Event, frozen=True):
        """What was decided about these lines is undone; `match_id` is none of a line set aside."""

        TOPIC = "bank_statement.lines_reopened"
        account_id: UUID
        organisation_id: UUID
        match_id: UUID | None
        file_sha256: str
        lines: tuple[LineRef, ...]
        reason: str

        def apply(self, aggregate: "BankStatement") -> None:
            aggregate.remember(self.lines, LineState.OPEN, None)

    class Withdrawn(Event, frozen=True):
        """It was taken in by mistake (撤回): of another account, or misread. Its lines are gone."""

        TOPIC = "bank_statement.withdrawn"
        account_id: UUID
        organisation_id: UUID
        file_sha256: str
        reason: str

        def apply(self, aggregate: "BankStatement") -> None:
            aggregate.lines = {}
            aggregate.is_withdrawn = True

    account_id: UUID
    organisation_id: UUID
    file_sha256: str
    number: str | None  # the bank's own
    lines: dict[int, Line]
    is_withdrawn: bool

    @classmethod
    def receive(
        cls,
        act: Act,
        *,
        account_id: UUID,
        organisation_id: UUID,
        bank_format: str,
        number: str | None,
        file_sha256: str,
        opened_on: date,
        closed_on: date,
        opening: Money,
        closing: Money,
        line_count: int,
        known_count: int,
        again: int = 0,
    ) -> "BankStatement":
        require_writable(opening)
        require_writable(closing)
        return cls.begin(
            cls.Received,
            act,
            bank_statement_id(account_id, file_sha256, again),
            account_id=account_id,
            organisation_id=organisation_id,
            bank_format=bank_format,
            number=number,
            file_sha256=file_sha256,
            opened_on=opened_on,
            closed_on=closed_on,
            opening_fen=opening,
            closing_fen=closing,
            line_count=line_count,
            known_count=known_count,
        )

    def take_line(
        self,
        act: Act,
        line: Line,
        *,
        value_on: date | None,
        count: int,
        reference: str | None,
        payer_index: str | None,
        subject_id: UUID,
        details: Sealed,
    ) -> None:
        require_writable(line.amount)
        self.trigger_event(
            self.LineTaken,
            act,
            account_id=self.account_id,
            organisation_id=self.organisation_id,
            line=line.number,
            line_index=line.index,
            booked_on=line.booked_on,
            value_on=value_on,
            amount_fen=line.amount,
            count=count,
            end_to_end_id=line.end_to_end_id,
            reference=reference,
            batch_code=line.batch_code,
            document=line.document,
            returned=line.returned,
            payer_index=payer_index,
            subject_id=subject_id,
            details=details,
        )

    def open_line(self, number: int) -> Line:
        """Return a line about which nothing was decided.

        Raises:
            LineUnknown: There is none with this number.
            LineDecided: It is matched or set aside.
        """
        line = self.line(number)
        if line.state is not LineState.OPEN:
            raise LineDecided(self.id, number, line.state)
        return line

    def line(self, number: int) -> Line:
        found = self.lines.get(number)
        if found is None:
            raise LineUnknown(self.id, number)
        return found

    def match(self, act: Act, *, match_id: UUID, numbers: Sequence[int]) -> None:
        refs = [self.open_line(number).ref for number in numbers]
        for piece in _pieces(refs):
            self.trigger_event(
                self.LinesMatched,
                act,
                account_id=self.account_id,
                organisation_id=self.organisation_id,
                match_id=match_id,
                file_sha256=self.file_sha256,
                lines=piece,
            )

    def set_aside(self, act: Act, *, number: int, state: LineState, reason: str) -> None:
        """Take a line out of what is to be matched, or write off what somebody else had ignored.

        Money in may be written off at once; money out takes two people.

        Raises:
            LineUnknown, LineDecided: As they say.
            NotAsideBefore: Nobody ignored this money out yet.
            AsideByOneself: Whoever ignored it, now or before it was taken up, would confirm that.
        """
        line = self.line(number)
        if state is LineState.WRITTEN_OFF and line.state is LineState.IGNORED:
            if act.actor != OPERATOR and act.actor in line.ignored_by:
                raise AsideByOneself(self.id, number, act.actor)
        else:
            self.open_line(number)
            if state is LineState.WRITTEN_OFF and line.amount < 0:
                raise NotAsideBefore(self.id, number)
        self.trigger_event(
            self.LineSetAside,
            act,
            account_id=self.account_id,
            organisation_id=self.organisation_id,
            file_sha256=self.file_sha256,
            line=number,
            line_index=line.index,
            amount_fen=line.amount,
            state=state,
            reason=reason,
        )

    def unmatch(self, act: Act, *, match_id: UUID, reason: str) -> None:
        """Open the lines of a match again."""
        refs = [line.ref for line in self.lines.values() if line.match_id == match_id]
        for piece in _pieces(refs):
            self._reopen(act, piece, match_id, reason)

    def take_up(self, act: Act, *, number: int, reason: str) -> None:
        """Open a line again that was set aside.

        Raises:
            LineUnknown, LineNotAside: As they say.
        """
        line = self.line(number)
        if line.state not in ASIDE:
            raise LineNotAside(self.id, number, line.state)
        self._reopen(act, (line.ref,), None, reason)

    def withdraw(self, act: Act, *, reason: str) -> None:
        """Take back that it was taken in; what was set aside of it goes with it.

        Raises:
            StatementWithdrawn: It was withdrawn before.
            StatementMatched: Lines of it are matched.
            PersonalDataInText: The reason names somebody by a number.
        """
        if self.is_withdrawn:
            raise StatementWithdrawn(self.id)
        matched = sum(line.state is LineState.MATCHED for line in self.lines.values())
        if matched:
            raise StatementMatched(self.id, matched)
        require_no_personal_data(reason)
        self.trigger_event(
            self.Withdrawn,
            act,
            account_id=self.account_id,
            organisation_id=self.organisation_id,
            file_sha256=self.file_sha256,
            reason=reason,
        )

    def remember(self, refs: Sequence[LineRef], state: LineState, match_id: UUID | None) -> None:
        for ref in refs:
            line = self.lines[ref.line]
            line.state, line.match_id = state, match_id

    def _reopen(
        self, act: Act, lines: tuple[LineRef, ...], match_id: UUID | None, reason: str
    ) -> None:
        self.trigger_event(
            self.LinesReopened,
            act,
            account_id=self.account_id,
            organisation_id=self.organisation_id,
            match_id=match_id,
            file_sha256=self.file_sha256,
            lines=lines,
            reason=reason,
        )


def bank_statement_id(account_id: UUID, file_sha256: str, again: int = 0) -> UUID:
    """Return the id of a file's statement; of one that was withdrawn before, `again` times."""
    return stable_id("bank_statement", account_id, file_sha256, *([again] if again else []))


def _pieces(refs: Sequence[LineRef]) -> Iterator[tuple[LineRef, ...]]:
    for start in range(0, len(refs), LINES_AN_EVENT):
        yield tuple(refs[start : start + LINES_AN_EVENT])
