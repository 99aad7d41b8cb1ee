"""The log that a kill left behind, verified from where it was verified before."""

from ledger.commands.continuing import Verified
from ledger.commands.verification import Verdict, verify_log
from ledger.store.home import Home


def verified(home: Home, before: Verified | None, *, whole: bool) -> Verdict:
    """Verify what is new in the log, or all of it, and see that it holds."""
    verdict = verify_log(
        home.log,
        home.origin(),
        home.founding_key_id(),
        processes=1,
        before=None if whole else before,
        whole=whole,
    )
    assert verdict.holds, verdict
    return verdict
