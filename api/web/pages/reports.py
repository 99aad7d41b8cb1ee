"""What is handed in and handed over: an index of the papers that this ledger makes."""

from fastapi import APIRouter, Response

from api.callers import READ
from api.web.screen import TheScreen

router = APIRouter(include_in_schema=False)


@router.get("/reports", dependencies=[READ])
def show_reports(screen: TheScreen) -> Response:
    """Lead to each paper, and say what it is for."""
    return screen.show("reports/index.html")
