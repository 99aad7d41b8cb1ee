"""What pages know of all organisations at a moment, found once for each length of the log.

It is of everybody, and each page shows what its reader may see of it.
"""

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property, partial
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from sqlalchemy import Connection, select

from api.callers import Reach
from ledger.commands.outside_lists import day_of
from ledger.domain.policy import Channel, Deadline, Policy
from ledger.store.application import Ledger
from projections.asked import NOW, Moment
from projections.batches import batches, campaign_list
from projections.findings.asked import Asked, Verification
from projections.findings.finding import Finding, Severity
from projections.findings.found import Found
from projections.findings.limits import AS_USUAL, Limits, Version, limits_on
from projections.findings.rules import Evaluated
from projections.followed_lots import (
    FollowedLot,
    Target,
    followed_lots,
    opened_on,
    surplus_targets,
)
from projections.journal import targets
from projections.open_payments import Open, OpenPayments, first_unanswered
from projections.organisations import Tree, tree_on
from projections.policies import adoptions_at
from projections.view import reading

KEPT_MAX = 16


@dataclass(frozen=True)
class Known:
    """One state of the ledger: what is open, what became of old money of `year`, and what is odd.

    `unanswered_since` is the first day of a card payment without an answer, by organisation;
    `card_payers` are those that ever paid by card.
    """

    day: date
    tree: Tree
    open: list[Open]
    year: int | None
    followed: list[FollowedLot]
    found: Found
    unanswered_since: dict[UUID, str]
    card_payers: frozenset[UUID]
    targets: dict[UUID, Target]
    opened_on: dict[UUID, str]
    limits: Limits = AS_USUAL

    @cached_property
    def by_owner(self) -> dict[UUID, list[FollowedLot]]:
        """The lots of old money by the organisation whose opening surplus they are of."""
        found: dict[UUID, list[FollowedLot]] = {}
        for each in self.followed:
            found.setdefault(each.owner_id, []).append(each)
        return found

    @property
    def findings(self) -> list[Finding]:
        """All findings: the gravest first, and of these the oldest."""
        return self.found.findings


def within(known: Known, reach: Reach, ids: list[UUID] | None = None) -> list[Finding]:
    """Return the findings that somebody sees; of the whole ledger only who sees all of it."""
    seen = _seen(known, reach, ids)
    return [each for each in known.findings if each.organisation_id in seen]


def counts(known: Known, reach: Reach, ids: list[UUID] | None = None) -> dict[str, int]:
    """Count the findings that somebody sees by severity, the gravest first."""
    counted: Counter[Severity] = Counter()
    of = known.found.counted
    for place in of.keys() & _seen(known, reach, ids):
        counted.update(of[place])
    return {each.value: counted[each] for each in Severity}


def _seen(known: Known, reach: Reach, ids: list[UUID] | None) -> frozenset[UUID | None]:
    """Return where somebody sees findings; None stands for the ledger as a whole."""
    if ids is not None:
        return frozenset(ids) & reach.ids
    return reach.ids | {None} if reach.ids >= known.tree.by_id.keys() else reach.ids


_Key = tuple[int, Moment, date, int | None, Verification | None]
"""Length of the log, moment, day, year and how the log was last verified."""


class Kept:
    """Keeps the last states of the ledger that were asked for, as long as it does not grow.

    `verified` says how the log was last verified.
    """

    def __init__(self, verified: Callable[[], Verification | None] = lambda: None) -> None:
        self._verified = verified
        self._lock = threading.Lock()
        self._open = OpenPayments()
        self._findings = Evaluated()
        self._known: OrderedDict[_Key, Known] = OrderedDict()

    def known(
        self,
        connection: Connection,
        ledger: Ledger,
        moment: Moment,
        today: date,
        year: int | None = None,
    ) -> Known:
        """Return what is known at a moment.

        Args:
            connection: Of the read model.
            ledger: The log, for what policies ask.
            moment: As of when; its day, where it has one, counts as today.
            today: The day it is.
            year: Whose opening surplus is followed; None for the last that any organisation opened.
        """
        end: int = connection.execute(select(reading.c.next_position)).scalar_one()
        day = moment.as_of or today
        if year is None:
            opened = connection.execute(select(targets.c.year).distinct()).scalars()
            year = max((each for each in opened if each <= day.year), default=None)
        verified = self._verified()
        key = (end, moment, today, year, verified)
        with self._lock:
            known = self._known.get(key)
            if known is None:
                known = self._find(connection, ledger, moment, day, year, verified)
                self._leave_out_before(end)
                self._known[key] = known
                while len(self._known) > KEPT_MAX:
                    self._known.popitem(last=False)
            self._known.move_to_end(key)
            return known

    def _leave_out_before(self, end: int) -> None:
        """Let go of what was known of a shorter log: it is large, and nobody asks for it again."""
        for key in [each for each in self._known if each[0] < end]:
            del self._known[key]

    def _find(
        self,
        connection: Connection,
        ledger: Ledger,
        moment: Moment,
        day: date,
        year: int | None,
        verified: Verification | None,
    ) -> Known:
        open_ = self._open.now(connection) if moment == NOW else self._open.at(connection, moment)
        tree = tree_on(connection, moment.as_of)
        ids = list(tree.by_id)
        followed = [] if year is None else followed_lots(connection, year, moment)
        limits = limits_on(_versions(connection, ledger, moment), day)
        asked = Asked(
            connection,
            day,
            open_,
            followed,
            year,
            _deadlines(connection, ledger),
            ids,
            moment,
            patience=limits.patience,
            verified=verified,
            day_of=partial(day_of, ledger),
        )
        payers = select(batches.c.organisation_id).where(
            batches.c.channel == Channel.BANK_CARD, moment.covers(batches)
        )
        return Known(
            day,
            tree,
            open_,
            year,
            followed,
            self._findings.found(asked),
            first_unanswered(open_, Channel.BANK_CARD),
            frozenset(UUID(bytes=raw) for raw in connection.execute(payers.distinct()).scalars()),
            {} if year is None else surplus_targets(connection, year),
            {} if year is None else opened_on(connection, year, moment),
            limits,
        )


def _versions(connection: Connection, ledger: Ledger, moment: Moment) -> Iterator[Version]:
    """Yield the adoptions of all policies that were known at a moment."""
    for id_, number, position in adoptions_at(connection, moment):
        policy = ledger.load(Policy, id_)
        if policy is not None:
            yield Version(policy.adoptions[number - 1], number, position)


def _deadlines(connection: Connection, ledger: Ledger) -> dict[UUID, tuple[Deadline, ...]]:
    """Return what each campaign's policy asks for by when, in its latest reading."""
    found = {}
    for campaign in campaign_list(connection):
        policy = ledger.load(Policy, campaign.policy_id)
        if policy is not None:
            found[campaign.campaign_id] = policy.adoptions[-1].deadlines
    return found


def kept(request: Request) -> Kept:
    found: Kept = request.app.state.kept
    return found


TheKept = Annotated[Kept, Depends(kept)]
