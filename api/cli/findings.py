"""The command of findings: what rules find, and what a version or other limits would say."""

from datetime import datetime
from typing import Annotated

import typer

from api import bootstrap
from api.callers import Reach
from api.cli.printing import AsJson, print_json, say
from api.known import Kept, within
from api.web.formats import yuan
from api.web.language import Language, languages
from api.web.words import term
from projections.asked import Moment
from projections.findings.catalogue import RULES_KNOWN
from projections.findings.finding import Finding
from projections.findings.supposing import Supposition
from projections.findings.versions import Compared, NoSuchRule, compared
from projections.organisations import Tree, tree_on
from projections.runner import catch_up


def list_findings(
    *,
    rule: Annotated[str | None, typer.Option(help="Of this rule alone, as G5.")] = None,
    version: Annotated[int | None, typer.Option(help="What that version of it says.")] = None,
    policy: Annotated[str | None, typer.Option(help="Code of a policy.")] = None,
    policy_version: Annotated[
        int | None, typer.Option(help="With the limits of its how-manieth adoption.")
    ] = None,
    as_of: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="As things stood on that day.")
    ] = None,
    at: Annotated[
        int | None, typer.Option(min=0, help="As known at that position of the log.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List findings; with a version or other limits each is held against what counts.

    Nothing is written: what is supposed is evaluated over the log as it stands.
    """
    if rule is not None and rule not in RULES_KNOWN:
        raise NoSuchRule(rule)
    place, today = bootstrap.home(), bootstrap.today()
    moment = Moment(None if as_of is None else as_of.date(), at)
    supposing = Supposition(rule, version, policy, policy_version)
    kept = Kept()
    with (
        bootstrap.opened(place) as ledger,
        catch_up(ledger, place.read_models).asking() as model,
    ):
        tree = tree_on(model)
        reach = Reach(frozenset(tree.by_id), today)
        known = kept.known(model, ledger, moment, today)
        now = [each for each in within(known, reach) if rule in (None, each.rule)]
        rows: list[tuple[Finding, Compared | None]] = [(each, None) for each in now]
        if supposing.made:
            other = kept.supposing(model, ledger, moment, today, supposing)
            found = [each for each in within(other, reach) if rule in (None, each.rule)]
            held = compared(found, now)
            rows = [*held.supposed, *((each, Compared.ONLY_NOW) for each in held.only_now)]
    if as_json:
        print_json([_facts(finding, stands, tree) for finding, stands in rows])
        return
    for finding, stands in rows:
        say(_line(finding, stands, tree, languages()["zh"]))


def _facts(finding: Finding, stands: Compared | None, tree: Tree) -> dict[str, object]:
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "organisation": _code(finding, tree),
        "since": finding.since,
        "count": finding.count,
        "amount_fen": finding.amount_fen,
        "detail": finding.detail,
        "year": finding.year,
        "position": finding.position,
        "compared": None if stands is None else stands.value,
    }


def _line(finding: Finding, stands: Compared | None, tree: Tree, language: Language) -> str:
    words = [
        finding.rule,
        finding.severity.value,
        term(language, "rule", finding.rule),
        _code(finding, tree) or "整个账本",
        finding.since,
        f"{finding.count} 项",
        *([] if finding.amount_fen is None else [yuan(finding.amount_fen)]),
        *([] if stands is None else [term(language, "compared", stands.value)]),
    ]
    return " · ".join(words)


def _code(finding: Finding, tree: Tree) -> str | None:
    place = finding.organisation_id
    return None if place is None else tree.by_id[place].code
