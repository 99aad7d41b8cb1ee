"""A city's ledger of a given number of payments: four levels of unions, four years of campaigns.

Every event is made by the real aggregates and stored as in production: sealed, signed by the
service and by officers, in the tree and under a checkpoint. A batch is a transaction or two; what
commands check once more (rosters, posts) is left out, so that a million payments take minutes.
"""

import random
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from uuid import UUID

from ledger.commands import filings, funds, organisations, policies
from ledger.commands.sealing import PAYEE, seal
from ledger.domain.batch import Batch, Row
from ledger.domain.campaign import campaign_id
from ledger.domain.disbursement import Disbursement, Status, disbursement_id
from ledger.domain.fund import FundAccount, fund_id
from ledger.domain.officer import Role, officer_id
from ledger.domain.organisation import organisation_id
from ledger.domain.policy import Channel
from ledger.domain.sealed import Sealed
from ledger.domain.statement import Statement
from ledger.domain.values import Money
from ledger.store.act import CommandAct
from ledger.store.application import Work
from tests.world import (
    CARD_CLASS,
    EARMARK,
    MODEL_CLASS,
    POLICY,
    SHEET_CLASS,
    Person,
    World,
    terms,
)

CITY, COUNTIES, TOWNS, BASIC = "C01", 16, 5, 3
YEARS = (2015, 2016, 2017, 2018)
TODAY = date(2018, 2, 5)
INSPECTOR, COUNTY_INSPECTOR = "J-C01", "J-X01"
SHARES = {"city": 0.10, "county": 0.40, "town": 0.25, "basic": 0.25}
"""Of a campaign's payments, by the level of the union that pays."""
BATCH_ROWS = {"city": 25_000, "county": 2_000, "town": 400, "basic": 90}
CARD_CATEGORIES = (CARD_CLASS, MODEL_CLASS, "去产能企业困难职工(未建档)", "意外致困职工(未建档)")
AMOUNTS = (60_000, 80_000, 100_000, 150_000, 200_000, 300_000)
SHEET_ROWS_MAX = 8_000
"""Whoever certifies a sheet names its rows, in one event."""
WAITING = 12
"""Batches between an approval and the bank's answer to it."""


@dataclass
class City:
    """The unions by level, and who approves at each."""

    world: World
    seed: random.Random = field(default_factory=lambda: random.Random(5))
    levels: dict[str, list[str]] = field(default_factory=dict)
    approver_of: dict[str, str] = field(default_factory=dict)
    waiting: deque[tuple[str, Batch, list[Disbursement]]] = field(default_factory=deque)
    payments: int = 0
    batches: int = 0

    @property
    def unions(self) -> list[str]:
        return [code for codes in self.levels.values() for code in codes]

    # Unions, officers, policy.

    def found(self) -> None:
        world, early = self.world, date(2014, 12, 1)
        tree = list(_tree())
        act = world.act(day=early)

        def register() -> dict[str, object]:
            for level, code, parent in tree:
                kind = {"city": "市", "county": "县区"}.get(level, "基层")
                order = organisations.Registration(code, f"{code}工会", kind, parent)
                organisations.register_organisation(world.ledger, act, order)
            return {}

        world.ledger.together(act, "benchmark.register", None, register)
        for level, code, _ in tree:
            self.levels.setdefault(level, []).append(code)
            self.approver_of[code] = f"A-{code[:3]}"
        for code in (CITY, *self.levels["county"]):
            for letter, role in (("H", Role.HANDLER), ("R", Role.REVIEWER), ("A", Role.APPROVER)):
                world.appoint(f"{letter}-{code}", code, role, early)
        for staff, code in ((INSPECTOR, CITY), (COUNTY_INSPECTOR, "X01")):
            world.appoint(staff, code, Role.INSPECTOR, early)
        policies.adopt_policy(world.ledger, self.approving(CITY, early), terms(early))

    def approving(self, code: str, day: date) -> CommandAct:
        return self.world.act(self.approver_of[code], day)

    # A campaign.

    def campaign(self, year: int, payments: int, *, current: bool) -> None:
        starts = date(year - 1, 12, 15)
        act = self.world.act(day=starts)
        opening = policies.CampaignOpening(
            f"{year}-两节", f"{year}年两节", starts, date(year, 2, 11), year, POLICY
        )
        policies.open_campaign(self.world.ledger, act, opening)
        shares = self._shares(payments)
        if year > YEARS[0]:
            self._open_years(year)
        self._hand_out(year, shares)
        lists = list(self._lists(shares))
        self.seed.shuffle(lists)
        serial = 0
        for number, (code, count) in enumerate(lists):
            day = starts + timedelta(days=20 + number * 35 // len(lists))
            open_now = current and number > len(lists) * 0.9
            people = [Person(serial + each) for each in range(count)]
            serial += count
            self._pay(year, code, people, day)
            while len(self.waiting) > WAITING and not open_now:
                self._answer(day + timedelta(days=self.seed.randrange(3)))
        while self.waiting and not current:
            self._answer(date(year, 2, 9))
        self._hand_in(year)

    def _shares(self, payments: int) -> dict[str, int]:
        """Say how many payments each union makes, none of it alike."""
        found: dict[str, int] = {}
        for level, share in SHARES.items():
            weights = [self.seed.uniform(0.2, 1.8) for _ in self.levels[level]]
            for code, weight in zip(self.levels[level], weights, strict=True):
                found[code] = max(1, round(payments * share * weight / sum(weights)))
        return found

    def _lists(self, shares: dict[str, int]) -> Iterator[tuple[str, int]]:
        for level, codes in self.levels.items():
            for code in codes:
                left = shares[code]
                while left > 0:
                    rows = round(BATCH_ROWS[level] * self.seed.uniform(0.3, 1.7))
                    yield code, min(left, max(rows, 5))
                    left -= max(rows, 5)

    def _open_years(self, year: int) -> None:
        act = self.world.act(day=date(year, 1, 1))

        def take() -> dict[str, object]:
            for code in self.unions:
                funds.open_fiscal_year(self.world.ledger, act, code, EARMARK, year, POLICY)
            return {}

        self.world.ledger.together(act, "benchmark.years", year, take)

    def _hand_out(self, year: int, shares: dict[str, int]) -> None:
        """Take money in at the top, of two earlier years and of this one, and pass it down."""
        needed = {code: count * 190_000 + 3_000_000 for code, count in shares.items()}
        for code in reversed(self.unions):
            if parent := _parent(code):
                needed[parent] += needed[code]
        for vintage, share in ((year - 2, 0.2), (year - 1, 0.3), (year, 0.6)):
            order = funds.FundReceipt(
                CITY,
                EARMARK,
                "地方财政",
                f"拨〔{year}〕{vintage % 10}号",
                vintage,
                int(needed[CITY] * share),
                year if vintage < year else None,
                POLICY,
            )
            funds.receive_funds(self.world.ledger, self.world.act(day=date(year, 1, 2)), order)
        for code in self.unions:
            parent = _parent(code)
            if parent is not None:
                passed = funds.Allocation(
                    parent, code, EARMARK, f"下拨〔{year}〕{code}号", needed[code]
                )
                act = self.approving(parent, date(year, 1, 3))
                funds.allocate(self.world.ledger, act, passed)

    def _pay(self, year: int, code: str, people: Sequence[Person], day: date) -> None:
        world, first_time = self.world, year == YEARS[0]
        on_sheet = self.seed.random() < 0.25 and len(people) <= SHEET_ROWS_MAX
        categories = (SHEET_CLASS,) if on_sheet else CARD_CATEGORIES
        campaign, organisation = campaign_id(f"{year}-两节"), organisation_id(code)
        operator, approver = world.act(day=day), self.approving(code, day)
        letter = self.approver_of[code][2:]
        self.batches += 1
        batch_code = f"{code}-{year}-{self.batches:05d}"
        made: list[Disbursement] = []

        def decide(work: Work) -> None:
            made.clear()
            rows = [
                self._row(work, number, who, categories, noted=first_time)
                for number, who in enumerate(people, 1)
            ]
            batch = Batch.draft(
                operator,
                code=batch_code,
                campaign_id=campaign,
                organisation_id=organisation,
                earmark=EARMARK,
                channel=Channel.SIGNATURE_SHEET if on_sheet else Channel.BANK_CARD,
                bank_format=None if on_sheet else "unionpay-df",
                roster_sha256="ab" * 32,
                listed_count=len(rows),
                listed_total=Money(sum(row.amount for row in rows)),
                drafted_by=officer_id(f"H-{letter}"),
            )
            for row in rows:
                batch.accept_row(operator, row, line=row.number + 2)
            batch.review(operator, reviewed_by=officer_id(f"R-{letter}"))
            batch.approve(approver, approved_by=officer_id(f"A-{letter}"))
            fund = work.get(FundAccount, fund_id(organisation, EARMARK))
            work.save(batch, fund)
            made.extend(instruct(operator, batch, fund, row) for row in batch.rows.values())
            work.save(*made)
            work.result["batch"] = str(batch.id)
            self.waiting.append((code, batch, made))

        world.ledger.perform(approver, "benchmark.pay", None, decide)
        self.payments += len(people)

    def _row(
        self, work: Work, number: int, who: Person, categories: Sequence[str], *, noted: bool
    ) -> Row:
        vault, seed = self.world.ledger.vault, self.seed
        person = vault.subject_id("id_number", who.id_number)
        payee = {
            "name": who.name,
            "id_number": who.id_number,
            "phone": who.phone,
            "card_number": who.card,
        }
        if noted:
            sealed = seal(work, person, PAYEE, payee)
        else:
            ciphertext, commitment = vault.seal(person, PAYEE, payee)
            sealed = Sealed(ciphertext=ciphertext, commitment=commitment)
        odd = seed.random() < 0.03
        amount = seed.randrange(30_000, 500_000) if odd else seed.choice(AMOUNTS)
        card = vault.index("card", who.card)
        return Row(number, person, seed.choice(categories), Money(amount), sealed, card)

    # What banks and people answer.

    def _answer(self, day: date) -> None:
        code, batch, payments = self.waiting.popleft()
        operator, seed = self.world.act(day=day), self.seed
        fund_of = fund_id(batch.organisation_id, EARMARK)
        certifier = self.world.act(f"H-{self.approver_of[code][2:]}", day)

        def sign(work: Work) -> None:
            for payment in payments:
                payment.sign(
                    operator,
                    own_name=True,
                    signed_at=f"{day.isoformat()}T09:00:00+08:00",
                    image_sha256="0" * 64,
                    sheet_sha256="0" * 64,
                    witness_id=UUID(certifier.actor),
                )
            batch.certify_sheet(
                certifier,
                sheet_sha256="0" * 64,
                certified_by=UUID(certifier.actor),
                numbers=tuple(batch.rows),
            )
            work.save(*payments, batch)

        def settle(work: Work) -> None:
            fund = work.get(FundAccount, fund_of)
            back = {payment.id for payment in payments if seed.random() < 0.015}
            batch.export(
                operator,
                bank_format="unionpay-df",
                file_sha256="0" * 64,
                line_count=len(payments),
                total=batch.total,
                numbers=None,
                without=(),
            )
            statement = _statement(operator, batch, payments, back)
            for payment in payments:
                returned = payment.id in back
                statement.match_line(
                    operator,
                    batch_id=batch.id,
                    number=payment.number,
                    line=payment.number + 2,
                    disbursement_id=payment.id,
                    outcome="failed" if returned else "settled",
                    reason="ACCT_CLOSED" if returned else None,
                    raw_code="3018" if returned else "00",
                    amount=payment.amount,
                )
                if not returned:
                    payment.settle(operator, statement_id=statement.id)
                    continue
                parts = payment.return_(
                    operator, statement_id=statement.id, reason="ACCT_CLOSED", raw_code="3018"
                )
                fund.restore(operator, disbursement_id=payment.id, parts=parts)
            work.save(batch, statement, fund, *payments)

        sheet = batch.channel is Channel.SIGNATURE_SHEET
        decide = sign if sheet else settle
        self.world.ledger.perform(certifier, "benchmark.answer", None, decide)
        came_back = [each for each in payments if each.status is Status.RETURNED]
        if came_back and seed.random() < 0.5:
            self._pay_again(fund_of, came_back, day + timedelta(days=4))

    def _pay_again(self, fund_of: UUID, payments: list[Disbursement], day: date) -> None:
        act = self.world.act(day=day)

        def decide(work: Work) -> None:
            fund = work.get(FundAccount, fund_of)
            for payment in payments:
                parts = fund.draw(
                    act,
                    disbursement_id=payment.id,
                    batch_id=payment.batch_id,
                    amount=payment.amount,
                )
                card = self.world.ledger.vault.index("card", str(payment.id))
                payment.reissue(
                    act, parts=parts, payee=payment.payee, card_index=card, reason="换卡"
                )
                payment.settle(act, statement_id=payment.batch_id)
            work.save(fund, *payments)

        self.world.ledger.perform(act, "benchmark.again", None, decide)

    def _hand_in(self, year: int) -> None:
        act = self.world.act(f"H-{CITY}", date(year, 2, 3))
        ledger = self.world.ledger

        def take() -> dict[str, object]:
            for code in self.unions[::2]:
                order = filings.HandingIn(f"{year}-两节", code, "签字表", "0" * 64)
                filings.hand_in(ledger, act, order)
            return {}

        ledger.together(act, "benchmark.hand_in", year, take)


def build(world: World, payments: int) -> City:
    """Fill a new ledger; about so many payments in all."""
    city = City(world)
    city.found()
    for year in YEARS:
        city.campaign(year, payments // len(YEARS), current=year == YEARS[-1])
    return city


def _tree() -> Iterator[tuple[str, str, str | None]]:
    yield "city", CITY, None
    for county in range(1, COUNTIES + 1):
        of_county = f"X{county:02d}"
        yield "county", of_county, CITY
        for town in range(1, TOWNS + 1):
            of_town = f"{of_county}-{town}"
            yield "town", of_town, of_county
            for basic in range(1, BASIC + 1):
                yield "basic", f"{of_town}-{basic}", of_town


def _parent(code: str) -> str | None:
    if code == CITY:
        return None
    return code.rpartition("-")[0] or CITY


def instruct(act: CommandAct, batch: Batch, fund: FundAccount, row: Row) -> Disbursement:
    id_ = disbursement_id(batch.campaign_id, row.person_id)
    parts = fund.draw(act, disbursement_id=id_, batch_id=batch.id, amount=row.amount)
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


def _statement(
    act: CommandAct, batch: Batch, payments: list[Disbursement], back: set[UUID]
) -> Statement:
    returned = [payment.amount for payment in payments if payment.id in back]
    settled = [payment.amount for payment in payments if payment.id not in back]
    return Statement.receive(
        act,
        batch_id=batch.id,
        bank_format="unionpay-df",
        file_sha256="0" * 64,
        line_count=len(payments),
        settled_count=len(settled),
        settled_total=Money(sum(settled)),
        returned_count=len(returned),
        returned_total=Money(sum(returned)),
        unresolved_count=0,
    )
