"""Rules about the log itself: what verification found, and keys that were in other hands."""

import re
from collections.abc import Iterator
from typing import Any

from sqlalchemy import select

from projections.asked import Moment
from projections.findings.asked import Asked, Verification
from projections.findings.finding import Finding, Severity
from projections.keys import COMPROMISED, steps

OF_CODE = {
    "verify.cut_back": "L2",
    "verify.rewritten": "L3",
    "verify.checkpoint_differs": "L3",
}
"""The rule that a broken log broke, by what verification says; of an entry its field says more."""
GAP = re.compile(r"version [0-9]+: (?:position|version): ")
KEY = re.compile(r": signature by \S+: key \S+ at position ")


def broken(asked: Asked) -> Iterator[Finding]:
    """L1 to L5: the last verification found the log broken, cut back, forked or with a gap."""
    verified = asked.verified
    if verified is None or not _known(asked.moment, verified.position):
        return
    if verified.code is not None:
        yield _found(_rule(verified), verified.day, verified.code, verified.position)
    for key_id, start, stop in verified.doubts:
        yield _found("L5", verified.day, key_id, start, stop - start)


def in_other_hands(asked: Asked) -> Iterator[Finding]:
    """L5: an officer's key was in other hands: what it signed from then on is in doubt.

    Source: 电子签名法 第十三条. Of the ledger's own keys verification says what they are worth.
    """
    statement = select(steps).where(
        steps.c.step == COMPROMISED, steps.c.owner_id.is_not(None), asked.moment.covers(steps)
    )
    told = () if asked.verified is None else {key_id for key_id, *_ in asked.verified.doubts}
    for row in asked.connection.execute(statement):
        if row.key_id not in told and row.counts_from is not None:
            yield _found(
                "L5",
                row.happened_on,
                row.key_id,
                row.counts_from,
                max(1, row.position - row.counts_from),
            )


def _rule(verified: Verification) -> str:
    if GAP.search(verified.detail):
        return "L4"
    if KEY.search(verified.detail):
        return "L5"
    return OF_CODE.get(verified.code or "", "L1")


def _found(rule: str, since: str, detail: str, position: Any, count: int = 1) -> Finding:
    return Finding(rule, Severity.ERROR, None, since, count, detail=detail, position=position)


def _known(moment: Moment, position: int | None) -> bool:
    return position is None or position < moment.known_end
