"""A small world: a ledger in a folder, a tiny tree of unions, people, money."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

from ledger.commands import (
    batches,
    disbursements,
    funds,
    officer_keys,
    officers,
    organisations,
    policies,
    recipients,
    statements,
)
from ledger.commands.verification import Verdict, verify_log
from ledger.domain.aggregate import OPERATOR
from ledger.domain.campaign import campaign_id
from ledger.domain.disbursement import Disbursement, disbursement_id
from ledger.domain.fund import FundAccount, fund_id
from ledger.domain.officer import ADMINISTRATORS, Role, officer_id
from ledger.domain.organisation import organisation_id
from ledger.domain.policy import (
    AmountRule,
    CategoryRule,
    Channel,
    Deadline,
    PolicyTerms,
    RatioRule,
    SurplusTargets,
    YearsRule,
)
from ledger.domain.values import BasisPoints, Money
from ledger.evidence.keys import Ed25519Signer
from ledger.files.archive import ArchiveRow
from ledger.files.bank import BankReturn, Lists, Outcome, ReturnLine
from ledger.files.roster import Roster, RosterRow
from ledger.files.signatures import SignatureRow
from ledger.postgresql import Database
from ledger.store.act import CommandAct
from ledger.store.application import Answer
from ledger.store.home import Home
from ledger.store.signing import KeyHolder

RECORDED_AT = "2017-03-01T08:00:00.000Z"
DAY = date(2017, 1, 10)
CARD_CLASS, SHEET_CLASS, MODEL_CLASS = "建档困难职工", "一线职工", "困难劳模"
CAMPAIGN, POLICY, EARMARK = "2017-lianjie", "hefei-2017", "送温暖"
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def id_number(serial: int) -> str:
    """Make a synthetic ID number with a right check digit."""
    born = date(1970, 1, 1) + timedelta(days=serial // 1000)
    body = f"340101{born:%Y%m%d}{serial % 1000:03d}"
    total = sum(int(digit) * weight for digit, weight in zip(body, WEIGHTS, strict=True))
    return body + "10X98765432"[total % 11]


@dataclass(frozen=True)
class Person:
    serial: int

    @property
    def id_number(self) -> str:
        return id_number(self.serial)

    @property
    def name(self) -> str:
        return f"试{chr(0x4E00 + self.serial % 20_000)}"

    @property
    def card(self) -> str:
        return f"62999{self.serial:014d}"

    @property
    def phone(self) -> str:
        return f"170{self.serial:08d}"


def filed(
    person: Person, union: str = "X01", closed_on: date | None = None, income: int = 200_000
) -> ArchiveRow:
    """Return a person's file as it stands in an archive."""
    return ArchiveRow(
        line=person.serial,
        file_number=f"DA{person.serial}",
        organisation_code=union,
        category=CARD_CLASS,
        opened_on=date(2016, 1, 1),
        closed_on=closed_on,
        monthly_income_fen=income,
        name=person.name,
        id_number=person.id_number,
        phone=person.phone,
        reason="大病",
        bank_name="徽商银行",
        card_number=person.card,
    )


def roster_row(
    number: int, person: Person, amount: int, category: str = CARD_CLASS, **changes: object
) -> RosterRow:
    facts: dict[str, object] = {
        "number": number,
        "line": number + 2,
        "name": person.name,
        "id_number": person.id_number,
        "id_is_text": True,
        "phone": person.phone,
        "category": category,
        "reason": "大病",
        "bank_name": "徽商银行",
        "card_number": person.card,
        "card_is_text": True,
        "amount_fen": amount,
        "given": frozenset(
            {"姓名", "身份证号码", "联系电话", "类别", "困难原因", "银行卡号", "金额"}
        ),
    }
    return RosterRow(**{**facts, **changes})  # type: ignore[arg-type]


def roster(*rows: RosterRow) -> Roster:
    return Roster(rows, sum(row.amount_fen or 0 for row in rows), "ab" * 32)


@dataclass
class World:
    """Unions C01 over X01 over X01-01; each has a handler, a reviewer and an approver."""

    home: Home
    officers: dict[str, Ed25519Signer] = field(default_factory=dict)
    key_serial: int = 0

    @classmethod
    def at(
        cls, folder: Path, database: Database | None = None, origin: str = "test.local/log"
    ) -> "World":
        home = Home(folder / "data", named=database)
        home.create(origin, keep_address=True)
        world = cls(home)
        world.reopen()
        return world

    def reopen(self) -> None:
        self.ledger = self.home.open(RECORDED_AT, DAY)

    def act(self, staff: str = "", day: date = DAY, key: str | None = None) -> CommandAct:
        actor = str(officer_id(staff)) if staff else OPERATOR
        signer = KeyHolder(self.officers[staff]) if staff in self.officers else None
        return CommandAct(actor, day, RECORDED_AT, key, signer)

    def settle_in(self) -> "World":
        """Register the unions, their officers, the policy and the campaign."""
        early = date(2016, 12, 1)
        for code, parent in (("C01", None), ("X01", "C01"), ("X01-01", "X01"), ("X02", "C01")):
            organisations.register_organisation(
                self.ledger,
                self.act(day=early),
                organisations.Registration(
                    code, f"{code}工会", "市" if not parent else "县区", parent
                ),
            )
            for letter, role in (("H", Role.HANDLER), ("R", Role.REVIEWER), ("A", Role.APPROVER)):
                self.appoint(f"{letter}-{code}", code, role, early)
        policies.adopt_policy(self.ledger, self.act("A-C01", early), terms())
        policies.open_campaign(
            self.ledger,
            self.act(day=early),
            policies.CampaignOpening(
                CAMPAIGN, "两节", date(2016, 12, 15), date(2017, 2, 11), 2017, POLICY
            ),
        )
        return self

    def appoint(self, staff: str, code: str, role: str, day: date = DAY) -> None:
        order = officers.Appointment(staff, "某某", code, role)
        officers.appoint_officer(self.ledger, self.act(day=day), order)
        self._enrol(staff, day)

    def administer(self, posts: Mapping[str, Role], day: date = date(2016, 12, 1)) -> None:
        """Make the first administrators at the top; who vouches gets a key of their own."""
        for staff, role in posts.items():
            order = officers.Appointment(staff, "某某", "C01", role)
            officers.begin_administration(self.ledger, self.act(day=day), order)
            if role is not Role.AUDIT_ADMINISTRATOR:
                self._enrol(staff, day)

    def _enrol(self, staff: str, day: date) -> None:
        signer = self.officers[staff] = Ed25519Signer.generate()
        officer_keys.register_key(
            self.ledger,
            self.act(day=day),
            officer_keys.KeyRegistration(staff, signer.public_key, officer_keys.CUSTODY_OFFICER),
        )

    def register(self, code: str, parent: str, day: date = date(2016, 12, 1)) -> Answer:
        order = organisations.Registration(code, f"{code}工会", "基层", parent)
        return organisations.register_organisation(self.ledger, self.act(day=day), order)

    def appoint_without_key(self, staff: str, code: str, role: str, day: date = DAY) -> Answer:
        if role in ADMINISTRATORS:  # whom, once there is one, no file makes any more
            officers.register_officer(
                self.ledger, self.act(day=day), officers.NewOfficer(staff, "某某")
            )
            post = officers.Post(officer_id(staff), organisation_id(code), role)
            return officers.grant_role(self.ledger, self.act(day=day), post)
        order = officers.Appointment(staff, "某某", code, role)
        return officers.appoint_officer(self.ledger, self.act(day=day), order)

    def sheet(self, code: str, *people: Person, union: str = "X01") -> Answer:
        """Have a signature sheet approved, ready to be signed."""
        rows = [
            roster_row(number, person, 30_000, SHEET_CLASS)
            for number, person in enumerate(people, 1)
        ]
        self.draft(code, *rows, channel=Channel.SIGNATURE_SHEET, union=union)
        self.review(code, f"R-{union}")
        return self.approve(code, f"A-{union}")

    def receive(
        self, code: str, amount: int, vintage: int = 2017, day: date = date(2017, 1, 2)
    ) -> Answer:
        order = funds.FundReceipt(
            code,
            EARMARK,
            "地方财政",
            f"拨〔{vintage}〕1号",
            vintage,
            amount,
            2017 if vintage < 2017 else None,
            POLICY,
        )
        return funds.receive_funds(self.ledger, self.act(day=day), order)

    def allocate(self, giver: str, taker: str, amount: int) -> Answer:
        order = funds.Allocation(giver, taker, EARMARK, "下拨〔2017〕1号", amount)
        return funds.allocate(self.ledger, self.act(f"A-{giver}"), order)

    def file(
        self,
        *people: Person,
        closed_on: date | None = None,
        income: int = 200_000,
        union: str = "X01",
    ) -> Answer:
        entries = [filed(person, union, closed_on, income) for person in people]
        return recipients.enter_archive(self.ledger, self.act(), entries)

    def draft(
        self,
        code: str,
        *rows: RosterRow,
        channel: Channel = Channel.BANK_CARD,
        union: str = "X01",
        day: date = DAY,
    ) -> Answer:
        bank_format = "unionpay-df" if channel is Channel.BANK_CARD else None
        order = batches.Draft(
            code, CAMPAIGN, union, EARMARK, channel, bank_format, f"H-{union}", roster(*rows)
        )
        return batches.draft_batch(self.ledger, self.act(f"H-{union}", day), order)

    def review(self, code: str, staff: str = "R-X01", day: date = DAY) -> Answer:
        return batches.review_batch(self.ledger, self.act(staff, day), batches.Step(code, staff))

    def approve(
        self, code: str, staff: str = "A-X01", day: date = DAY, key: str | None = None
    ) -> Answer:
        step = batches.Step(code, staff)
        return batches.approve_batch(self.ledger, self.act(staff, day, key), step)

    def pay(self, code: str, *rows: RosterRow, channel: Channel = Channel.BANK_CARD) -> Answer:
        self.draft(code, *rows, channel=channel)
        self.review(code)
        return self.approve(code)

    def answer(self, code: str, *lines: ReturnLine, sha: str = "cd" * 32) -> Answer:
        content = BankReturn("unionpay-df", code, Lists.ALL, lines, None, None, sha)
        order = statements.ReturnFile(code, "return.txt", content)
        return statements.receive_statement(self.ledger, self.act(), order)

    def sign(self, code: str, *rows: SignatureRow, witness: str = "H-X01") -> Answer:
        sheet = disbursements.SignedSheet(code, "ef" * 32, rows)
        return disbursements.record_signatures(self.ledger, self.act(witness), sheet)

    def payment(self, person: Person) -> Disbursement:
        id_ = self.payment_id(person)
        found = self.ledger.load(Disbursement, id_)
        assert found is not None
        return found

    def payment_id(self, person: Person) -> UUID:
        who = self.ledger.vault.subject_id("id_number", person.id_number)
        return disbursement_id(campaign_id(CAMPAIGN), who)

    def fund(self, code: str) -> FundAccount:
        found = self.ledger.load(FundAccount, fund_id(organisation_id(code), EARMARK))
        assert found is not None
        return found

    def checkpoint_sizes(self) -> list[int]:
        """Return the size of the log after each commit."""
        return [size for size, _ in self.ledger.log.select_checkpoints(0)]

    def types(self, start: int = 0) -> list[str]:
        return [each.event.TOPIC for each in self.ledger.read(start, 100_000)]

    def person_keys(self) -> int:
        """Return how many people's data keys stand in the vault, as another process sees it."""
        with closing(sqlite3.connect(self.home.vault)) as connection:
            (count,) = connection.execute("SELECT count(*) FROM person_keys").fetchone()
            return int(count)

    def check_log(self) -> Verdict:
        """The end of each story: everything in the log holds."""
        verdict = verify_log(
            self.home.log, self.ledger.origin, self.home.founding_key_id(), processes=1
        )
        assert verdict.holds, verdict
        return verdict


def settled(number: int, person: Person, amount: int) -> ReturnLine:
    return _line(number, person, amount, Outcome.SETTLED, None)


def failed(number: int, person: Person, amount: int, reason: str = "ACCT_CLOSED") -> ReturnLine:
    return _line(number, person, amount, Outcome.FAILED, reason)


def pending(number: int, person: Person, amount: int) -> ReturnLine:
    return _line(number, person, amount, Outcome.PENDING, "UNKNOWN")


def _line(
    number: int, person: Person, amount: int, outcome: Outcome, reason: str | None
) -> ReturnLine:
    code = "00" if reason is None else "3018"
    return ReturnLine(number + 2, number, person.card, person.name, amount, outcome, reason, code)


def signature(number: int, name: str) -> SignatureRow:
    return SignatureRow(
        number + 1, number, name, "2017-01-21T09:00:00+08:00", f"{number:064x}", "H-X01"
    )


def terms(effective_from: date = date(2016, 12, 1)) -> PolicyTerms:
    def amount(fen: int) -> AmountRule:
        return AmountRule(source="通知 二(二)", confidence="uncertain", amount_fen=Money(fen))

    def category(name: str, channel: Channel, **rules: object) -> CategoryRule:
        facts: dict[str, object] = {
            "source": "通知 四(五)",
            "confidence": "stated",
            "name": name,
            "channel": channel,
            "archive_required": channel is Channel.BANK_CARD,
            "required_fields": ("身份证号码", "联系电话"),
            "minimum": None,
            "maximum": None,
            "monthly_income_below": None,
        }
        return CategoryRule(**{**facts, **rules})  # type: ignore[arg-type]

    return PolicyTerms(
        code=POLICY,
        title="通知",
        effective_from=effective_from,
        categories=(
            category(CARD_CLASS, Channel.BANK_CARD, minimum=amount(60_000)),
            category(
                MODEL_CLASS,
                Channel.BANK_CARD,
                minimum=amount(90_000),
                monthly_income_below=amount(500_000),
            ),
            category(SHEET_CLASS, Channel.SIGNATURE_SHEET, maximum=amount(50_000)),
        ),
        surplus=SurplusTargets(
            first_year_minimum=RatioRule(
                source="通知", confidence="stated", basis_points=BasisPoints(5000)
            ),
            all_within=YearsRule(source="通知", confidence="stated", years=2),
        ),
        deadlines=(
            Deadline(source="方案", confidence="certain", name="签字表", due_on=date(2017, 2, 5)),
        ),
    )
