"""What pages know of all organisations at a moment, found once for each length of the log.

It is of everybody, and each page shows what its reader may see of it.
"""

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property, partial
from itertools import chain
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from sqlalchemy import Connection, select

from api.callers import Reach
from ledger.commands.outside_lists import day_of
from ledger.domain.policy import Channel, Deadline, Policy
from ledger.store.application import Ledger
from projections.asked import NOW, Moment
from projections.batches import Campaign, batches, campaign_list, campaigns
from projections.findings.above import beyond
from projections.findings.adoptions import rereadings
from projections.findings.asked import Asked, Beyond, Reread, Verification
from projections.findings.finding import Finding, Severity
from projections.findings.found import Found
from projections.findings.limits import (
    AS_USUAL,
    EVER,
    Counting,
    Limits,
    Stood,
    Version,
    counting,
    covering,
    limits_on,
)
from projections.findings.rules import Evaluated, supposed
from projections.findings.supposing import RuleNotNamed, Supposition, instead_of
from projections.findings.versions import as_version
from projections.followed_lots import (
    FollowedLot,
    Target,
    followed_lots,
    opened_on,
    surplus_targets,
)
from projections.journal import targets
from projections.kept import Kept as KeptAnswers
from projections.open_payments import Open, OpenPayments, first_unanswered
from projections.organisations import Tree, organisations, parents, tree_on
from projections.policies import adoptions, adoptions_at, readings_of
from projections.view import reading

KEPT_MAX = 16
SUPPOSED_MAX = 8
NOTHING = Found()

_OF_POLICIES: KeptAnswers[tuple[tuple[Reread, ...], tuple[Beyond, ...]]] = KeptAnswers(
    adoptions, campaigns, organisations, parents
)
"""What adoptions loosened, and allow beyond those above: the more there are, the longer it takes
to find, and most writes change nothing of it."""


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
    counting: tuple[Counting, ...] = (EVER,)

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

    def limits_at(self, place: UUID | None, day: str) -> Limits:
        """Return the limits by which something at a place on a day is judged."""
        return covering(self.counting, place, day)

    def stood(self, rule: str, of: Iterable[Finding]) -> list[Stood]:
        """Return what a rule stood on in these findings of it, each once; else what it would."""
        ways = [self.limits_at(each.organisation_id, each.since).of(rule) for each in of]
        ways = ways or [self.limits.of(rule)]
        found: list[Stood] = []
        for each in chain.from_iterable(ways):
            if each not in found:
                found.append(each)
        return found


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
        self._supposed: OrderedDict[tuple[_Key, Supposition], Known] = OrderedDict()

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
        key = self._key(connection, moment, today, year)
        with self._lock:
            known = self._known.get(key)
            if known is None:
                known = self._find(connection, ledger, key)
                self._leave_out_before(key[0])
                self._known[key] = known
                while len(self._known) > KEPT_MAX:
                    self._known.popitem(last=False)
            self._known.move_to_end(key)
            return known

    def supposing(
        self,
        connection: Connection,
        ledger: Ledger,
        moment: Moment,
        today: date,
        supposing: Supposition,
    ) -> Known:
        """Return what would be known with an earlier version of a rule, or with other limits.

        Raises:
            RuleNotNamed, NoSuchRule, NoSuchVersion, PolicyNotNamed, NoSuchAdoption: As they say.
        """
        known = self.known(connection, ledger, moment, today)
        key = self._key(connection, moment, today, known.year)
        with self._lock:
            found = self._supposed.get((key, supposing))
        if found is None:
            # Asked seldom and for long: those who ask for what counts do not wait for it.
            found = _supposed(connection, ledger, known, key, supposing)
            with self._lock:
                self._supposed[key, supposing] = found
                while len(self._supposed) > SUPPOSED_MAX:
                    self._supposed.popitem(last=False)
        return found

    def _key(self, connection: Connection, moment: Moment, today: date, year: int | None) -> _Key:
        end: int = connection.execute(select(reading.c.next_position)).scalar_one()
        if year is None:
            day = moment.as_of or today
            known = select(targets.c.year).where(targets.c.position < moment.known_end)
            opened = connection.execute(known.distinct()).scalars()
            year = max((each for each in opened if each <= day.year), default=None)
        return end, moment, today, year, self._verified()

    def _leave_out_before(self, end: int) -> None:
        """Let go of what was known of a shorter log: it is large, and nobody asks for it again."""
        for key in [each for each in self._known if each[0] < end]:
            del self._known[key]
        for key, supposing in [each for each in self._supposed if each[0][0] < end]:
            del self._supposed[key, supposing]

    def _find(self, connection: Connection, ledger: Ledger, key: _Key) -> Known:
        _, moment, today, year, _ = key
        day = moment.as_of or today
        open_ = self._open.now(connection) if moment == NOW else self._open.at(connection, moment)
        tree = tree_on(connection, moment.as_of, moment.at)
        followed = [] if year is None else followed_lots(connection, year, moment)
        versions = list(versions_of(connection, ledger, moment))
        payers = select(batches.c.organisation_id).where(
            batches.c.channel == Channel.BANK_CARD, moment.covers(batches)
        )
        known = Known(
            day,
            tree,
            open_,
            year,
            followed,
            NOTHING,
            first_unanswered(open_, Channel.BANK_CARD),
            frozenset(UUID(bytes=raw) for raw in connection.execute(payers.distinct()).scalars()),
            {} if year is None else surplus_targets(connection, year, moment),
            {} if year is None else opened_on(connection, year, moment),
            limits_on(_of_the_top(versions, tree), day),
            counting(versions, tree, day),
        )
        return replace(known, found=self._findings.found(_asked(connection, ledger, known, key)))


def _asked(connection: Connection, ledger: Ledger, known: Known, key: _Key) -> Asked:
    """Return what rules are asked about, of what is known without them."""
    _, moment, _, _, verified = key
    opened = [each for each in campaign_list(connection) if each.position < moment.known_end]

    def told_of_policies() -> tuple[tuple[Reread, ...], tuple[Beyond, ...]]:
        versions = list(versions_of(connection, ledger, moment))
        return rereadings(versions, known.tree), beyond(versions, known.tree, opened)

    reread, allowed = _OF_POLICIES.answer(connection, moment.as_of, told_of_policies, at=moment.at)
    return Asked(
        connection,
        known.day,
        known.open,
        known.followed,
        known.year,
        {
            each.campaign_id: deadlines_of(connection, ledger, each, moment, known.day)
            for each in opened
        },
        list(known.tree.by_id),
        moment,
        patience=known.limits.patience,
        verified=verified,
        day_of=partial(day_of, ledger),
        spans=tuple(each.span for each in known.counting),
        reach={
            each.campaign_id: frozenset(known.tree.subtree(each.organisation_id))
            for each in opened
            if each.organisation_id is not None
        },
        rereadings=reread,
        beyond=allowed,
    )


def _supposed(
    connection: Connection, ledger: Ledger, known: Known, key: _Key, supposing: Supposition
) -> Known:
    versions = list(versions_of(connection, ledger, key[1]))
    instead = instead_of(versions, supposing)
    top = _of_the_top(versions, known.tree)
    limits = limits_on(top, known.day, instead if instead in top else None)
    counted = counting(versions, known.tree, known.day, instead)
    other = replace(known, limits=limits, counting=counted)
    asked = _asked(connection, ledger, other, key)
    found = supposed(asked, known.found, _asked(connection, ledger, known, key))
    if supposing.version is not None:
        if supposing.rule is None:
            raise RuleNotNamed(supposing.version)
        found = as_version(asked, found, supposing.rule, supposing.version)
    return replace(other, found=found)


def versions_of(connection: Connection, ledger: Ledger, moment: Moment) -> Iterator[Version]:
    """Yield the adoptions of all policies that were known at a moment."""
    for id_, number, position in adoptions_at(connection, moment):
        policy = ledger.load(Policy, id_)
        if policy is not None:
            yield Version(policy.adoptions[number - 1], number, position)


def _of_the_top(versions: Iterable[Version], tree: Tree) -> list[Version]:
    tops = {None, *(each.organisation_id for each in tree.roots())}
    return [each for each in versions if each.adopted.organisation_id in tops]


def deadlines_of(
    model: Connection, ledger: Ledger, campaign: Campaign, moment: Moment, day: date
) -> Sequence[Deadline]:
    """Return what a campaign's policy asks for, by the readings that were known and in force.

    A reading counts from the day of its adoption at the earliest: what was due before stays due as
    it was, and no later reading takes it back.
    """
    policy = ledger.load(Policy, campaign.policy_id)
    if policy is None:
        return ()
    places = readings_of(model, campaign.policy_id)
    asked: dict[str, Deadline] = {}
    for adopted, position in zip(policy.adoptions, places, strict=False):
        since = max(adopted.effective_from, adopted.happened_on)
        if position < moment.known_end and since <= day:
            passed = {each.name: each for each in asked.values() if each.due_on < since}
            asked = {each.name: each for each in adopted.deadlines} | passed
    return tuple(asked.values())


def kept(request: Request) -> Kept:
    found: Kept = request.app.state.kept
    return found


TheKept = Annotated[Kept, Depends(kept)]
