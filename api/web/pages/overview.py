"""The overview: an officer's own organisations and all below them, in figures."""

from fastapi import APIRouter, Response

from api.callers import READ, TheReach
from api.dependencies import TheMoment, TheReadModel
from api.web.screen import TheScreen
from projections.figures import figures, total

router = APIRouter(include_in_schema=False)


@router.get("/overview", dependencies=[READ])
def show_overview(
    screen: TheScreen, model: TheReadModel, reach: TheReach, moment: TheMoment
) -> Response:
    """Show what was received, passed on, paid, returned, in transit and in hand."""
    found = figures(model, reach.ids, moment)
    return screen.show("overview.html", sum=total(found.values()))
