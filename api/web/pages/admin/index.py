"""What an officer's posts open in the administration, and what waits there for them."""

from collections.abc import Mapping

from fastapi import APIRouter, Response

from api.callers import SIGNED_IN, Caller, TheCaller, TheReach
from api.dependencies import TheReadModel
from api.web.screen import TheScreen
from ledger.commands.officer_keys import CONFIRMING
from ledger.commands.recipients import DECIDING
from projections.asked import PAGE_ROWS_MAX
from projections.keys import officer_keys
from projections.people import person_changes

router = APIRouter(include_in_schema=False)


@router.get("/admin", dependencies=[SIGNED_IN])
def show_index(
    screen: TheScreen, model: TheReadModel, caller: TheCaller, reach: TheReach
) -> Response:
    """Show the parts of the administration that are open to this officer."""
    waiting: dict[str, int] = {}
    if caller.holds_any(CONFIRMING):
        keys = officer_keys(model, state="proposed", limit=PAGE_ROWS_MAX)
        waiting["/admin/keys"] = _of_others(caller, [each.owner_id for each in keys])
    if caller.holds_any(DECIDING):
        asked = person_changes(model, sorted(reach.ids), pending=True, limit=PAGE_ROWS_MAX)
        waiting["/admin/people"] = _of_others(caller, [each.officer_id for each in asked])
    return screen.show("admin/index.html", waiting=_something(waiting))


def _of_others(caller: Caller, owners: list[object]) -> int:
    """Count what is not the officer's own: nobody confirms or decides that."""
    return sum(owner != caller.officer_id for owner in owners)


def _something(waiting: Mapping[str, int]) -> dict[str, int]:
    return {path: count for path, count in waiting.items() if count}
