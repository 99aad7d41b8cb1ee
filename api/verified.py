"""What the last verification of the log found, as rules look at it."""

from datetime import datetime

from api.background.verdicts import Run
from ledger.domain.values import CHINA
from projections.findings.asked import Verification


def verification_of(run: Run | None) -> Verification | None:
    """Return what there is to say of a run; None where everything holds, or none ever ended."""
    if run is None or (run.holds and not run.found.doubts):
        return None
    found = run.found
    return Verification(
        datetime.fromtimestamp(run.ended_at_s, CHINA).date().isoformat(),
        found.code,
        found.detail or "",
        found.position,
        tuple((each.key_id, each.start, each.stop) for each in found.doubts),
    )
