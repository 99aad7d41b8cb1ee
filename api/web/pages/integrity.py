"""Whether the log holds: the light, what it rests on, and what to do where it is not green."""

from dataclasses import dataclass

from fastapi import APIRouter, Response

from api.background.running import TheBackground
from api.callers import SIGNED_IN, VERIFIERS, VERIFY
from api.dependencies import Served, TheServed
from api.web.language import N_
from api.web.screen import TheScreen
from ledger.anchoring.publications import latest
from ledger.anchoring.witnesses import Witnessed, witnessed

router = APIRouter(include_in_schema=False)

RUNS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Published:
    """The last checkpoint that was carried out to others, and who cosigned it."""

    size: int
    at: str
    witnessed: Witnessed


def last_published(found: Served) -> Published | None:
    """Return the last published checkpoint with its witnesses, if there ever was one."""
    published = latest(found.ledger)
    if published is None:
        return None
    standing = witnessed(found.ledger, found.anchors, published)
    return Published(published.size, published.announced.event.recorded_at, standing)


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
