"""The command of explanations: what every rule says of one payment, and who answered for what."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated
from uuid import UUID

import typer

from api import bootstrap
from api.callers import Reach
from api.cli.printing import AsJson, print_json, say
from api.explaining import asked_about, cases_about
from api.known import Kept
from api.reporting import Checkpoint, checkpoint_at
from api.v1.explanations import explanation_of
from api.web.formats import yuan
from api.web.language import Language, languages
from api.web.words import term
from ledger.store.application import Ledger
from projections.cases import CaseView
from projections.explanation.asked import Asked
from projections.explanation.checked import Fact
from projections.explanation.explain import Explanation, explain
from projections.findings.catalogue import RULES_KNOWN
from projections.organisations import staff_numbers, tree_on
from projections.runner import catch_up

KINDS = {"return_reason": "reason", "signed_by": "manner", "post_missing": "act_done"}
"""Of facts that are codes: which words say them."""

OPERATOR = "系统"


def explain_payment(
    payment: Annotated[UUID, typer.Argument(help="Id of the payment.", show_default=False)],
    *,
    as_json: AsJson = False,
) -> None:
    """Say what every rule makes of a payment, from which facts, and who let pass what and why.

    It is what this service says at a position of its log, not a proof: `nuanzhang pack payment`
    makes one of what it rests on.
    """
    place = bootstrap.home()
    with (
        bootstrap.opened(place) as ledger,
        catch_up(ledger, place.read_models).asking() as connection,
    ):
        reach = Reach(frozenset(tree_on(connection).by_id), bootstrap.today())
        asked = asked_about(connection, ledger, reach, Kept(), payment)
        found, cases = explain(asked), cases_about(asked, reach)
        at = ledger.size() - 1
        checkpoint = checkpoint_at(ledger, at)
        staff = staff_numbers(connection)
    if as_json:
        print_json(_said(ledger, at, checkpoint, found, payment, cases))
        return
    for line in _lines(asked, found, staff, languages()["zh"]):
        say(line)
    for each in cases:
        stage = term(languages()["zh"], "case_stage", each.stage)
        rule = term(languages()["zh"], "rule", each.subject.rule)
        due = f" · 期限 {each.due_on}" if each.due_on else ""
        say(f"案件 {each.subject.rule} {rule}：{stage}{due} · {each.case_id}")
    say(f"本说明由服务按日志第 {at} 条时的账出具，不是证明；")
    say(f"证明请用 nuanzhang pack payment {payment}")
    say(f"检查点 {checkpoint.size} · {checkpoint.root}")


def _said(
    ledger: Ledger,
    at: int,
    checkpoint: Checkpoint,
    found: Explanation,
    payment: UUID,
    cases: Sequence[CaseView],
) -> dict[str, object]:
    return {
        "said_by": ledger.origin,
        "proven": False,
        "at": at,
        "checkpoint_size": checkpoint.size,
        "checkpoint_root": checkpoint.root,
        "explanation": explanation_of(found, payment, cases).model_dump(mode="json"),
    }


def _lines(
    asked: Asked, found: Explanation, staff: Mapping[UUID, str], language: Language
) -> Iterator[str]:
    payment = asked.payment
    yield f"{payment.batch_code} 第 {payment.number} 行 · {yuan(payment.amount_fen)}"
    if found.reading is not None:
        adopted = found.reading.adopted
        yield f"签批时有效的政策：{adopted.title}（第 {found.reading.number} 次采用）"
    for each in found.checked:
        outcome = term(language, "checked", each.outcome.value)
        facts = "；".join(_fact(fact, language) for fact in each.facts)
        version = RULES_KNOWN[each.rule].version
        name = term(language, "rule", each.rule)
        yield f"{each.rule} {name}（第 {version} 版）：{outcome}" + (
            f"（{facts}）" if facts else ""
        )
        for ground in each.grounds:
            words = [
                term(language, "ground", ground.what),
                _officer(ground.officer_id, staff),
                ground.happened_on,
                *([ground.reason] if ground.reason else []),
                f"日志第 {ground.position} 条",
            ]
            yield "  " + " · ".join(words)
    for act in found.acts:
        posts = "、".join(role for role, _ in act.posts)
        done = term(language, "act_done", act.what)
        who = _officer(act.officer_id, staff)
        held = f"（{posts}）" if posts else ""
        yield f"{act.happened_on} {done}：{who}{held} · 日志第 {act.position} 条"


def _fact(fact: Fact, language: Language) -> str:
    value = fact.value
    if value is None:
        said = "—"
    elif fact.name.endswith("_fen"):
        said = yuan(int(value))
    else:
        said = term(language, KINDS.get(fact.name, fact.name), str(value))
    return f"{term(language, 'looked_at', fact.name)} {said}"


def _officer(officer: UUID | None, staff: Mapping[UUID, str]) -> str:
    return OPERATOR if officer is None else staff.get(officer, "—")
