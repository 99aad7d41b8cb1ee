"""The workbook of doubts: each finding with its rule and clause, and the rows that it rests on."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from typing import Any
from uuid import UUID

from sqlalchemy import select

from api.inspection.acts import AMOUNT, BATCH, CAMPAIGN, NUMBER, PAYMENT, words
from api.inspection.case_tables import case_tables
from api.inspection.money import POSITION, UNION
from api.inspection.sources import Sources
from api.web.behind import CHANNELS, Behind
from ledger.domain.disbursement import Status
from projections.asked import uuid_of
from projections.batches import batches, rows_listed, statements
from projections.disbursements import Disbursement, Question
from projections.exports.flat import Field, Flat
from projections.exports.table import Kind, Row
from projections.findings.catalogue import RULES_KNOWN
from projections.findings.finding import Finding
from projections.movements import Kind as Movement
from projections.movements import movements, stands
from projections.payment_states import disbursements, states
from projections.turnover import Asked, every_payment

FINDING = Field("finding", "疑点号", Kind.COUNT, 7, "本包内的编号")


DAYS: Mapping[str, str] = {
    "G5": "reissue_days",
    "J4": "answer_days",
    "F5": "answer_days",
}
"""Which limit says for how many days it had to be so before a rule counted it."""
SENT_BACK = ("C2", "J3")


class Doubts:
    """What looks wrong within an organisation and below it: doubts, until a person confirms."""

    def __init__(self, of: Sources) -> None:
        self._of = of
        within = frozenset(of.ids)
        self.found: Sequence[Finding] = [
            each for each in of.known.findings if each.organisation_id in within
        ]

    @property
    def batches(self) -> list[UUID]:
        """The batches that they name, the gravest first."""
        named = (each.batch_id for each in self.found if each.batch_id is not None)
        return list(dict.fromkeys(named))

    def tables(self) -> list[Flat]:
        return [self._findings(), self._rows(), *case_tables(self._of)]

    def _findings(self) -> Flat:
        return Flat(
            "findings",
            "疑点",
            "按规则查出的疑点，尚待核实；与账本“疑点”页同一查询",
            [
                FINDING,
                Field("rule", "规则", width=6),
                Field("title", "疑点名称", width=20),
                Field("clause", "依据", width=40),
                Field("severity", "程度", width=8, meaning="须处理、待核实、提示"),
                UNION,
                CAMPAIGN,
                BATCH,
                Field("since", "起始日期", Kind.DAY, 11),
                Field("count", "件数", Kind.COUNT, 7),
                AMOUNT,
                Field("detail", "说明", width=24),
                POSITION,
                Field("link", "账本页面", width=40, meaning="接在账本网址之后，可看到原始证据"),
            ],
            list(self._finding_rows()),
        )

    def _finding_rows(self) -> Iterator[Row]:
        of = self._of
        codes = self._batch_codes()
        for number, each in enumerate(self.found, 1):
            campaign = None if each.campaign_id is None else of.campaigns.get(each.campaign_id)
            place = Behind(of.code(each.organisation_id), alone=True, moment=of.moment)
            yield (
                number,
                each.rule,
                RULES_KNOWN[each.rule].name,
                RULES_KNOWN[each.rule].clause,
                words("severity", each.severity.value),
                of.code(each.organisation_id),
                campaign,
                None if each.batch_id is None else codes.get(each.batch_id.bytes),
                each.since,
                each.count,
                each.amount_fen,
                words("payment", each.detail),
                each.position,
                place.of_finding(each, campaign),
            )

    def _batch_codes(self) -> dict[bytes, str]:
        found = self._of.model.execute(select(batches.c.batch_id, batches.c.code))
        return {row.batch_id: row.code for row in found}

    def _rows(self) -> Flat:
        return Flat(
            "finding_rows",
            "疑点明细",
            "疑点所涉的发放或名册行；件数与“疑点”表一致",
            [
                FINDING,
                Field("rule", "规则", width=6),
                PAYMENT,
                BATCH,
                NUMBER,
                AMOUNT,
                Field("status", "状态或原因", width=20),
                Field("since", "起始日期", Kind.DAY, 11),
                POSITION,
                Field("link", "账本页面", width=40, meaning="接在账本网址之后，可看到原始证据"),
            ],
            self._row_keys(),
        )

    def _row_keys(self) -> Iterator[Row]:
        for number, each in enumerate(self.found, 1):
            if each.detail in (Status.RETURNED.value, Status.IN_TRANSIT.value):
                yield from self._payments(number, each)
            elif each.rule in SENT_BACK:
                yield from self._returns(number, each)
            elif each.payment_ids:
                yield from self._named(number, each)
            elif each.batch_id is not None and each.position is None:
                yield from self._refused(number, each)

    def _payments(self, number: int, finding: Finding) -> Iterator[Row]:
        """Return the payments of a finding: those of its page's list that are old enough for it."""
        of = self._of
        assert finding.organisation_id is not None  # noqa: S101 - of those that were kept
        asked = Question(
            organisation_ids=[finding.organisation_id],
            campaign_id=finding.campaign_id,
            batch_id=finding.batch_id,
            channel=CHANNELS.get(finding.rule),
            status=finding.detail,
        )
        for each in every_payment(of.model, Asked(asked), of.moment):
            if self._broke(finding.rule, each):
                yield (
                    number,
                    finding.rule,
                    str(each.disbursement_id),
                    each.batch_code,
                    each.number,
                    each.amount_fen,
                    words("payment", each.status),
                    each.status_since,
                    each.position,
                    f"/trace/payments/{each.disbursement_id}",
                )

    def _broke(self, rule: str, payment: Disbursement) -> bool:
        """Say whether a payment is one of those that a rule counted, of all that stand so."""
        name = DAYS.get(rule)
        if name is not None:
            stood = self._of.known.limits_at(payment.organisation_id, payment.status_since)
            days: int = getattr(stood.patience, name)
            if payment.status_since > self._past(days):
                return False
        said = payment.reason is not None or payment.batch_id in self._answered
        if rule == "F5":
            return not said
        return said if rule == "J4" else True

    def _past(self, days: int) -> str:
        return (self._of.closing - timedelta(days=days)).isoformat()

    @cached_property
    def _answered(self) -> set[UUID]:
        """The batches of which a bank return was taken in."""
        found = select(statements.c.batch_id).where(self._of.moment.covers(statements)).distinct()
        return set(map(uuid_of, self._of.model.execute(found).scalars()))

    def _returns(self, number: int, finding: Finding) -> Iterator[Row]:
        """Return what the bank sent back, in another's name or after it had said that it paid."""
        assert finding.organisation_id is not None  # noqa: S101 - of those that were kept
        assert finding.campaign_id is not None  # noqa: S101 - such findings are of a campaign
        before = states.alias()
        had_settled = (
            select(before.c.position)
            .where(before.c.disbursement_id == movements.c.disbursement_id)
            .where(before.c.position < movements.c.position)
            .where(before.c.status == Status.SETTLED.value)
            .exists()
        )
        anothers = movements.c.reason == "NAME_MISMATCH"
        statement = (
            select(movements, disbursements.c.number, batches.c.code.label("batch"))
            .join(disbursements, disbursements.c.disbursement_id == movements.c.disbursement_id)
            .join(batches, batches.c.batch_id == disbursements.c.batch_id)
            .where(movements.c.kind == Movement.RETURN.value, self._of.moment.covers(movements))
            .where(stands(self._of.moment))
            .where(disbursements.c.organisation_id == finding.organisation_id.bytes)
            .where(disbursements.c.campaign_id == finding.campaign_id.bytes)
            .where(anothers if finding.rule == "C2" else had_settled)
            .order_by(movements.c.position)
        )
        for row in self._of.model.execute(statement):
            yield _of_payment(number, finding, row, words("reason", row.reason))

    def _named(self, number: int, finding: Finding) -> Iterator[Row]:
        """Return the payments that a rule looked at one by one."""
        ids = [each.bytes for each in finding.payment_ids]
        statement = (
            select(disbursements, batches.c.code.label("batch"))
            .join(batches, batches.c.batch_id == disbursements.c.batch_id)
            .where(disbursements.c.disbursement_id.in_(ids))
            .order_by(disbursements.c.position)
        )
        for row in self._of.model.execute(statement):
            yield _of_payment(number, finding, row, None)

    def _refused(self, number: int, finding: Finding) -> Iterator[Row]:
        assert finding.batch_id is not None  # noqa: S101 - asked before
        statement = (
            select(rows_listed, batches.c.code.label("batch"))
            .join(batches, batches.c.batch_id == rows_listed.c.batch_id)
            .where(rows_listed.c.batch_id == finding.batch_id.bytes)
            .where(rows_listed.c.code == finding.detail, self._of.moment.covers(rows_listed))
            .order_by(rows_listed.c.position)
        )
        for row in self._of.model.execute(statement):
            yield (
                number,
                finding.rule,
                None,
                row.batch,
                row.number,
                row.amount_fen,
                row.code,
                row.happened_on,
                row.position,
                f"/batches/{finding.batch_id}",
            )


def _of_payment(number: int, finding: Finding, row: Any, reason: str | None) -> Row:
    payment = uuid_of(row.disbursement_id)
    return (
        number,
        finding.rule,
        str(payment),
        row.batch,
        row.number,
        row.amount_fen,
        reason,
        row.happened_on,
        row.position,
        f"/trace/payments/{payment}",
    )
