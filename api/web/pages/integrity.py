"""Whether the log holds: the light, what it rests on, and what to do where it is not green."""

from fastapi import APIRouter, Response

from api.background.running import TheBackground
from api.callers import SIGNED_IN, VERIFIERS, VERIFY
from api.dependencies import TheServed
from api.web.language import N_
from api.web.published import last_published
from api.web.screen import TheScreen

router = APIRouter(include_in_schema=False)

RUNS_SHOWN = 20


@router.get("/integrity", dependencies=[SIGNED_IN])
def show_integrity(screen: TheScreen, found: TheServed, working: TheBackground) -> Response:
    """Show what verification found last, what was published, and who vouches for it."""
    return screen.show(
        "integrity.html",
        standing=working.integrity.standing(),
        runs=working.integrity.latest(RUNS_SHOWN),
        published=last_published(found),
        may_verify=screen.caller is not None and screen.caller.holds_any(VERIFIERS),
    )


@router.post("/integrity", dependencies=[VERIFY])
def verify_now(screen: TheScreen, working: TheBackground) -> Response:
    """Have the whole log verified now."""
    working.integrity.ask()
    return screen.go("/integrity", N_("核验已开始。"))
