"""Rules about payments and files of the archive: none then, left by then, paid beside one.

What a category asks for is read from the policy as it was known, and in force, when a payment was
approved; whether somebody was on file, from all that is known of their files by the moment.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Row, Select, exists, or_, select

from ledger.domain.policy import Channel
from ledger.domain.recipient import OnFile, standing_with
from projections.batches import batches, campaigns
from projections.findings.asked import Asked
from projections.findings.finding import Finding, Severity
from projections.findings.growing import Growing, among
from projections.findings.people import WAS_REISSUED, standing, told_together
from projections.findings.sent import sent_again_on
from projections.listed_people import rows_not_on_file
from projections.movements import Kind, movements
from projections.payment_states import disbursements
from projections.person_files import CLOSED, OPENED, person_files
from projections.policies import (
    EARMARK,
    SOURCE,
    adoptions,
    category_purposes,
    category_rules,
)

IN_NEED = ("困", "贫", "低保", "低收入", "边缘", "零就业", "失业", "下岗")
"""What names of classes of people in need say, each by one of these, whatever stands around it.

困难, 深度困难, 相对困难, 意外致困, 特困; 因病致贫; 低保边缘; 因非个人意愿下岗失业. Source:
困难职工档案的类别, 送温暖资金使用管理办法 (the groups of recipients), and 社会救助's own words.
"""
MODEL_WORKERS = "劳模"
UNFILED = ("未建档", "非建档")
"""What the name of a class says whose people the archive does not take."""

NAMED_UNFILED, BESIDE_FILE = "named_unfiled", "beside_file"
FILED_AFTER_REFUSAL = "filed_after_refusal"


class Category(NamedTuple):
    """What a policy asks of a category; no sources or earmarks named: any may pay it."""

    name: str
    channel: str
    archive_required: bool
    sources: frozenset[str] = frozenset()
    earmarks: frozenset[str] = frozenset()


class File(NamedTuple):
    """A file of the archive; `position` is where it was entered."""

    opened_on: date
    closed_on: date | None
    position: int


def paid_without_file(asked: Asked) -> Iterator[Finding]:
    """A1, A2: paid as somebody who is on file, and by then was not, or was not any more.

    Source: 总工发〔2015〕20号: 先建档、后帮扶; 脱困、退休、调离、死亡即退档.
    """
    people = list(dict.fromkeys((*_NEVER.keys(asked.connection), *_LEFT.keys(asked.connection))))
    found: dict[tuple[str, bytes, bytes], list[Row[Any]]] = defaultdict(list)
    for row, day, files in _resting_on_file(asked, people):
        on_file, _ = standing_with(files, day)
        if on_file is not OnFile.LIVE:
            rule = "A1" if on_file is OnFile.ABSENT else "A2"
            found[rule, row.organisation_id, row.campaign_id].append(row)
    for (rule, *place), rows in found.items():
        yield told_together(rule, Severity.ERROR, (place[0], place[1]), rows)


def filed_after_refusal(asked: Asked) -> Iterator[Finding]:
    """A1: refused because the archive had no file, then paid on one that was dated before that.

    The file may have been forgotten, and it may have been made for the money.
    """
    people = _REFUSED.keys(asked.connection)
    refusals = refusals_of(asked, people)
    found: dict[tuple[bytes, bytes], list[Row[Any]]] = defaultdict(list)
    for row, day, files in _resting_on_file(asked, people):
        refused = refusals.get((row.person_id, row.campaign_id), ())
        if entered_after(refused, files, day) is not None:
            found[row.organisation_id, row.campaign_id].append(row)
    for place, rows in found.items():
        yield told_together("A1", Severity.INFORMATION, place, rows, detail=FILED_AFTER_REFUSAL)


def paid_beside_file(asked: Asked) -> Iterator[Finding]:
    """C1: paid by sheet in another class of people in need, while on file: card only, then.

    Who keeps a post on the day, or is a model worker, may be on file and paid as that: nobody is
    doubted for it.

    Source: 总工会2017年“两节”期间开展送温暖活动方案, 二(一) 2, 3: 不符合建档条件; 四(五): 建档在册
    困难职工一律采用银行卡发放.
    """
    yield from _paid_beside_file(asked, names_need)


def paid_beside_file_as_named(asked: Asked) -> Iterator[Finding]:
    """C1 as it was: people in need were known by one word in the name of their class."""
    yield from _paid_beside_file(asked, lambda name: KNOWN_BY in name)


KNOWN_BY = "困"
"""By what alone C1 and E3 once knew a class of people in need."""


def _paid_beside_file(asked: Asked, needy: Callable[[str], bool]) -> Iterator[Finding]:
    people = _BESIDE.keys(asked.connection)
    files, categories = files_of(asked, people), Categories(asked)
    found: dict[tuple[str, bytes, bytes], list[Row[Any]]] = defaultdict(list)
    for row in among(asked.connection, people, disbursements.c.person_id, standing(asked)):
        known = [each for each in files[row.person_id] if each.position < row.position]
        day = date.fromisoformat(row.happened_on)
        doubt = doubted_beside(row.category, row.channel, categories.when(row), known, day)
        if doubt is not None and needy(row.category):
            found[doubt, row.organisation_id, row.campaign_id].append(row)
    for (doubt, *place), rows in found.items():
        severity = Severity.WARNING if doubt == NAMED_UNFILED else Severity.INFORMATION
        yield told_together("C1", severity, (place[0], place[1]), rows, detail=doubt)


def doubted_beside(
    name: str,
    channel: str,
    categories: Collection[Category],
    files: Collection[File],
    day: date,
) -> str | None:
    """Say what is doubtful about a payment to somebody who may be on file; None: nothing is.

    Args:
        name: Of the category that it was paid in.
        channel: By which it was paid.
        categories: All that the policy of that day names.
        files: The person's, as far as they were entered when it was approved.
        day: On which it was approved.
    """
    rule = next((each for each in categories if each.name == name), None)
    if rule is None or rule.archive_required or channel == Channel.BANK_CARD:
        return None
    if not names_need(name) or MODEL_WORKERS in name:
        return None
    card_only = any(
        each.archive_required and each.channel == Channel.BANK_CARD for each in categories
    )
    if not card_only or standing_with(files, day)[0] is not OnFile.LIVE:
        return None
    return NAMED_UNFILED if any(each in name for each in UNFILED) else BESIDE_FILE


def names_need(name: str) -> bool:
    """Say whether the name of a category is that of people in need."""
    return any(each in name for each in IN_NEED)


def is_in_need(name: str, *, requires_file: bool) -> bool:
    """Say whether a category is of people in need: by its name, or as it asks for their file.

    Model workers have files too, and are visited as that, unless the name says that they need it.
    """
    return names_need(name) or (requires_file and MODEL_WORKERS not in name)


def is_of_household(name: str, *, requires_file: bool) -> bool:
    """Say whether a category is paid to a household (每户), and not for what one does (每人)."""
    return names_need(name) or requires_file


def entered_after(
    refusals: Sequence[tuple[int, date]], files: Sequence[File], day: date
) -> tuple[int, date] | None:
    """Return a refusal after which every file was entered that was live on a day, dated before it.

    Args:
        refusals: Where each stands, and its day.
        files: A person's.
        day: On which the person was paid.
    """
    live = [each for each in files if standing_with([each], day)[0] is OnFile.LIVE]
    for position, refused_on in refusals:
        if live and all(each.position > position and each.opened_on <= refused_on for each in live):
            return position, refused_on
    return None


class Categories:
    """What the policies of campaigns said of their categories, reading by reading."""

    def __init__(self, asked: Asked) -> None:
        self._policy_of: Mapping[bytes, bytes] = {
            row.campaign_id: row.policy_id
            for row in asked.connection.execute(
                select(campaigns.c.campaign_id, campaigns.c.policy_id)
            )
        }
        said: dict[int, list[Category]] = defaultdict(list)
        allowed: dict[tuple[int, str, str], set[str]] = defaultdict(set)
        for row in asked.connection.execute(select(category_purposes)):
            allowed[row.position, row.name, row.purpose].add(row.allowed)
        for row in asked.connection.execute(select(category_rules)):
            sources, earmarks = (
                frozenset(allowed[row.position, row.name, each]) for each in (SOURCE, EARMARK)
            )
            required = bool(row.archive_required)
            category = Category(row.name, row.channel, required, sources, earmarks)
            said[row.position].append(category)
        self._adopted: dict[bytes, list[tuple[int, str, Sequence[Category]]]] = defaultdict(list)
        for row in asked.connection.execute(select(adoptions).order_by(adoptions.c.position)):
            adopted = row.position, row.effective_from, said[row.position]
            self._adopted[row.policy_id].append(adopted)

    def when(self, payment: Row[Any]) -> Sequence[Category]:
        """Return those of the policy as it was known, and in force, when it was approved."""
        return self.known(payment.campaign_id, payment.position, payment.happened_on)

    def known(self, campaign: bytes, position: int, day: str) -> Sequence[Category]:
        """Return those of a campaign's policy as it was known at a position, for a day."""
        adopted = self._adopted[self._policy_of[campaign]]
        known = bisect_left(adopted, position, key=lambda each: each[0])
        for _, effective_from, categories in reversed(adopted[:known]):
            if effective_from <= day:
                return categories
        return ()

    def require_file(self, payment: Row[Any]) -> bool:
        """Say whether it was for people who are on file alone."""
        return any(
            each.archive_required for each in self.when(payment) if each.name == payment.category
        )

    def in_need(self, payment: Row[Any]) -> bool:
        return is_in_need(payment.category, requires_file=self.require_file(payment))

    def of_household(self, payment: Row[Any]) -> bool:
        return is_of_household(payment.category, requires_file=self.require_file(payment))

    def of_household_as_named(self, payment: Row[Any]) -> bool:
        """E3 as it was: people in need were known by one word in the name of their class."""
        return KNOWN_BY in payment.category or self.require_file(payment)


def files_of(asked: Asked, people: Sequence[bytes]) -> dict[bytes, list[File]]:
    """Return the files of people as they were known at the moment, in the order of the log."""
    entered: dict[bytes, dict[str, File]] = defaultdict(dict)
    statement = select(person_files).where(asked.moment.covers(person_files))
    rows = among(asked.connection, people, person_files.c.person_id, statement)
    for row in sorted(rows, key=lambda row: row.position):
        files, day = entered[row.person_id], date.fromisoformat(row.happened_on)
        if row.step == OPENED:
            files[row.file_number] = File(day, None, row.position)
        elif row.file_number in files:
            files[row.file_number] = files[row.file_number]._replace(closed_on=day)
    return defaultdict(list, {person: list(files.values()) for person, files in entered.items()})


def refusals_of(
    asked: Asked, people: Sequence[bytes]
) -> dict[tuple[bytes, bytes], list[tuple[int, date]]]:
    """Return where and when people were refused as not on file, by person and campaign."""
    of = rows_not_on_file.c
    statement = (
        select(of.person_id, of.position, of.happened_on, batches.c.campaign_id)
        .join(batches, batches.c.batch_id == of.batch_id)
        .where(asked.moment.covers(rows_not_on_file))
    )
    found: dict[tuple[bytes, bytes], list[tuple[int, date]]] = defaultdict(list)
    for row in among(asked.connection, people, of.person_id, statement):
        refusal = row.position, date.fromisoformat(row.happened_on)
        found[row.person_id, row.campaign_id].append(refusal)
    return found


def _resting_on_file(
    asked: Asked, people: Sequence[bytes]
) -> Iterator[tuple[Row[Any], date, list[File]]]:
    """Yield payments for which somebody had to be on file, the day they were sent last, the files.

    What came back and was paid again is held against the files of that day.
    """
    files, categories = files_of(asked, people), Categories(asked)
    paid = among(asked.connection, people, disbursements.c.person_id, standing(asked))
    rows = [row for row in paid if categories.require_file(row)]
    again = sent_again_on(asked.connection, [row.disbursement_id for row in rows], asked.moment)
    for row in rows:
        day = date.fromisoformat(again.get(row.disbursement_id, row.happened_on))
        yield row, day, files[row.person_id]


# Whom each rule has to look at: found once, and then in what was recorded since.


def _never(start: int) -> Sequence[Select[Any]]:
    """Select people paid since as such who are on file, of whom no file was known then."""
    of, files = disbursements.c, person_files.c
    asking = select(category_rules.c.name).where(category_rules.c.archive_required == 1)
    known = exists().where(
        files.person_id == of.person_id,
        files.step == OPENED,
        files.position < of.position,
        files.happened_on <= of.happened_on,
    )
    return (select(of.person_id).where(of.position >= start, of.category.in_(asking), ~known),)


def _left(start: int) -> Sequence[Select[Any]]:
    """Select people of whom a file was closed on or before a day on which they were paid."""
    of, again, files = disbursements.c, movements.c, person_files.c
    closed = exists().where(files.person_id == of.person_id, files.step == CLOSED)
    paid = select(of.person_id).where(closed.where(files.happened_on <= of.happened_on))
    paid_again = (
        select(of.person_id)
        .join(movements, again.disbursement_id == of.disbursement_id)
        .where(again.kind == Kind.REISSUE.value)
        .where(closed.where(files.happened_on <= again.happened_on))
    )
    # Of whom a file was closed since: by their own few payments.
    since = select(files.person_id).where(files.position >= start, files.step == CLOSED)
    reissued = exists().where(again.disbursement_id == of.disbursement_id, WAS_REISSUED)
    by_files = (
        paid.where(of.person_id.in_(since)),
        select(of.person_id).where(of.person_id.in_(since), reissued),
    )
    if not start:
        return by_files
    return (
        *by_files,
        paid.where(of.position >= start),
        paid_again.where(again.position >= start),
    )


def _refused(start: int) -> Sequence[Select[Any]]:
    of = rows_not_on_file.c
    paid = (
        select(of.person_id)
        .distinct()
        .join(disbursements, disbursements.c.person_id == of.person_id)
    )
    if not start:
        return (paid,)
    return paid.where(of.position >= start), paid.where(disbursements.c.position >= start)


def _beside(start: int) -> Sequence[Select[Any]]:
    """Select people paid since by sheet in a class of people in need, who had come on file."""
    of, files = disbursements.c, person_files.c
    filed = exists().where(
        files.person_id == of.person_id, files.step == OPENED, files.position < of.position
    )
    in_need = or_(*(of.category.contains(each) for each in IN_NEED))
    by_sheet = (of.channel == Channel.SIGNATURE_SHEET.value, in_need)
    return (select(of.person_id).where(of.position >= start, *by_sheet, filed),)


_NEVER, _LEFT, _REFUSED = Growing(_never), Growing(_left), Growing(_refused)
_BESIDE = Growing(_beside)
