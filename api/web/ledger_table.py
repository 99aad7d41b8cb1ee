"""The ledger as it leaves the house: the same question, columns and totals in each form."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from api.recorded import Recorded
from api.web.formats import china_day
from api.web.language import N_, Language
from api.web.ledger_filter import Filter, in_words, moment_words
from api.web.words import term
from ledger.domain.values import Money
from ledger.store.application import Ledger
from projections.asked import Moment
from projections.exports.table import Cell, Column, Table, Total
from projections.exports.table import Kind as CellKind
from projections.movements import Kind
from projections.organisations import Tree, staff_numbers
from projections.turnover import Asked, Movement, Sum, every_movement, sums


@dataclass(frozen=True, slots=True)
class Reading:
    """A question, and what it is answered from: one state of the read model."""

    ledger: Ledger
    model: Connection
    tree: Tree
    filter: Filter
    asked: Asked
    at: int

    @property
    def moment(self) -> Moment:
        return Moment(self.filter.as_of, self.at)


def ledger_table(of: Reading, language: Language, address: str, now: datetime) -> Table:
    """Build the table of a question; nobody is named in it.

    Args:
        of: The question, and what it is answered from.
        language: Whose words it speaks.
        address: The page of the same question, to which the QR code leads.
        now: The moment of making.
    """
    say = language.say
    size, root = _checkpoint(of)
    return Table(
        title=say(N_("台账")),
        columns=[Column(say(each.title), each.kind, each.width) for each in COLUMNS],
        rows=_rows(of, language),
        facts=[
            (say(N_("条件")), in_words(language, of.filter, of.tree)),
            (say(N_("时点")), moment_words(language, of.moment, of.at)),
            (say(N_("截至日志位置")), str(of.at)),
            (say(N_("检查点")), f"{size} · {root}"),
            (say(N_("个人信息")), say(N_("本表不列姓名、证件号码和账号"))),
        ],
        totals=totals(language, sums(of.model, of.asked, of.moment), of.asked.kinds),
        address=address,
        foot=say(N_("账本第 {n} 条"), n=of.at),
        pages=say(N_("第 {page} 页，共 {pages} 页")),
        dated=now,
    )


def totals(language: Language, found: Sequence[Sum], kinds: frozenset[Kind]) -> list[Total]:
    """Say what a question comes to. What differs in kind is not added up."""
    listed = [
        Total(sort_words(language, each.kind, each.of), each.count, each.total_fen)
        for each in found
    ]
    if Kind.PAYMENT in kinds:
        payments = [each for each in found if each.kind is Kind.PAYMENT]
        whole = Total(
            language.say(N_("发放合计")),
            sum(each.count for each in payments),
            Money(sum(each.total_fen for each in payments)),
        )
        listed.insert(len(payments), whole)
    return listed


def sort_words(language: Language, kind: Kind, of: str) -> str:
    """Say which sort a sum is of: a payment's state, or a kind."""
    return term(language, "payment" if kind is Kind.PAYMENT else "movement", of)


def _checkpoint(of: Reading) -> tuple[int, str]:
    """Return size and root of the first checkpoint that covers what is shown."""
    found = of.ledger.log.select_checkpoint(of.at + 1)
    if found is None:
        return 0, ""
    return found[0], found[1].split("\n")[2]


@dataclass(frozen=True, slots=True)
class _Line:
    """A movement with what its cells are looked up in."""

    movement: Movement
    tree: Tree
    language: Language
    recorded_at: str
    officer: str

    def organisation(self, id_: UUID | None) -> str:
        return "" if id_ is None else self.tree.by_id[id_].name


def _rows(of: Reading, language: Language) -> Iterator[Sequence[Cell]]:
    recorded, staff = Recorded(of.ledger), staff_numbers(of.model)
    for movement in every_movement(
        of.model, of.asked, of.moment, newest_first=of.filter.newest is not None
    ):
        at, officer_id = recorded.of(movement)
        officer = "" if officer_id is None else staff.get(officer_id, "")
        line = _Line(movement, of.tree, language, at, officer)
        yield [column.cell(line) for column in COLUMNS]


@dataclass(frozen=True, slots=True)
class _Column:
    title: str
    kind: CellKind
    width: int
    cell: Callable[[_Line], Cell]


def _giver(line: _Line) -> Cell:
    of = line.movement
    if of.kind is Kind.RECEIPT:
        return line.language.say(of.source or "")
    if of.kind in (Kind.RETURN, Kind.WITHDRAWAL):
        return line.language.say(N_("收款人"))
    if of.kind in (Kind.ARRIVAL, Kind.TAKEN_BACK):
        return line.language.say(N_("其他账本"))
    return line.organisation(of.organisation_id)


def _taker(line: _Line) -> Cell:
    of = line.movement
    if of.kind is Kind.ALLOCATION:
        return line.organisation(of.other_id)
    if of.kind in (Kind.RECEIPT, Kind.RETURN, Kind.WITHDRAWAL, Kind.ARRIVAL, Kind.TAKEN_BACK):
        return line.organisation(of.organisation_id)
    if of.kind is Kind.REMITTANCE:
        return line.language.say(N_("其他账本"))
    return line.language.say(N_("收款人"))


def _status(line: _Line) -> Cell:
    return term(line.language, "payment", line.movement.status)


COLUMNS: Sequence[_Column] = (
    _Column(
        N_("种类"), CellKind.TEXT, 8, lambda of: term(of.language, "movement", of.movement.kind)
    ),
    _Column(N_("批次号"), CellKind.TEXT, 14, lambda of: of.movement.batch_code),
    _Column(N_("序号"), CellKind.COUNT, 6, lambda of: of.movement.number),
    _Column(N_("文号"), CellKind.TEXT, 16, lambda of: of.movement.document),
    _Column(N_("从"), CellKind.TEXT, 18, _giver),
    _Column(N_("到"), CellKind.TEXT, 18, _taker),
    _Column(N_("类别"), CellKind.TEXT, 16, lambda of: of.language.say(of.movement.category or "")),
    _Column(N_("方式"), CellKind.TEXT, 8, lambda of: of.language.say(of.movement.channel or "")),
    _Column(N_("金额(元)"), CellKind.MONEY, 13, lambda of: of.movement.amount_fen),
    _Column(N_("状态"), CellKind.TEXT, 9, _status),
    _Column(N_("状态日期"), CellKind.DAY, 11, lambda of: of.movement.status_since),
    _Column(
        N_("原因"), CellKind.TEXT, 12, lambda of: term(of.language, "reason", of.movement.reason)
    ),
    _Column(N_("发生日期"), CellKind.DAY, 11, lambda of: of.movement.happened_on),
    _Column(N_("登记日期"), CellKind.DAY, 11, lambda of: china_day(of.recorded_at).isoformat()),
    _Column(N_("登记人"), CellKind.TEXT, 9, lambda of: of.officer),
    _Column(N_("日志位置"), CellKind.COUNT, 9, lambda of: of.movement.position),
)
