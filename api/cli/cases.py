"""Cases on the command line: what became of findings, and what is overdue."""

from typing import Annotated
from uuid import UUID

import msgspec
import typer

from api import bootstrap
from api.cli.printing import say
from ledger.domain.case import Stage
from ledger.domain.values import yuan_text
from ledger.store.application import NotOnRecord
from projections.asked import PAGE_ROWS_MAX
from projections.cases import Asked, CaseView, case_list
from projections.organisations import staff_numbers, tree_on
from projections.runner import catch_up

app = typer.Typer(help="Cases: findings taken up, put right, closed.", no_args_is_help=True)


@app.command(name="list")
def list_cases(
    *,
    everything: Annotated[
        bool, typer.Option("--all", help="Closed and dismissed ones too.")
    ] = False,
    overdue: Annotated[bool, typer.Option(help="Those alone whose day has passed.")] = False,
    stage: Annotated[Stage | None, typer.Option(help="Those at this stage alone.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """List cases in the order in which they were opened."""
    place, day = bootstrap.home(), bootstrap.today()
    with (
        bootstrap.opened(place) as ledger,
        catch_up(ledger, place.read_models).asking() as model,
    ):
        tree, staff = tree_on(model), staff_numbers(model)
        asked = Asked(
            stage=stage,
            live=not everything and stage is None,
            overdue_on=day if overdue else None,
        )
        after = -1
        while found := case_list(model, asked, after=after):
            for each in found:
                if json:
                    say(msgspec.json.encode(_facts(each, staff)).decode())
                    continue
                late = each.days_late(day)
                say(
                    f"{each.case_id} {each.subject.rule} {tree.by_id[each.organisation_id].code}"
                    f" {each.stage} {staff.get(each.owner_id or each.case_id, '-')}"
                    f" {each.due_on or '-'}{f' {late} days late' if late else ''}"
                    f" {yuan_text(each.open_fen)} yuan open"
                )
            if len(found) < PAGE_ROWS_MAX:
                return
            after = found[-1].position


@app.command()
def show(
    case: Annotated[UUID, typer.Argument(help="Id of the case.", show_default=False)],
) -> None:
    """Show a case with every step, as a JSON object."""
    place = bootstrap.home()
    with (
        bootstrap.opened(place) as ledger,
        catch_up(ledger, place.read_models).asking() as model,
    ):
        found = case_list(model, Asked(case_ids=[case]))
        if not found:
            raise NotOnRecord("case", case)
        facts = _facts(found[0], staff_numbers(model)) | {"steps": found[0].steps}
        say(msgspec.json.format(msgspec.json.encode(facts)).decode())


def _facts(case: CaseView, staff: dict[UUID, str]) -> dict[str, object]:
    return {
        "case_id": case.case_id,
        "organisation_id": case.organisation_id,
        "subject": case.subject,
        "severity": case.severity,
        "stage": case.stage,
        "owner": None if case.owner_id is None else staff.get(case.owner_id),
        "due_on": case.due_on,
        "demanded_fen": case.demanded_fen,
        "recovered_fen": case.recovered_fen,
        "written_off_fen": case.written_off_fen,
        "open_fen": case.open_fen,
    }
