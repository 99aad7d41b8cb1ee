"""Replays a scenario folder through the commands, each step at its own date (补录)."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from api.folder import Folder
from api.keyring import Keyring
from api.known_codes import spelling_of, spelt
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
from ledger.domain.aggregate import OPERATOR
from ledger.domain.batch import batch_id
from ledger.domain.officer import Officer, Role, officer_id
from ledger.domain.organisation import Organisation, organisation_id
from ledger.domain.policy import (
    AmountRule,
    CategoryRule,
    Channel,
    Deadline,
    LimitRule,
    PolicyTerms,
    RatioRule,
    SurplusTargets,
    YearsRule,
)
from ledger.domain.values import BasisPoints, Money, day_in_china
from ledger.errors import Kind, LedgerError
from ledger.files.archive import ArchiveRow
from ledger.files.banks import read_return
from ledger.files.campaign import CampaignFile, CategoryTerms
from ledger.files.faults import Fault, FileRefused
from ledger.files.registers import AllocationRow, BatchRow, FundRow, OrganisationRow
from ledger.files.roster import read_roster
from ledger.files.signatures import SignatureRow, read_signatures
from ledger.store.act import CommandAct
from ledger.store.application import Answer, Ledger
from ledger.store.signing import KeyHolder

ARCHIVE_ROWS_MAX = 500
PERCENT_BP = 100
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

Now = Callable[[], str]
"""Says the moment of recording, in UTC."""

Progress = Callable[[int, int], None]
"""Told how many steps are done, and of how many."""


class NoSuchOfficer(LedgerError):
    """An act that commits an organisation has nobody on the register who could answer for it."""

    code = "officer.none_with_role"
    kind = Kind.INVALID

    def __init__(self, role: str, organisation_code: str) -> None:
        super().__init__(f"no officer with role {role} at {organisation_code} or above")


@dataclass(frozen=True, slots=True)
class Problem:
    """A step, or a row of it, that was refused; `recorded` when the refusal stands in the log.

    `detail` names code, file, row and column, or ids and amounts; never what stood there. What the
    folder has a code for is called by it.
    """

    step: str
    code: str
    detail: str
    recorded: bool


@dataclass(slots=True)
class Loaded:
    """What became of a folder."""

    steps: int = 0
    replayed: int = 0
    problems: list[Problem] = field(default_factory=list)
    last_day: date = date.min


@dataclass(frozen=True, slots=True)
class Step:
    """One act of the campaign.

    Steps of a day go by `rank`: money in, money down, batches, then what came back.
    """

    day: date
    rank: int
    name: str
    take: Callable[["Step"], Iterator[Answer]]
    file: str | None = None


class Loading:
    """One run over one folder.

    Every act has an idempotency key made of its place in the folder, so a run that was cut off is
    taken up again, and a repeated one changes nothing.
    """

    def __init__(self, ledger: Ledger, keyring: Keyring, folder: Folder, now: Now) -> None:
        self._ledger = ledger
        self._keyring = keyring
        self._spelling = spelling_of(ledger, folder)
        self._folder = folder = spelt(folder, self._spelling)
        self._campaign = folder.campaign
        self._now = now
        self._loaded = Loaded()
        self._parents = {row.code: row.parent_code for row in folder.organisations}
        self._posts: dict[tuple[str, str], list[str]] = defaultdict(list)
        self._codes = dict(_codes(folder))
        for row in folder.officers:
            self._posts[row.organisation_code, row.role].append(row.staff_number)

    def run(self, progress: Progress | None = None) -> Loaded:
        """Take every step; one that is refused is reported and the others go on.

        Raises:
            FileRefused: A register dates something after the day of recording; nothing was done.
        """
        today = day_in_china(self._now())
        self._folder.require_past(today)
        steps = [*self._preparations(), *sorted(self._acts(), key=lambda s: (s.day, s.rank))]
        for done, step in enumerate(steps):
            if progress is not None:
                progress(done, len(steps))
            self._take(step)
        if progress is not None:
            progress(len(steps), len(steps))
        self._loaded.steps = len(steps)
        self._loaded.last_day = max(step.day for step in steps)
        return self._loaded

    def _take(self, step: Step) -> None:
        try:
            for answer in step.take(step):
                self._loaded.replayed += answer.replayed
                if answer.refusal_code is not None:
                    detail = f"{answer.refusal_code}: {answer.refusal_detail}"
                    self._report(step, answer.refusal_code, detail, recorded=True)
                for row in answer.result.get("refused", []):
                    fault = Fault(
                        step.file or step.name, row["line"], row.get("field"), row["code"]
                    )
                    self._report(step, fault.code, str(fault), recorded=True)
        except FileRefused as refusal:
            for fault in refusal.faults:
                self._report(step, fault.code, str(fault), recorded=False)
        except LedgerError as refusal:
            self._report(step, refusal.code, f"{refusal.code}: {refusal}", recorded=False)

    def _report(self, step: Step, code: str, detail: str, *, recorded: bool) -> None:
        said = _ID.sub(lambda id_: self._codes.get(id_[0], id_[0]), detail)
        self._loaded.problems.append(Problem(step.name, code, said, recorded))

    # What must stand before the first act.

    def _preparations(self) -> Iterator[Step]:
        since = self._since()
        for row in _parents_first(self._folder.organisations):
            yield Step(since, 0, f"organisations.csv row {row.line}", self._organisation(row))
        for line, _ in enumerate(self._folder.officers):
            yield Step(since, 0, f"officers.csv row {line + 2}", self._officer(line))
        yield Step(since, 0, "campaign.toml policy", self._policy)
        yield Step(since, 0, "campaign.toml campaign", self._open_campaign)
        rows = self._folder.archive.rows
        for start in range(0, len(rows), ARCHIVE_ROWS_MAX):
            chunk = rows[start : start + ARCHIVE_ROWS_MAX]
            name = f"archive.xlsx from row {chunk[0].line}"
            yield Step(since, 0, name, self._archive(chunk), "archive.xlsx")
        for fault in self._folder.archive.faults:
            yield Step(since, 0, fault.file, _raising(fault))

    def _organisation(self, row: OrganisationRow) -> Callable[[Step], Iterator[Answer]]:
        def take(step: Step) -> Iterator[Answer]:
            known = self._ledger.load(Organisation, organisation_id(row.code))
            act = self._act(step, OPERATOR)
            order = organisations.Registration(row.code, row.name, row.kind, row.parent_code)
            if known is None or self._ledger.log.select_answer(act.idempotency_key or ""):
                yield organisations.register_organisation(self._ledger, act, order)
                return
            parent_id = organisation_id(row.parent_code) if row.parent_code else None
            if known.parent_on(step.day) != parent_id:
                move = organisations.Move(row.code, row.parent_code, self._campaign.code)
                yield organisations.move_organisation(self._ledger, act, move)

        return take

    def _officer(self, at: int) -> Callable[[Step], Iterator[Answer]]:
        row = self._folder.officers[at]

        def take(step: Step) -> Iterator[Answer]:
            order = officers.Appointment(
                row.staff_number, row.name, row.organisation_code, row.role
            )
            yield officers.appoint_officer(self._ledger, self._act(step, OPERATOR), order)
            key = self._keyring.signer(row.staff_number).public_key
            officer = self._ledger.load(Officer, officer_id(row.staff_number))
            if officer is not None and key.key_id not in officer.keys:
                registration = officer_keys.KeyRegistration(
                    row.staff_number, key, officer_keys.CUSTODY_KEYRING
                )
                act = self._act(step, OPERATOR, "key")
                yield officer_keys.register_key(self._ledger, act, registration)

        return take

    def _policy(self, step: Step) -> Iterator[Answer]:
        roots = [code for code, parent in self._parents.items() if not parent]
        approver = self._holder(roots[0] if roots else "", Role.APPROVER)
        act = self._signed(step, approver)
        yield policies.adopt_policy(self._ledger, act, _terms(self._campaign))

    def _open_campaign(self, step: Step) -> Iterator[Answer]:
        campaign = self._campaign
        opening = policies.CampaignOpening(
            campaign.code,
            campaign.name,
            campaign.starts_on,
            campaign.ends_on,
            campaign.fiscal_year,
            campaign.policy_code,
        )
        yield policies.open_campaign(self._ledger, self._act(step, OPERATOR), opening)

    def _archive(self, rows: Sequence[ArchiveRow]) -> Callable[[Step], Iterator[Answer]]:
        def take(step: Step) -> Iterator[Answer]:
            yield recipients.enter_archive(self._ledger, self._act(step, OPERATOR), rows)

        return take

    # The acts of the campaign.

    def _acts(self) -> Iterator[Step]:
        for fund in self._folder.funds:
            yield Step(fund.on, 1, f"funds.csv row {fund.line}", self._fund(fund))
        for row in self._folder.allocations:
            yield Step(row.on, 2, f"allocations.csv row {row.line}", self._allocation(row))
        for batch in self._folder.batches:
            take = self._batch(batch)
            yield Step(batch.approved_on, 3, f"batch {batch.code}", take, batch.roster)
        for batch in self._folder.batches:
            if batch.return_file is not None and batch.returned_on is not None:
                card = batch.channel == Channel.BANK_CARD
                take = self._bank_return(batch) if card else self._signatures(batch)
                yield Step(batch.returned_on, 4, batch.return_file, take)

    def _fund(self, row: FundRow) -> Callable[[Step], Iterator[Answer]]:
        def take(step: Step) -> Iterator[Answer]:
            self._require_unions("funds.csv", row.line, {"单位编码": row.organisation_code})
            year = self._campaign.fiscal_year
            order = funds.FundReceipt(
                organisation_code=row.organisation_code,
                earmark=row.earmark,
                source=row.source,
                document=row.document,
                vintage=row.vintage,
                amount_fen=row.amount_fen,
                carried_into=year if row.vintage < year else None,
                policy_code=self._campaign.policy_code,
            )
            cashier = self._actor(row.organisation_code, Role.CASHIER)
            yield funds.receive_funds(self._ledger, self._act(step, cashier), order)

        return take

    def _allocation(self, row: AllocationRow) -> Callable[[Step], Iterator[Answer]]:
        def take(step: Step) -> Iterator[Answer]:
            unions = {"拨出单位": row.from_code, "接收单位": row.to_code}
            self._require_unions("allocations.csv", row.line, unions)
            order = funds.Allocation(
                row.from_code, row.to_code, row.earmark, row.document, row.amount_fen
            )
            act = self._signed(step, self._holder(row.from_code, Role.APPROVER))
            yield funds.allocate(self._ledger, act, order)

        return take

    def _batch(self, row: BatchRow) -> Callable[[Step], Iterator[Answer]]:
        def take(step: Step) -> Iterator[Answer]:
            if row.channel not in set(Channel):
                raise FileRefused(Fault("batches.csv", row.line, "方式", "value.unknown"))
            self._require_unions("batches.csv", row.line, {"单位编码": row.organisation_code})
            draft = batches.Draft(
                code=row.code,
                campaign_code=self._campaign.code,
                organisation_code=row.organisation_code,
                earmark=row.earmark,
                channel=Channel(row.channel),
                bank_format=row.bank_format,
                drafted_by=row.drafted_by,
                roster=read_roster(row.roster, self._folder.read(row.roster)),
            )
            act = self._act(step, str(officer_id(row.drafted_by)), "draft")
            yield batches.draft_batch(self._ledger, act, draft)
            act = self._act(step, str(officer_id(row.reviewed_by)), "review")
            reviewed = batches.review_batch(
                self._ledger, act, batches.Step(row.code, row.reviewed_by)
            )
            yield reviewed
            if reviewed.refusal_code is None:
                act = self._signed(step, row.approved_by, "approve")
                approval = batches.Step(row.code, row.approved_by)
                yield batches.approve_batch(self._ledger, act, approval)

        return take

    def _bank_return(self, row: BatchRow) -> Callable[[Step], Iterator[Answer]]:
        def take(step: Step) -> Iterator[Answer]:
            name = row.return_file or ""
            data = self._folder.read(name)
            content = read_return(row.bank_format or "", name, data, row.code)
            cashier = self._actor(row.organisation_code, Role.CASHIER)
            order = statements.ReturnFile(row.code, name, content)
            act = self._act(step, cashier, row.code)
            yield statements.receive_statement(self._ledger, act, order)

        return take

    def _signatures(self, row: BatchRow) -> Callable[[Step], Iterator[Answer]]:
        def take(step: Step) -> Iterator[Answer]:
            name = row.return_file or ""
            file = read_signatures(name, self._folder.read(name))
            by_witness: dict[str, list[SignatureRow]] = defaultdict(list)
            for signature in file.rows:
                witness = self._spelling.officers.get(signature.witness, signature.witness)
                by_witness[witness].append(signature)
            for witness, rows in by_witness.items():
                sheet = disbursements.SignedSheet(row.code, file.sha256, rows)
                act = self._signed(step, witness, f"{row.code} {witness}")
                yield disbursements.record_signatures(self._ledger, act, sheet)

        return take

    def _require_unions(self, file: str, line: int, codes: Mapping[str, str]) -> None:
        """Check that the unions which a row names, by column, are registered.

        Raises:
            FileRefused: `ledger.not_on_record`, with each that is not.
        """
        faults = [
            Fault(file, line, column, "ledger.not_on_record")
            for column, code in codes.items()
            if self._ledger.load(Organisation, organisation_id(code)) is None
        ]
        if faults:
            raise FileRefused(*faults)

    # Who acts, and when.

    def _act(self, step: Step, actor: str, part: str = "") -> CommandAct:
        key = f"load {self._campaign.code} {step.name} {part}".rstrip()
        return CommandAct(actor, step.day, self._now(), idempotency_key=key)

    def _signed(self, step: Step, staff_number: str, part: str = "") -> CommandAct:
        act = self._act(step, str(officer_id(staff_number)), part)
        signer = KeyHolder(self._keyring.signer(staff_number))
        return CommandAct(act.actor, act.happened_on, act.recorded_at, act.idempotency_key, signer)

    def _actor(self, organisation_code: str, role: Role) -> str:
        """Return who does it by their post, or the operator who enters it where nobody is named."""
        holders = self._posts.get((organisation_code, role))
        return str(officer_id(holders[0])) if holders else OPERATOR

    def _holder(self, organisation_code: str, role: Role) -> str:
        """Return the staff number of who holds a role there or above."""
        seen: set[str] = set()
        at: str | None = organisation_code
        while at and at not in seen:
            if holders := self._posts.get((at, role)):
                return holders[0]
            seen.add(at)
            at = self._parents.get(at)
        raise NoSuchOfficer(role, organisation_code)

    def _since(self) -> date:
        """Return the day from which the registers count: the first one in the folder."""
        days = [self._campaign.starts_on, self._campaign.effective_from]
        days += [row.on for row in self._folder.funds]
        days += [row.on for row in self._folder.allocations]
        days += [row.approved_on for row in self._folder.batches]
        return min(days)


def default_as_of(folder: Folder, loaded: Loaded) -> date:
    """Return the day a report is made for: the folder's own, or the day after the last step."""
    return folder.given_as_of() or loaded.last_day + timedelta(days=1)


def _codes(folder: Folder) -> Iterator[tuple[str, str]]:
    """Yield the id of each union, officer and batch that the folder names, and its code there."""
    unions = {row.code for row in folder.organisations}
    unions |= {row.parent_code for row in folder.organisations if row.parent_code}
    unions |= {row.organisation_code for row in folder.funds}
    unions |= {row.organisation_code for row in folder.officers}
    unions |= {row.organisation_code for row in folder.batches}
    unions |= {code for row in folder.allocations for code in (row.from_code, row.to_code)}
    staff = {row.staff_number for row in folder.officers}
    for row in folder.batches:
        staff |= {row.drafted_by, row.reviewed_by, row.approved_by}
        yield str(batch_id(row.code)), row.code
    yield from ((str(organisation_id(code)), code) for code in unions)
    yield from ((str(officer_id(number)), number) for number in staff)


def _parents_first(rows: Sequence[OrganisationRow]) -> Iterator[OrganisationRow]:
    """Yield each organisation after its parent, else in the order of the file."""
    waiting = list(rows)
    known: set[str | None] = {None}
    codes = {row.code for row in rows}
    while waiting:
        ready = [r for r in waiting if r.parent_code in known or r.parent_code not in codes]
        # What stands in a circle is handed over as it is: the command says what is wrong with it.
        ready = ready or waiting
        for row in ready:
            known.add(row.code)
            yield row
        waiting = [row for row in waiting if row.code not in known]


def _raising(fault: Fault) -> Callable[[Step], Iterator[Answer]]:
    def take(_: Step) -> Iterator[Answer]:
        raise FileRefused(fault)

    return take


def _terms(campaign: CampaignFile) -> PolicyTerms:
    """Turn the file's values into rules, each with its source and how sure it is."""
    title = campaign.policy_title
    minimum, within = campaign.first_year_minimum_percent, campaign.all_within_years
    sure = campaign.surplus_confidence
    return PolicyTerms(
        code=campaign.policy_code,
        title=title,
        effective_from=campaign.effective_from,
        categories=tuple(_category(title, each) for each in campaign.categories),
        surplus=SurplusTargets(
            first_year_minimum=None
            if minimum is None
            else RatioRule(
                source=f"{title} surplus.first_year_minimum_percent",
                confidence=sure,
                basis_points=BasisPoints(minimum * PERCENT_BP),
            ),
            all_within=None
            if within is None
            else YearsRule(
                source=f"{title} surplus.all_within_years", confidence=sure, years=within
            ),
        ),
        deadlines=tuple(
            Deadline(
                source=f"{title} deadlines.{name}",
                confidence=campaign.deadlines_confidence,
                name=name,
                due_on=due_on,
            )
            for name, due_on in campaign.deadlines
        ),
        limits=tuple(
            LimitRule(
                source=f"{title} limits.{name.value}",
                confidence=campaign.limits_confidence,
                name=name,
                value=value,
            )
            for name, value in campaign.limits
        ),
    )


def _category(title: str, terms: CategoryTerms) -> CategoryRule:
    def amount(key: str, value: int | None) -> AmountRule | None:
        if value is None:
            return None
        source = f"{title} categories.{terms.name}.{key}"
        return AmountRule(source=source, confidence=terms.confidence, amount_fen=Money(value))

    return CategoryRule(
        source=f"{title} categories.{terms.name}",
        confidence=terms.confidence,
        name=terms.name,
        channel=Channel(terms.channel),
        archive_required=terms.archive_required,
        required_fields=terms.required_fields,
        minimum=amount("minimum_yuan", terms.minimum_fen),
        maximum=amount("maximum_yuan", terms.maximum_fen),
        monthly_income_below=amount("monthly_income_below_yuan", terms.monthly_income_below_fen),
        paid_from=terms.sources,
        earmarks=terms.earmarks,
    )
