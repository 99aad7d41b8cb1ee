"""What a rule says of one payment: what came of it, from which facts, and who stood in for it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID


class Outcome(StrEnum):
    """What came of a rule.

    `unrecorded`: it was passed, and nothing on record says why it could be. `not_asked`: the policy
    does not ask it of such a payment. `open`: it cannot be said yet. `no_data`: no list is held
    that would say it.
    """

    HELD = "held"
    BROKEN = "broken"
    OPEN = "open"
    UNRECORDED = "unrecorded"
    NOT_ASKED = "not_asked"
    NO_DATA = "no_data"


class Scope(StrEnum):
    """What was looked at: the payment, its list, or all that its union did."""

    PAYMENT = "payment"
    BATCH = "batch"
    ORGANISATION = "organisation"


class Fact(NamedTuple):
    """Something that a rule looked at. The end of its name says in what it is measured."""

    name: str
    value: str | int | None


@dataclass(frozen=True, slots=True)
class Ground:
    """On what ground somebody let it pass, or that they were stopped; `code` says by what."""

    what: str
    officer_id: UUID | None
    happened_on: str
    position: int
    reason: str | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """A rule and what it says; `position` is of the event that settled it, if one did."""

    rule: str
    outcome: Outcome
    facts: tuple[Fact, ...] = ()
    grounds: tuple[Ground, ...] = ()
    position: int | None = None
    scope: Scope = Scope.PAYMENT
