"""Witnesses: who cosigns published checkpoints, how many of them are enough, and who refused."""

from dataclasses import dataclass
from uuid import UUID

from ledger.domain.aggregate import Act, Event, Root
from ledger.domain.values import stable_id
from ledger.errors import Kind, LedgerError


class WitnessUnknown(LedgerError):
    """No witness of this name is appointed."""

    code = "witness.unknown"
    kind = Kind.ABSENT

    def __init__(self, name: str) -> None:
        super().__init__(f"no witness called {name} is appointed")


class WitnessTaken(LedgerError):
    """A witness of this name is appointed already; dismiss it first."""

    code = "witness.taken"
    kind = Kind.CONFLICT

    def __init__(self, name: str) -> None:
        super().__init__(f"a witness called {name} is appointed already")


class QuorumImpossible(LedgerError):
    """More cosignatures would be needed than there are witnesses."""

    code = "witness.quorum_impossible"
    kind = Kind.INVALID

    def __init__(self, needed: int, appointed: int) -> None:
        super().__init__(f"{needed} of {appointed} witnesses cannot cosign")


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness: its name, its verifier key, where it is reached (None: by files alone)."""

    name: str
    vkey: str
    url: str | None
    since: str


class Witnesses(Root):
    """One stream for the whole log."""

    TOPIC = "witness"

    class Appointed(Event, frozen=True):
        TOPIC = "witness.appointed"
        name: str
        vkey: str
        url: str | None

        def apply(self, aggregate: "Witnesses") -> None:
            if self.originator_version == 1:
                aggregate.appointed, aggregate.needed = {}, 0
            aggregate.appointed[self.name] = Witness(
                self.name, self.vkey, self.url, self.recorded_at
            )

    class Dismissed(Event, frozen=True):
        TOPIC = "witness.dismissed"
        name: str
        reason: str

        def apply(self, aggregate: "Witnesses") -> None:
            del aggregate.appointed[self.name]

    class QuorumSet(Event, frozen=True):
        """So many of the witnesses have to cosign before a checkpoint counts as witnessed."""

        TOPIC = "witness.quorum_set"
        needed: int

        def apply(self, aggregate: "Witnesses") -> None:
            aggregate.needed = self.needed

    class Refused(Event, frozen=True):
        """A finding: a witness would not cosign, or holds what this log does not know.

        `held_size` is the size that the witness says it cosigned last, where it says one.
        """

        TOPIC = "witness.refused"
        name: str
        size: int
        status: int
        held_size: int | None
        cause: str

    appointed: dict[str, Witness]
    needed: int

    @classmethod
    def begin_with(cls, act: Act, *, name: str, vkey: str, url: str | None) -> "Witnesses":
        return cls.begin(cls.Appointed, act, witnesses_id(), name=name, vkey=vkey, url=url)

    def appoint(self, act: Act, *, name: str, vkey: str, url: str | None) -> None:
        if name in self.appointed:
            raise WitnessTaken(name)
        self.trigger_event(self.Appointed, act, name=name, vkey=vkey, url=url)

    def dismiss(self, act: Act, *, name: str, reason: str) -> None:
        if name not in self.appointed:
            raise WitnessUnknown(name)
        if self.needed > len(self.appointed) - 1:
            raise QuorumImpossible(self.needed, len(self.appointed) - 1)
        self.trigger_event(self.Dismissed, act, name=name, reason=reason)

    def set_quorum(self, act: Act, *, needed: int) -> None:
        if not 0 <= needed <= len(self.appointed):
            raise QuorumImpossible(needed, len(self.appointed))
        self.trigger_event(self.QuorumSet, act, needed=needed)

    def record_refusal(
        self, act: Act, *, name: str, size: int, status: int, held_size: int | None, cause: str
    ) -> None:
        if name not in self.appointed:
            raise WitnessUnknown(name)
        self.trigger_event(
            self.Refused,
            act,
            name=name,
            size=size,
            status=status,
            held_size=held_size,
            cause=cause,
        )


def witnesses_id() -> UUID:
    """Return the id of the one stream of witnesses."""
    return stable_id("witnesses")
