"""Findings: what looks wrong within reach, by rule, and the list behind each."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter, Response
from sqlalchemy import Connection

from api.callers import READ, TheReach
from api.dependencies import TheLedger, TheReadModel
from api.doubted import opening_address, subjects_of
from api.known import Known, TheKept, counts, versions_of, within
from api.web.asked import Number, TheMomentOnPage, Word
from api.web.behind import Behind
from api.web.screen import TheScreen
from api.within import organisation_within
from ledger.domain.case import case_id
from ledger.domain.officer import OBSERVERS
from ledger.store.application import Ledger
from projections.asked import NOW, Moment
from projections.batches import campaign_list
from projections.cases import Asked, case_list
from projections.findings.aside import ASIDE, in_order, standing_of
from projections.findings.catalogue import RULES_KNOWN
from projections.findings.finding import Finding
from projections.findings.found import Found, Part
from projections.findings.limits import Version
from projections.findings.supposing import Supposition
from projections.findings.versions import EARLIER, Compared, Comparison, compared
from projections.organisations import Organisation
from projections.outside_lists import held_lists

router = APIRouter(include_in_schema=False)

PAGE_ROWS = 100
PLACES_MAX = 40
PAYMENTS_MAX = 12
TOGETHER = frozenset({"D5"})
"""Rules that find the same thing at many organisations at once: it is said once."""


@dataclass(frozen=True, slots=True)
class Row:
    """What was found, where, and the list that it rests on; `further` places are not named.

    `payments` are the first of those that a rule looked at one by one.
    """

    finding: Finding
    places: list[Organisation]
    further: int
    behind: str
    payments: tuple[UUID, ...] = ()
    compared: Compared | None = None

    @property
    def case_ids(self) -> list[UUID]:
        """Under which its case may stand."""
        return [case_id(each) for each in subjects_of(self.finding)]

    @property
    def opening(self) -> str:
        """Where it is taken up."""
        return opening_address(self.finding)


@dataclass(slots=True)
class Section:
    """What one rule found: the rule is said once, above."""

    first: Finding
    rows: list[Row]


@router.get("/findings", dependencies=[READ])
def show_findings(
    screen: TheScreen,
    model: TheReadModel,
    reach: TheReach,
    moment: TheMomentOnPage,
    the_ledger: TheLedger,
    kept: TheKept,
    organisation: Word = None,
    alone: Word = None,
    severity: Word = None,
    rule: Word = None,
    version: Number = None,
    policy: Word = None,
    policy_version: Number = None,
    page: Number = None,
) -> Response:
    """List findings by rule: the gravest first, and of these what the oldest is of.

    Where an earlier version of a rule, or other limits are supposed, each is held against what
    counts.
    """
    known = kept.known(model, the_ledger, moment, screen.today)
    chosen, ids = None, None
    if organisation is not None:
        chosen = organisation_within(known.tree, reach, organisation)
        ids = known.tree.subtree(chosen.organisation_id)
        ids = [chosen.organisation_id] if alone else ids

    def chosen_of(of: Known) -> list[Finding]:
        return [
            each
            for each in within(of, reach, ids)
            if severity in (None, each.severity.value) and rule in (None, each.rule)
        ]

    seen = within(known, reach, ids)
    found = chosen_of(known)
    supposing = Supposition(rule, version, policy, policy_version)
    stands: dict[Finding, Compared] = {}
    held: Comparison | None = None
    if supposing.made:
        known = kept.supposing(model, the_ledger, moment, screen.today, supposing)
        held = compared(chosen_of(known), found)
        stands = dict(held.supposed) | dict.fromkeys(held.only_now, Compared.ONLY_NOW)
        found = Found([Part(stands)]).findings
    lines = together(by_rule(found), stands)
    at = max(page or 1, 1)
    shown = lines[(at - 1) * PAGE_ROWS : at * PAGE_ROWS]
    campaigns = {each.campaign_id: each.code for each in campaign_list(model)}
    every = Behind(None if chosen is None else chosen.code, alone=bool(alone), moment=moment)
    rows = [row_of(known, each, every, campaigns, stands) for each in shown]
    wanted = [each for row in rows for each in row.case_ids]
    return screen.show(
        "findings.html",
        sections=sections(rows),
        cases={each.case_id: each for each in case_list(model, Asked(case_ids=wanted), moment)},
        watches=moment == NOW
        and held is None
        and screen.caller is not None
        and screen.caller.holds_any(OBSERVERS),
        found=len(found),
        stood={each: known.stood(each, of) for each, of in sorted(_of_rules(found).items())},
        counts=counts(known, reach, ids),
        rules=sorted({each.rule for each in seen}),
        choices=known.tree.among(reach.ids),
        organisation=chosen,
        alone=bool(alone),
        severity=severity,
        rule=rule,
        supposing=supposing,
        compared=None if held is None else held.counted,
        versions=len(EARLIER.get(rule or "", ())) + 1,
        changes=[each.changed for each in EARLIER.get(rule or "", ())],
        readings=readings(model, the_ledger, moment),
        page=at,
        pages=-(-len(lines) // PAGE_ROWS),
        moment=moment,
    )


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A rule of the table, and whether it is evaluated; by which checks it cannot be broken."""

    code: str
    standing: str
    version: int | None
    checks: tuple[str, ...]
    earlier: range = range(0)


@router.get("/findings/rules", dependencies=[READ])
def show_rules(screen: TheScreen, model: TheReadModel) -> Response:
    """List the rules of the table: what is evaluated, and what no finding can mean."""
    held = {each.kind for each in held_lists(model)}
    evaluated = [
        RuleRow(
            code,
            standing_of(code, held).value,
            about.version,
            (),
            range(1, about.version),
        )
        for code, about in RULES_KNOWN.items()
    ]
    aside = [RuleRow(code, each.standing.value, None, each.checks) for code, each in ASIDE.items()]
    rows = sorted([*evaluated, *aside], key=lambda row: in_order(row.code))
    return screen.show(
        "findings/rules.html",
        rows=rows,
        counts=Counter(row.standing for row in rows),
    )


def _of_rules(found: Iterable[Finding]) -> dict[str, list[Finding]]:
    rules: dict[str, list[Finding]] = {}
    for each in found:
        rules.setdefault(each.rule, []).append(each)
    return rules


def by_rule(found: Iterable[Finding]) -> list[Finding]:
    """Put what one rule found side by side; rules stay in the order of what each found first."""
    kinds: dict[tuple[str, str], list[Finding]] = {}
    for each in found:
        kinds.setdefault((each.severity, each.rule), []).append(each)
    return [each for kind in kinds.values() for each in kind]


def together(found: Iterable[Finding], stands: Mapping[Finding, Compared]) -> list[list[Finding]]:
    """Take together what is one thing missing at many organisations; all else stands alone."""
    lines: dict[object, list[Finding]] = {}
    for number, each in enumerate(found):
        same = (each.rule, each.campaign_id, each.detail, each.since, stands.get(each))
        lines.setdefault(same if each.rule in TOGETHER else number, []).append(each)
    return list(lines.values())


def row_of(
    known: Known,
    found: list[Finding],
    every: Behind,
    campaigns: dict[UUID, str],
    stands: Mapping[Finding, Compared],
) -> Row:
    """Show one finding, or many that are one; these lead to the list of all of them."""
    finding = found[0]
    places = [known.tree.by_id[id_] for each in found if (id_ := each.organisation_id) is not None]
    campaign = None if finding.campaign_id is None else campaigns.get(finding.campaign_id)
    lists = every if len(found) > 1 else at(places, every.moment)
    named = places[:PLACES_MAX]
    behind = lists.of_finding(finding, campaign)
    payments = finding.payment_ids[:PAYMENTS_MAX]
    further = len(places) - len(named)
    return Row(finding, named, further, behind, payments, stands.get(finding))


def readings(model: Connection, ledger: Ledger, moment: Moment) -> dict[str, list[Version]]:
    """Return the adoptions of each policy that were known, by its code."""
    found: dict[str, list[Version]] = {}
    for each in versions_of(model, ledger, moment):
        found.setdefault(each.adopted.code, []).append(each)
    return found


def at(places: list[Organisation], moment: Moment) -> Behind:
    return Behind(places[0].code if places else None, alone=True, moment=moment)


def sections(rows: Iterable[Row]) -> list[Section]:
    """Gather rows under their rules."""
    found: list[Section] = []
    for row in rows:
        first = row.finding
        if not found or (found[-1].first.rule, found[-1].first.severity) != (
            first.rule,
            first.severity,
        ):
            found.append(Section(first, []))
        found[-1].rows.append(row)
    return found
