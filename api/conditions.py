"""The conditions that payments and other movements of money are asked by, on pages and over /v1."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection

from api.callers import Reach
from api.within import organisation_within
from ledger.domain.batch import batch_id
from ledger.domain.campaign import campaign_id
from ledger.domain.officer import officer_id
from ledger.errors import Kind as Refusal
from ledger.errors import LedgerError
from ledger.store.application import NotOnRecord
from projections.disbursements import Question
from projections.movements import Kind
from projections.organisations import Tree, is_on_register
from projections.turnover import Asked, Ever


class Backwards(LedgerError):
    """A range whose end lies before its beginning holds nothing, and was meant otherwise."""

    code = "request.range_backwards"
    kind = Refusal.INVALID

    def __init__(self, first: object, last: object) -> None:
        super().__init__(f"the range from {first} to {last} ends before it begins")


@dataclass(frozen=True, slots=True)
class Conditions:
    """What is asked, in the codes that people use. An organisation stands for all below it, too.

    `alone` leaves out what is below. `officer` is the staff number of one who recorded it, or who
    drafted, reviewed or approved the payment. `ever` says what once happened to a payment.
    """

    kinds: frozenset[Kind] = frozenset({Kind.PAYMENT})
    organisation: str | None = None
    alone: bool = False
    campaign: str | None = None
    batch: str | None = None
    channel: str | None = None
    category: str | None = None
    status: str | None = None
    since: date | None = None
    until: date | None = None
    least_fen: int | None = None
    most_fen: int | None = None
    source: str | None = None
    document: str | None = None
    vintage: int | None = None
    earmark: str | None = None
    officer: str | None = None
    reason: str | None = None
    ever: Ever | None = None


def asked_of(model: Connection, conditions: Conditions, tree: Tree, reach: Reach) -> Asked:
    """Return the question, within what the officer may see.

    Raises:
        Backwards: Days or amounts end before they begin.
        NotOnRecord: No such organisation or officer.
        OutsideReach: The organisation is not within reach.
    """
    of = conditions
    if of.since is not None and of.until is not None and of.since > of.until:
        raise Backwards(of.since, of.until)
    if of.least_fen is not None and of.most_fen is not None and of.least_fen > of.most_fen:
        raise Backwards(of.least_fen, of.most_fen)
    ids = sorted(reach.ids)
    if of.organisation is not None:
        named = organisation_within(tree, reach, of.organisation)
        alone = [named.organisation_id]
        below = tree.subtree(named.organisation_id)
        # As of a day others may have stood below, whom somebody else answers for today.
        ids = alone if of.alone else [each for each in below if each in reach.ids]
    plain = Question(
        organisation_ids=tree.unless_all(ids),
        campaign_id=None if of.campaign is None else campaign_id(of.campaign),
        batch_id=None if of.batch is None else batch_id(of.batch),
        channel=of.channel,
        category=of.category,
        status=of.status,
        since=of.since,
        until=of.until,
        least_fen=of.least_fen,
        most_fen=of.most_fen,
    )
    acting = None if of.officer is None else officer_id(of.officer)
    if acting is not None and not is_on_register(model, acting):
        raise NotOnRecord("officer", acting)
    return Asked(
        plain,
        of.kinds,
        source=of.source,
        document=of.document,
        vintage=of.vintage,
        earmark=of.earmark,
        officer_id=acting,
        reason=of.reason,
        ever=of.ever,
    )
