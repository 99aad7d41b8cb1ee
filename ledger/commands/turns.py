"""Whose turn it is with a batch: the stage, the posts and the channel that each act asks for."""

from collections.abc import Collection, Mapping
from typing import NamedTuple
from uuid import UUID

from ledger.commands.batches import APPROVERS, CLOSERS, REVIEWERS
from ledger.commands.funds import CASHIERS
from ledger.domain.batch import Stage
from ledger.domain.officer import Role
from ledger.domain.policy import Channel


class Turn(NamedTuple):
    """When an act's turn comes, and whose it is; `apart`: nobody's who had another part in it."""

    stages: frozenset[Stage]
    posts: frozenset[Role]
    channel: Channel | None = None
    apart: bool = True


ANSWERABLE = frozenset({Stage.APPROVED, Stage.CLOSED})

TURNS: Mapping[str, Turn] = {
    "review": Turn(frozenset({Stage.DRAFTED}), REVIEWERS),
    "approve": Turn(frozenset({Stage.REVIEWED}), APPROVERS),
    # A payment may come back on any later day (退票), and be made again.
    "export": Turn(ANSWERABLE, CASHIERS, Channel.BANK_CARD),
    "cancel_file": Turn(ANSWERABLE, APPROVERS, Channel.BANK_CARD, apart=False),
    "return": Turn(ANSWERABLE, CASHIERS, Channel.BANK_CARD, apart=False),
    "close": Turn(frozenset({Stage.APPROVED}), CLOSERS, apart=False),
}


class Standing(NamedTuple):
    """Where a batch stands, how it pays, and who had a part in it: drafter, reviewer, approver."""

    stage: Stage
    channel: str
    officers: Collection[UUID]


def turns_of(officer_id: UUID, posts: Collection[str], batch: Standing) -> set[str]:
    """Return what an officer may do with a batch next, by the posts that count at its union.

    It is what is worth offering; the commands judge money and rows when it is done.
    """
    return {
        act
        for act, turn in TURNS.items()
        if batch.stage in turn.stages
        and turn.posts.intersection(posts)
        and turn.channel in (None, batch.channel)
        and not (turn.apart and officer_id in batch.officers)
    }
