"""Random but sound histories of money, made by asking the real aggregates."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from uuid import UUID, uuid4

from hypothesis import strategies as st

from ledger.domain.aggregate import Act, Event, Root
from ledger.domain.batch import Batch
from ledger.domain.disbursement import NOT_PAID, Disbursement, Status
from ledger.domain.fiscal_year import FiscalYear
from ledger.domain.fund import FundAccount, fund_id
from ledger.domain.lots import Part
from ledger.domain.organisation import Organisation
from ledger.domain.policy import Channel, SurplusTargets
from ledger.domain.remittance import EntryElsewhere, Remittance, RemittedPart, State
from ledger.domain.sealed import Sealed
from ledger.domain.values import Money
from ledger.store.feed import Recorded

YEAR = 2017
SEALED = Sealed(ciphertext="AAAA", commitment="00")
ELSEWHERE = EntryElsewhere(
    key_id="ab" * 16, position=7, leaf_hash="", checkpoint_size=9, checkpoint_root=""
)
NOBODY = SurplusTargets(first_year_minimum=None, all_within=None)

step = st.tuples(
    st.sampled_from(
        [
            "receive",
            "receive",
            "allocate",
            "remit",
            "arrive",
            "acknowledge",
            "take_back",
            "pay",
            "pay",
            "settle",
            "sign",
            "return",
            "withdraw",
            "correct",
            "reissue",
            "leave_unresolved",
            "go_back",
        ]
    ),
    st.integers(0, 10**6),
    st.integers(1, 10**9),
)
steps = st.lists(step, max_size=45)


@dataclass
class Money3:
    """Three unions, a parent and two children, each with an account."""

    log: list[Event] = field(default_factory=list)
    payments: list[Disbursement] = field(default_factory=list)
    remittances: list[Remittance] = field(default_factory=list)
    day: date = date(2017, 1, 1)

    def __post_init__(self) -> None:
        root = Organisation.register(self.act, code="C", name="C", kind="市", parent_id=None)
        children = [
            Organisation.register(self.act, code=c, name=c, kind="县区", parent_id=root.id)
            for c in ("X", "Y")
        ]
        self.unions = [root, *children]
        self.save(*self.unions)
        self.funds = [
            FundAccount.open(self.act, fund_id(u.id, "送温暖"), u.id, "送温暖") for u in self.unions
        ]
        self.years = [
            FiscalYear.open(self.act, organisation_id=u.id, year=YEAR, targets=NOBODY)
            for u in self.unions
        ]
        self.batches = [
            Batch.draft(
                self.act,
                code=code,
                campaign_id=UUID(int=1),
                organisation_id=root.id,
                earmark="送温暖",
                channel=Channel.BANK_CARD,
                bank_format="unionpay-df",
                roster_sha256="0" * 64,
                listed_count=1,
                listed_total=Money(1),
                drafted_by=UUID(int=2),
            )
            for code in ("B1", "B2")
        ]
        self.save(*self.funds, *self.years, *self.batches)

    @property
    def act(self) -> Act:
        return Act("operator", self.day, "2017-03-01T00:00:00.000Z")

    @property
    def recorded(self) -> list[Recorded]:
        return [Recorded(position, event) for position, event in enumerate(self.log)]

    def save(self, *aggregates: Root) -> None:
        for aggregate in aggregates:
            self.log.extend(aggregate.collect_events())

    def take(self, taken: Sequence[tuple[str, int, int]]) -> "Money3":
        for what, which, amount in taken:
            self.day += timedelta(days=which % 2)
            getattr(self, what.replace("return", "return_"))(which, Money(amount))
        return self

    def receive(self, which: int, amount: Money) -> None:
        fund, year = self.funds[which % 3], self.years[which % 3]
        vintage = 2014 + which % 4
        lot = fund.receive(
            self.act,
            source="地方财政",
            document=f"文{which}",
            vintage=vintage,
            carried_into=YEAR if vintage < YEAR else None,
            amount=amount,
        )
        if vintage < YEAR:
            year.bring_forward(
                self.act,
                fund_id=fund.id,
                lot_id=lot,
                origin_id=lot,
                vintage=vintage,
                amount=amount,
            )
        self.save(fund, year)

    def allocate(self, which: int, amount: Money) -> None:
        giver, taker = self.funds[0], self.funds[1 + which % 2]
        if free := self.free(giver):
            some = Money(min(amount, free))
            giver.allocate(self.act, allocation_id=uuid4(), to=taker, document="拨", amount=some)
            self.save(giver, taker)

    def remit(self, which: int, amount: Money) -> None:
        fund = self.funds[which % 3]
        if free := self.free(fund):
            some, id_ = Money(min(amount, free)), uuid4()
            parts = fund.remit(self.act, remittance_id=id_, amount=some)
            remittance = Remittance.send(
                self.act,
                id_,
                organisation_id=fund.organisation_id,
                fund_id=fund.id,
                from_code="C",
                earmark="送温暖",
                to_key_id=ELSEWHERE.key_id,
                to_code="C01",
                document="跨市",
                amount=some,
                parts=parts,
            )
            self.remittances.append(remittance)
            self.save(fund, remittance)

    def arrive(self, which: int, amount: Money) -> None:
        fund, year, lot = self.funds[which % 3], self.years[which % 3], uuid4()
        halves = (amount // 2, amount - amount // 2)
        parts = [
            RemittedPart(
                lot_id=lot,
                origin_id=lot,
                vintage=vintage,
                source="省总",
                document="邻市文",
                amount_fen=Money(half),
            )
            for vintage, half in zip((2015, 2017), halves, strict=True)
            if half
        ]
        before = set(fund.lots)
        fund.receive_remittance(self.act, remittance_id=uuid4(), document="跨市", parts=parts)
        for came in fund.live:
            if came.vintage < YEAR and came.lot_id not in before:
                year.bring_forward(
                    self.act,
                    fund_id=fund.id,
                    lot_id=came.lot_id,
                    origin_id=came.origin_id,
                    vintage=came.vintage,
                    amount=came.remaining,
                )
        self.save(fund, year)

    def take_back(self, which: int, _: Money) -> None:
        """Have the other ledger refuse what is on its way, and put it back where it came from."""
        funds = {each.id: each for each in self.funds}
        fit = [
            (each, funds[each.fund_id])
            for each in self.remittances
            if each.fund_id is not None
            and each.state is State.ON_ITS_WAY
            and max(each.last_on, funds[each.fund_id].last_on) <= self.day
        ]
        if fit:
            remittance, fund = fit[which % len(fit)]
            parts = remittance.take_back(
                self.act,
                amount=remittance.amount,
                reason="收款单位有误",
                refused=ELSEWHERE,
                taken_back_by=uuid4(),
            )
            fund.take_remittance_back(self.act, remittance_id=remittance.id, parts=parts)
            self.save(remittance, fund)

    def acknowledge(self, which: int, _: Money) -> None:
        open_ = [each for each in self.remittances if each.state is State.ON_ITS_WAY]
        fit = [each for each in open_ if each.last_on <= self.day]
        if fit:
            remittance = fit[which % len(fit)]
            remittance.acknowledge(
                self.act, amount=remittance.amount, received=ELSEWHERE, acknowledged_by=uuid4()
            )
            self.save(remittance)

    def pay(self, which: int, amount: Money) -> None:
        fund = self.funds[which % 3]
        if free := self.free(fund):
            some = Money(min(amount if which % 2 else 500, free))
            id_, batch = uuid4(), self.batches[which % 2].id
            parts = fund.draw(self.act, disbursement_id=id_, batch_id=batch, amount=some)
            payment = Disbursement.begin(
                Disbursement.Instructed,
                self.act,
                id_,
                campaign_id=UUID(int=1),
                batch_id=batch,
                number=1,
                organisation_id=fund.organisation_id,
                fund_id=fund.id,
                person_id=uuid4(),
                category=("建档困难职工", "一线职工")[which // 2 % 2],
                channel="银行卡",
                amount_fen=some,
                parts=parts,
                payee=SEALED,
                card_index=None,
            )
            self.payments.append(payment)
            self.save(fund, payment)

    def settle(self, which: int, _: Money) -> None:
        for payment in self.chosen(which, Status.IN_TRANSIT):
            payment.settle(self.act, statement_id=uuid4())

    def sign(self, which: int, _: Money) -> None:
        for payment in self.chosen(which, Status.IN_TRANSIT):
            payment.sign(
                self.act,
                own_name=True,
                signed_at="2017-01-21T09:00:00+08:00",
                image_sha256="0" * 64,
                sheet_sha256="0" * 64,
                witness_id=uuid4(),
            )

    def leave_unresolved(self, which: int, _: Money) -> None:
        for payment in self.chosen(which, Status.IN_TRANSIT):
            payment.leave_unresolved(
                self.act, statement_id=uuid4(), reason="UNKNOWN", raw_code=None
            )

    def go_back(self, which: int, _: Money) -> None:
        """Enter late what happened some days before."""
        self.day -= timedelta(days=which % 6)

    def return_(self, which: int, _: Money) -> None:
        for payment in self.chosen(which, Status.IN_TRANSIT, Status.SETTLED):
            parts = payment.return_(
                self.act, statement_id=uuid4(), reason="ACCT_CLOSED", raw_code=None
            )
            self.restore(payment, parts)

    def withdraw(self, which: int, _: Money) -> None:
        for payment in self.chosen(which, Status.IN_TRANSIT):
            if not payment.unknown:
                self.restore(payment, payment.withdraw(self.act, reason="本人已调离"))

    def restore(self, payment: Disbursement, parts: Sequence[Part]) -> None:
        [fund] = [each for each in self.funds if each.id == payment.fund_id]
        fund.restore(self.act, disbursement_id=payment.id, parts=parts)
        self.save(payment, fund)

    def correct(self, which: int, _: Money) -> None:
        for payment in self.chosen(which, Status.SETTLED, Status.SIGNED):
            payment.correct(self.act, corrects_version=payment.outcomes[-1][0], reason="误记")

    def reissue(self, which: int, _: Money) -> None:
        for payment in self.chosen(which, *NOT_PAID):
            [fund] = [each for each in self.funds if each.id == payment.fund_id]
            if self.free(fund) >= payment.amount:
                parts = fund.draw(
                    self.act,
                    disbursement_id=payment.id,
                    batch_id=payment.batch_id,
                    amount=payment.amount,
                )
                payment.reissue(self.act, parts=parts, payee=SEALED, card_index=None, reason="换卡")
                self.save(fund, payment)

    def free(self, fund: FundAccount) -> int:
        """Return what can be drawn as of the day."""
        return sum(lot.available(self.day) for lot in fund.live)

    def chosen(self, which: int, *statuses: Status) -> list[Disbursement]:
        """Return one payment in such a state, or none; what it decides is saved afterwards."""
        for payment in self.payments:
            self.save(payment)
        fit = [
            payment
            for payment in self.payments
            if payment.status in statuses and payment.last_on <= self.day
        ]
        return [fit[which % len(fit)]] if fit else []

    def finish(self) -> "Money3":
        self.save(*self.payments, *self.funds)
        return self


@dataclass
class ListFeed:
    """A log that is a list, of which so much is there."""

    events: list[Recorded]
    shown: int

    def read(self, start: int, limit: int) -> list[Recorded]:
        return self.events[: self.shown][start : start + limit]

    def size(self) -> int:
        return self.shown
