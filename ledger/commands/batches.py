"""Batches: drafted from a roster, reviewed, approved, written out for the bank."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from itertools import islice, permutations
from typing import TypeVar
from uuid import UUID

from ledger.commands.duties import acting_as, require_post, require_role
from ledger.commands.funds import CASHIERS
from ledger.commands.lineage import lineage
from ledger.commands.policies import asked_since_drafted, paid_from
from ledger.commands.refusals import recorded
from ledger.commands.sealing import (
    ARCHIVE_FILE,
    PAYEE,
    ROSTER_ROW,
    card_index,
    person_id,
    phone_index,
    seal,
    unseal,
)
from ledger.commands.signed_acts import perform_signed
from ledger.domain.batch import (
    Batch,
    BatchEmpty,
    Row,
    SamePerson,
    Stage,
    batch_id,
)
from ledger.domain.campaign import Campaign, campaign_id
from ledger.domain.disbursement import Disbursement, Status, disbursement_id
from ledger.domain.fund import FundAccount, FundInsufficient, SourcesInsufficient, fund_id
from ledger.domain.officer import Officer, Role, RoleMissing
from ledger.domain.organisation import Organisation, organisation_id
from ledger.domain.policy import Channel, LimitName, Policy
from ledger.domain.recipient import OnFile, Recipient
from ledger.domain.rules import RowFacts, Verdict, judge, judge_again
from ledger.domain.values import MONEY_MAX, Money
from ledger.errors import Kind, LedgerError
from ledger.files.banks import FORMATS
from ledger.files.identity import has_reached, id_fault
from ledger.files.roster import FIELD_NAMES, Roster, RosterRow
from ledger.store.act import CommandAct
from ledger.store.application import STREAMS_AT_ONCE, Answer, Decide, Ledger, Work
from ledger.vault.keys import PersonErased

TRow = TypeVar("TRow")


HANDLERS = frozenset({Role.HANDLER})
REVIEWERS = frozenset({Role.REVIEWER})
APPROVERS = frozenset({Role.APPROVER})
CLOSERS = CASHIERS | {Role.APPROVER}


class BatchKnown(LedgerError):
    """The batch's code is taken."""

    code = "batch.known"
    kind = Kind.CONFLICT

    def __init__(self, code: str) -> None:
        super().__init__(f"batch {code} was drafted already")


class BankFormatUnknown(LedgerError):
    """A card batch names the bank's format."""

    code = "batch.bank_format_unknown"
    kind = Kind.INVALID

    def __init__(self, code: str, bank_format: str | None) -> None:
        super().__init__(f"batch {code}: bank format {bank_format} is none of {', '.join(FORMATS)}")


@dataclass(frozen=True, slots=True)
class Draft:
    """A roster handed in for a campaign by its drafter."""

    code: str
    campaign_code: str
    organisation_code: str
    earmark: str
    channel: Channel
    bank_format: str | None
    drafted_by: str
    roster: Roster = field(repr=False)


@dataclass(frozen=True, slots=True)
class Step:
    """A review or an approval, by the officer of this staff number."""

    batch_code: str
    staff_number: str


def draft_batch(ledger: Ledger, act: CommandAct, order: Draft) -> Answer:
    """Take in a roster; each row stands, or is refused with the first rule that it breaks.

    The result counts `accepted` and lists `refused` as `{number, line, code, field}`.

    Raises:
        BatchKnown, BankFormatUnknown, NotOnRecord, PolicyNotInForce: As they say.
        CampaignClosed, CampaignOfAnother: The campaign takes no list of this organisation.
    """

    def decide(work: Work) -> None:
        if work.find(Batch, batch_id(order.code)):
            raise BatchKnown(order.code)
        organisation = work.get(Organisation, organisation_id(order.organisation_code))
        # Of past files who may draft is not asked: a draft pays nobody.
        drafter = work.get(Officer, acting_as(act, order.drafted_by)).id
        require_post(work, act, HANDLERS, organisation.id)
        campaign = work.get(Campaign, campaign_id(order.campaign_code))
        campaign.require_open()
        campaign.require_of(lineage(work, organisation.id, act.happened_on))
        if order.channel is Channel.BANK_CARD and order.bank_format not in FORMATS:
            raise BankFormatUnknown(order.code, order.bank_format)
        judging = _Judging(work, order.campaign_code, order.channel, order.earmark, act.happened_on)
        batch = Batch.draft(
            act,
            code=order.code,
            campaign_id=campaign_id(order.campaign_code),
            organisation_id=organisation.id,
            earmark=order.earmark,
            channel=order.channel,
            bank_format=order.bank_format,
            roster_sha256=order.roster.sha256,
            listed_count=len(order.roster.rows),
            listed_total=Money(order.roster.total_fen),
            drafted_by=drafter,
        )
        layout = order.roster.layout
        if layout is not None:
            fields = tuple(field or "" for field in layout.fields)
            batch.read_columns(act, header_line=layout.line, fields=fields)
        refused: list[dict[str, object]] = []
        for rows in _some_at_once(order.roster.rows):
            with judging.people(rows) as people:
                told = (_list_row(judging, act, batch, row, person) for row, person in people)
                refused += [each for each in told if each is not None]
        work.result.update(batch_id=str(batch.id), accepted=len(batch.rows), refused=refused)
        work.save(batch)

    request = [getattr(order, name) for name in Draft.__slots__ if name != "roster"]
    request.append(order.roster.sha256)
    if order.roster.layout is not None:
        request.append(order.roster.layout)
    return ledger.perform(act, "batch.draft", request, decide)


def review_batch(ledger: Ledger, act: CommandAct, order: Step) -> Answer:
    """Review a drafted batch. A reviewer who may not is refused, and that is put on record.

    Raises:
        WrongStage: It was reviewed already.
        AmountTooLarge: Its rows add up to more than an event can say.
    """

    def decide(work: Work) -> None:
        batch = work.get(Batch, batch_id(order.batch_code))
        reviewer = acting_as(act, order.staff_number)
        work.get(Campaign, batch.campaign_id).require_open()
        try:
            batch.require_reviewable_by(reviewer)
            require_role(work, reviewer, Role.REVIEWER, batch.organisation_id, act.happened_on)
            require_post(work, act, REVIEWERS, batch.organisation_id)
        except (SamePerson, RoleMissing) as refusal:
            _refuse(work, act, batch, "review", reviewer, refusal)
            return
        batch.review(act, reviewed_by=reviewer)
        work.save(batch)

    return ledger.perform(act, "batch.review", order, decide)


def approve_batch(ledger: Ledger, act: CommandAct, order: Step) -> Answer:
    """Approve a batch and instruct its payments, drawn row by row in the roster's order.

    Those whom the fewest sources may pay draw first; where that leaves too little to others, in
    another order that pays all. Rows are judged once more on this day. An approver who may not, or
    too little money, is refused as a whole, and that is put on record.

    Raises:
        WrongStage: It was not reviewed, or it was approved already.
        OfficerSignatureMissing: The approver did not sign.
        BatchEmpty: No row stands; it says by which rules how many fell.
    """
    batch = batch_id(order.batch_code)
    return perform_signed(ledger, act, "batch.approve", order, batch, _approve(act, order))


def prepare_approval(ledger: Ledger, act: CommandAct, order: Step) -> bytes:
    """Return the payload that the approver is to sign.

    Raises:
        LedgerError: What `approve_batch` would refuse.
    """
    return ledger.prepare(act, _approve(act, order, instructs=False))[0]


def close_batch(ledger: Ledger, act: CommandAct, batch: UUID) -> Answer:
    """End a batch when every payment of it was answered for.

    Raises:
        WrongStage: It was not approved, or is closed already.
        PaymentsUnderWay: Some are on their way.
    """

    def decide(work: Work) -> None:
        closing = work.get(Batch, batch)
        require_post(work, act, CLOSERS, closing.organisation_id)
        waiting = 0
        if closing.stage is Stage.APPROVED:
            payments = payments_in(work, closing)
            waiting = sum(payment.status is Status.IN_TRANSIT for _, payment in payments)
        closing.close(act, in_transit=waiting)
        work.save(closing)

    return ledger.perform(act, "batch.close", batch, decide)


def _approve(act: CommandAct, order: Step, *, instructs: bool = True) -> Decide:
    """Decide an approval; without instructing payments, which cannot refuse it any more."""

    def decide(work: Work) -> None:
        batch = work.get(Batch, batch_id(order.batch_code))
        approver = acting_as(act, order.staff_number)
        campaign = work.get(Campaign, batch.campaign_id)
        campaign.require_open()
        fund = work.find(FundAccount, fund_id(batch.organisation_id, batch.earmark))
        fallen = _fallen(work, batch, campaign, act.happened_on)
        standing = [row for row in batch.rows.values() if row.number not in fallen]
        try:
            batch.require_approvable_by(approver)
            require_role(work, approver, Role.APPROVER, batch.organisation_id, act.happened_on)
            require_post(work, act, APPROVERS, batch.organisation_id)
            turns = _in_turn(standing, paid_from(work, campaign, act.happened_on))
            turns = _covered(batch, fund, turns, act.happened_on)
        except (SamePerson, RoleMissing, FundInsufficient) as refusal:
            _refuse(work, act, batch, "approval", approver, refusal)
            return
        if not standing:
            raise BatchEmpty(batch.id, [verdict.code for verdict in fallen.values()])
        for number, verdict in fallen.items():
            batch.withdraw_row(act, number=number, refusal_code=verdict.code)
        batch.approve(act, approved_by=approver)
        work.save(batch)
        if fund is not None and instructs:
            paid = (
                _instruct(act, batch, fund, row, sources) for sources, rows in turns for row in rows
            )
            work.save(fund, *paid)
        work.result.update(
            paid=len(standing),
            total_fen=batch.total,
            withdrawn=[{"number": n, "code": verdict.code} for n, verdict in fallen.items()],
        )

    return decide


def _fallen(work: Work, batch: Batch, campaign: Campaign, day: date) -> Mapping[int, Verdict]:
    """Judge the rows of a batch once more; say which fall, by number, and why."""
    concerned = {row.person_id for row in batch.rows.values()}
    concerned |= {batch.id, campaign.id, campaign.policy_id}

    def find() -> Mapping[int, Verdict]:
        since = asked_since_drafted(work, campaign, batch, day)
        judging = _Judging(work, campaign.code, batch.channel, batch.earmark, day, since)
        fallen: dict[int, Verdict] = {}
        for rows in _some_at_once(batch.rows.values()):
            judging.look_up([row.person_id for row in rows])
            opened = [row.person_id for row in rows if row.category in since]
            if opened:
                work.ledger.vault.keep_all(opened)
            for row in rows:
                if verdict := judging.verdict_again(row):
                    fallen[row.number] = verdict
        return fallen

    def concerns(stream: UUID, topic: str) -> bool:
        return stream in concerned or topic == Disbursement.Instructed.TOPIC

    return work.conclude(("rows that fall", batch.id, day), concerns, find)


ORDERS_MAX = 120
"""So many orders of categories are tried: all that five of them have."""

Turns = Sequence[tuple[Collection[str], Sequence[Row]]]
"""Rows by the sources that may pay them, in the order in which they draw; none named: any may."""


def _in_turn(rows: Sequence[Row], sources_of: Mapping[str, tuple[str, ...]]) -> Turns:
    """Put rows in the order in which they draw: those with the fewest sources first.

    So what any source may pay leaves to the others what they alone may have. Of the same sources
    they stay in the roster's order.
    """
    found: dict[frozenset[str], list[Row]] = {}
    for row in rows:
        found.setdefault(frozenset(sources_of.get(row.category, ())), []).append(row)
    return sorted(found.items(), key=lambda turn: (not turn[0], len(turn[0])))


def _covered(batch: Batch, fund: FundAccount | None, turns: Turns, day: date) -> Turns:
    """Return the order in which all rows are paid: the usual one, or else the first that does.

    Where categories share some of their sources, one may take what another alone could have.

    Raises:
        FundInsufficient, SourcesInsufficient: There is too little, in whatever order.
    """
    if fund is None:
        needed = Money(sum(row.amount for _, rows in turns for row in rows))
        if needed:
            account = fund_id(batch.organisation_id, batch.earmark)
            raise FundInsufficient(account, needed, Money(0), day, None)
        return turns
    needs = [(sources, Money(sum(row.amount for row in rows))) for sources, rows in turns]
    refused: SourcesInsufficient | None = None
    for order in islice(permutations(range(len(turns))), ORDERS_MAX):
        try:
            fund.require_covered([needs[each] for each in order], day)
        except SourcesInsufficient as refusal:
            refused = refused or refusal
        else:
            return [turns[each] for each in order]
    assert refused is not None  # noqa: S101 - there is one order at least, and it was refused
    raise refused


def _instruct(
    act: CommandAct, batch: Batch, fund: FundAccount, row: Row, sources: Collection[str]
) -> Disbursement:
    id_ = disbursement_id(batch.campaign_id, row.person_id)
    parts = fund.draw(
        act, disbursement_id=id_, batch_id=batch.id, amount=row.amount, sources=sources
    )
    return Disbursement.instruct(
        act,
        campaign_id=batch.campaign_id,
        batch_id=batch.id,
        number=row.number,
        organisation_id=batch.organisation_id,
        fund_id=fund.id,
        person_id=row.person_id,
        category=row.category,
        channel=batch.channel,
        amount=row.amount,
        parts=parts,
        payee=row.payee,
        card_index=row.card_index,
    )


def payments_in(
    work: Work, batch: Batch, *, with_keys: bool = False
) -> Iterator[tuple[Row, Disbursement]]:
    """Yield the payment of each row to look at; with the keys at hand of whom it is for."""
    for rows in _some_at_once(batch.rows.values()):
        ids = [disbursement_id(batch.campaign_id, row.person_id) for row in rows]
        found = work.glance_all(Disbursement, ids)
        if with_keys:
            work.ledger.vault.keep_all([row.person_id for row in rows])
        for row, id_ in zip(rows, ids, strict=True):
            yield row, found.get(id_) or work.get(Disbursement, id_)


def _refuse(
    work: Work, act: CommandAct, batch: Batch, tried: str, officer: UUID, refusal: LedgerError
) -> None:
    if act.signed_in:
        # In a stream of its own: whoever keeps trying must not move the batch away under the
        # signature of somebody who may.
        work.save(recorded(act, f"batch.{tried}", refusal, batch.id, batch.id))
    else:
        batch.refuse(act, tried=tried, tried_by=officer, refusal_code=refusal.code)
        work.save(batch)
    work.refuse(refusal)


def _some_at_once(rows: Iterable[TRow]) -> Iterator[list[TRow]]:
    coming = iter(rows)
    while some := list(islice(coming, STREAMS_AT_ONCE)):
        yield some


NOTHING_MORE: Mapping[str, tuple[str, ...]] = {}


class _Judging:
    """The rules of one campaign on one day, over rows and what the archive says of people.

    `asked_since` are the fields that came to be required since a list was drafted, by category:
    only where there are any is the sealed part of a row opened to judge it again.
    """

    def __init__(
        self,
        work: Work,
        campaign_code: str,
        channel: Channel,
        earmark: str,
        day: date,
        asked_since: Mapping[str, tuple[str, ...]] = NOTHING_MORE,
    ) -> None:
        self.work = work
        self._day = day
        self._channel = channel
        self._earmark = earmark
        self._asked_since = asked_since
        campaign = work.get(Campaign, campaign_id(campaign_code))
        self._campaign_id = campaign.id
        policy = work.get(Policy, campaign.policy_id).in_force_on(day)
        self._categories = {rule.name: rule for rule in policy.categories}
        said = {limit.name: limit.value for limit in policy.limits}
        self._men_years = said.get(LimitName.RETIREMENT_MEN_YEARS)
        self._women_years = said.get(LimitName.RETIREMENT_WOMEN_YEARS)
        self._listed: set[UUID] = set()
        self._paid: set[UUID] = set()
        self._recipients: Mapping[UUID, Recipient] = {}

    def look_up(self, people: Sequence[UUID]) -> None:
        """Have at hand what is on record of some hundred people who are judged next."""
        self._recipients = self.work.glance_all(Recipient, people)
        payments = {disbursement_id(self._campaign_id, person): person for person in people}
        paid = self.work.glance_all(Disbursement, list(payments))
        self._paid = {payments[id_] for id_ in paid}

    @contextmanager
    def people(self, rows: Sequence[RosterRow]) -> Iterator[list[tuple[RosterRow, UUID | None]]]:
        """Say who some hundred rows are for, and have at hand what is known of them.

        None where the ID number is none.
        """
        ledger, day = self.work.ledger, self._day
        named = [
            (row, None if id_fault(row.id_number, day) else person_id(ledger, row.id_number))
            for row in rows
        ]
        people = [person for _, person in named if person is not None]
        self.look_up(people)
        with self.work.ledger.vault.at_hand(people):
            yield named

    def verdict(self, row: RosterRow, person: UUID | None) -> Verdict | None:
        """Judge a row as listed; a person who stands in an earlier row of the list counts too."""
        nobody = person is None and row.id_number
        fault = id_fault(row.id_number, self._day) if nobody else None
        verdict = judge(
            self._facts(
                person,
                row.category,
                _amount(row),
                given=row.given,
                id_is_text=row.id_is_text,
                id_fault=fault,
                card_is_text=row.card_is_text,
            )
        )
        if verdict is None and person is not None:
            self._listed.add(person)
        return verdict

    def is_of_retirement_age(self, id_number: str) -> bool:
        """Say whether somebody had reached the age that the policy names; it may name none."""
        return has_reached(
            id_number, self._day, men_years=self._men_years, women_years=self._women_years
        )

    def verdict_again(self, row: Row) -> Verdict | None:
        """Judge what may have changed since a row was listed.

        Whose data may not be read cannot be paid: no bank's file could name them.
        """
        recipient = self._recipients.get(row.person_id)
        if recipient is not None and (recipient.erased or recipient.restricted):
            return Verdict(PersonErased.code)
        given: frozenset[str] = frozenset()
        if row.category in self._asked_since:
            try:
                given = _given(unseal(self.work.ledger, row.person_id, PAYEE, row.payee))
            except PersonErased as erased:
                return Verdict(erased.code)
        return judge_again(self._facts(row.person_id, row.category, row.amount, given=given))

    def _facts(
        self,
        person: UUID | None,
        category: str,
        amount: Money | None,
        *,
        given: frozenset[str] = frozenset(),
        id_is_text: bool = True,
        id_fault: str | None = None,
        card_is_text: bool = True,
    ) -> RowFacts:
        rule = self._categories.get(category)
        on_file, income = OnFile.ABSENT, None
        if person is not None and rule is not None and rule.archive_required:
            on_file, income = self._archive(person, wants_income=bool(rule.monthly_income_below))
        return RowFacts(
            given=given,
            id_is_text=id_is_text,
            id_fault=id_fault,
            card_is_text=card_is_text,
            amount=amount,
            channel=self._channel,
            category=rule,
            on_file=on_file,
            monthly_income=income,
            paid_in_campaign=person in self._listed or person in self._paid,
            earmark=self._earmark,
            asked_since=self._asked_since.get(category, ()),
        )

    def _archive(self, person: UUID, *, wants_income: bool) -> tuple[OnFile, Money | None]:
        recipient = self._recipients.get(person)
        if recipient is None:
            return OnFile.ABSENT, None
        on_file, file = recipient.standing_on(self._day)
        if file is None or not wants_income:
            return on_file, None
        try:
            details = unseal(self.work.ledger, person, ARCHIVE_FILE, file.details)
        except PersonErased:
            return on_file, None  # the row falls, and holds up nobody else's
        income = details.get("monthly_income_fen")
        return on_file, None if income is None else Money(int(income))


def _list_row(
    judging: _Judging, act: CommandAct, batch: Batch, row: RosterRow, person: UUID | None
) -> dict[str, object] | None:
    """Add a row to the batch, standing or refused; return what is to be said of a refused one."""
    verdict = judging.verdict(row, person)
    if verdict is None and person is not None:
        try:
            _accept_row(judging, act, batch, row, person)
        except PersonErased:
            verdict = Verdict(PersonErased.code)
    if verdict is None:
        return None
    _refuse_row(judging.work, act, batch, row, person, verdict)
    return {
        "number": row.number,
        "line": row.line,
        "code": verdict.code,
        "field": verdict.field,
    }


def _accept_row(
    judging: _Judging, act: CommandAct, batch: Batch, row: RosterRow, person: UUID
) -> None:
    work = judging.work
    standing = Row(
        row.number,
        person,
        row.category,
        _amount(row) or Money(0),
        seal(work, person, PAYEE, _personal(row)),
        card_index(work.ledger, row.card_number),
        phone_index(work.ledger, row.phone),
        judging.is_of_retirement_age(row.id_number),
    )
    batch.accept_row(act, standing, line=row.line)


def _refuse_row(
    work: Work,
    act: CommandAct,
    batch: Batch,
    row: RosterRow,
    person: UUID | None,
    verdict: Verdict,
) -> None:
    nobody = work.ledger.vault.subject_id("roster row", f"{batch.id}:{row.number}")
    subject = nobody if person is None else person
    try:
        details = seal(work, subject, ROSTER_ROW, _personal(row))
    except PersonErased:
        # What was erased is not kept again under another key.
        subject, details = nobody, seal(work, nobody, ROSTER_ROW, {})
    batch.refuse_row(
        act,
        number=row.number,
        line=row.line,
        refusal_code=verdict.code,
        field=verdict.field,
        subject_id=subject,
        category=row.category or None,
        amount=_amount(row),
        details=details,
    )


def _amount(row: RosterRow) -> Money | None:
    """Return the row's amount; one that no event can say is none."""
    amount = row.amount_fen
    return None if amount is None or abs(amount) > MONEY_MAX else Money(amount)


def _given(personal: Mapping[str, str]) -> frozenset[str]:
    """Return the fields that a row that stands holds, by what was sealed of it."""
    return frozenset({word for key, word in FIELD_NAMES.items() if key in personal} | ON_THE_ROW)


ON_THE_ROW = {FIELD_NAMES["category"], FIELD_NAMES["amount"]}


def _personal(row: RosterRow) -> dict[str, str]:
    return {
        "name": row.name,
        "id_number": row.id_number,
        "phone": row.phone,
        "reason": row.reason,
        "bank_name": row.bank_name,
        "card_number": row.card_number,
    }
