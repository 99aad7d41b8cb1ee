"""Control totals: what read models make of a log, in a few figures that two of them must share."""

from hashlib import sha256

from sqlalchemy import Connection

from ledger.evidence.canonical import canonical_json
from projections.asked import Moment
from projections.balances import balances, trial_balance


def control_totals(connection: Connection, size: int) -> dict[str, int | str]:
    """Return what stands in each account of the trial balance, and a hash over every balance.

    Args:
        connection: Of a read model that has read so far, or further.
        size: How many entries are to count.
    """
    moment = Moment(at=size - 1)
    found = balances(connection, moment)
    rows = [
        [
            str(each.fund_id),
            each.vintage,
            each.in_hand_fen,
            each.in_transit_fen,
            each.paid_fen,
        ]
        for each in found
    ]
    sums = trial_balance(connection, moment)
    return {
        **{f"{account}_fen": amount for account, amount in sums.items()},
        "balances": len(rows),
        "balances_sha256": sha256(canonical_json(rows)).hexdigest(),
    }
