"""A campaign in figures, read from the projections as of a day."""

from datetime import date
from typing import Any

from sqlalchemy import Connection

from ledger.domain.campaign import campaign_id
from ledger.domain.policy import Channel
from projections.asked import Moment
from projections.balances import balances, trial_balance
from projections.batches import refused_batches, refused_rows
from projections.disbursements import totals
from projections.journal import Account
from projections.organisations import Tree, tree_on
from projections.surplus import surplus


def campaign_report(
    connection: Connection, campaign_code: str, fiscal_year: int, as_of: date
) -> dict[str, Any]:
    """Return the figures of a campaign as one object, amounts in fen.

    Keys: `as_of`, `received_fen` (from outside), `settled_fen` (reached people), `returned_fen`,
    `unsigned_fen`, `balances_fen_by_organisation_and_vintage`, `surplus_<year>` by organisation
    over its subtree (the ratio, in basis points rounded down, for those that nobody stands
    above), `refused_rows`, `refused_batches`, `returned_by_reason`, `people_paid`.
    """
    moment = Moment(as_of=as_of)
    tree = tree_on(connection, as_of)
    campaign = campaign_id(campaign_code)
    sums = totals(connection, campaign, Channel.SIGNATURE_SHEET, moment)
    received = -trial_balance(connection, moment)[Account.SOURCE]
    return {
        "as_of": as_of.isoformat(),
        "received_fen": received,
        "settled_fen": sums.paid_fen,
        "returned_fen": sums.returned_fen,
        "unsigned_fen": sums.unsigned_fen,
        "balances_fen_by_organisation_and_vintage": _balances(connection, tree, moment),
        f"surplus_{fiscal_year}": {
            code: _surplus(connection, tree, code, fiscal_year, moment) for code in tree.by_code
        },
        "refused_rows": [
            {"batch": batch, "number": number, "code": code}
            for batch, number, code in refused_rows(connection, campaign, moment)
        ],
        "refused_batches": [
            {"batch": batch, "code": code}
            for batch, code in refused_batches(connection, campaign, moment)
        ],
        "returned_by_reason": sums.returned_by_reason,
        "people_paid": sums.people_paid,
    }


def _balances(connection: Connection, tree: Tree, moment: Moment) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for balance in balances(connection, moment):
        code = tree.by_id[balance.organisation_id].code
        vintages = found.setdefault(code, {})
        vintage = str(balance.vintage)
        vintages[vintage] = vintages.get(vintage, 0) + balance.in_hand_fen
    return {code: dict(sorted(found[code].items())) for code in sorted(found)}


def _surplus(
    connection: Connection, tree: Tree, code: str, year: int, moment: Moment
) -> dict[str, int | None]:
    organisation = tree.by_code[code]
    subtree = tree.subtree(organisation.organisation_id)
    found = surplus(connection, subtree, year, moment)
    figures: dict[str, int | None] = {
        "subtree_opening_fen": found.opening_fen,
        "subtree_paid_from_earlier_vintages_fen": found.paid_fen,
        "subtree_in_hand_fen": found.in_hand_fen,
        "subtree_in_transit_fen": found.in_transit_fen,
    }
    if organisation.parent_id is None:
        figures["ratio_basis_points_floor"] = found.ratio_basis_points
    return figures
