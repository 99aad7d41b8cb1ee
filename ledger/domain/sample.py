"""Samples of payments: planned before their seed exists, drawn by it, the same for everybody."""

from enum import StrEnum
from uuid import UUID

import msgspec

from ledger.domain.aggregate import Act, Event, Root
from ledger.domain.values import Money
from ledger.errors import Kind, LedgerError

SIZE_MAX = 3_000
"""Of a sample: what was drawn stands in one entry of the log, position by position."""


class Method(StrEnum):
    """How payments are drawn: each alike, each stratum by its share, or yuan by yuan."""

    SIMPLE = "simple"
    STRATIFIED = "stratified"
    MONETARY_UNIT = "monetary_unit"


class Stratum(StrEnum):
    """What payments are told apart by."""

    ORGANISATION = "organisation"
    CATEGORY = "category"
    CHANNEL = "channel"
    BATCH = "batch"


class Condition(msgspec.Struct, frozen=True):
    """One condition of a question, by the name and value that `/v1/disbursements` takes."""

    name: str
    value: str


class UniverseEmpty(LedgerError):
    """Nothing can be drawn from no payments."""

    code = "sample.universe_empty"
    kind = Kind.INVALID

    def __init__(self) -> None:
        super().__init__("no payment meets these conditions")


class SizeImpossible(LedgerError):
    """A sample has one payment at least, and no more than there are or than an entry holds."""

    code = "sample.size_impossible"
    kind = Kind.INVALID

    def __init__(self, size: int, count: int) -> None:
        super().__init__(
            f"{size} of {count} payments cannot be drawn; 1 to {min(count, SIZE_MAX)} can"
        )


class TooFewForStrata(LedgerError):
    """Each stratum has one payment drawn at least."""

    code = "sample.too_few_for_strata"
    kind = Kind.INVALID

    def __init__(self, size: int, strata: int) -> None:
        super().__init__(f"there are {strata} strata, and {size} payments to draw")


class StrataUnclear(LedgerError):
    """A stratified sample says what it is stratified by; the others are not."""

    code = "sample.strata_unclear"
    kind = Kind.INVALID

    def __init__(self, method: str) -> None:
        super().__init__(f"method {method} and strata do not go together")


class DrawnAlready(LedgerError):
    """A sample is drawn once: drawn again it would be the same."""

    code = "sample.drawn_already"
    kind = Kind.CONFLICT

    def __init__(self, sample_id: UUID) -> None:
        super().__init__(f"sample {sample_id} was drawn already")


class NotPublishedYet(LedgerError):
    """The seed of a sample is a checkpoint that is published after its plan."""

    code = "sample.not_published_yet"
    kind = Kind.CONFLICT

    def __init__(self, sample_id: UUID) -> None:
        super().__init__(f"no checkpoint was published since sample {sample_id} was planned")


class UniverseDiffers(LedgerError):
    """A sample is drawn from the very payments that its plan fixed."""

    code = "sample.universe_differs"
    kind = Kind.BROKEN

    def __init__(self, expected: str, got: str) -> None:
        super().__init__(f"the plan fixed payments of hash {expected}, these have {got}")


class Sample(Root):
    TOPIC = "sample"

    class Planned(Event, frozen=True):
        """Who is to be looked at is open: all that decides it is fixed, but for the seed.

        The seed comes from the first checkpoint that is published after this entry. `conditions`
        are asked as known at position `known_to`; `universe_sha256` holds what met them then.
        """

        TOPIC = "sample.planned"
        organisation_id: UUID
        title: str
        algorithm: str
        method: str
        size: int
        stratum: str | None
        conditions: tuple[Condition, ...]
        known_to: int
        universe_count: int
        universe_fen: Money
        universe_sha256: str

        def apply(self, aggregate: "Sample") -> None:
            aggregate.organisation_id = self.organisation_id
            aggregate.method = self.method
            aggregate.size = self.size
            aggregate.stratum = self.stratum
            aggregate.conditions = self.conditions
            aggregate.known_to = self.known_to
            aggregate.universe_sha256 = self.universe_sha256
            aggregate.drawn = None

    class Drawn(Event, frozen=True):
        """These payments were drawn, each named by the position of its instruction.

        `root` is of the checkpoint over the first `checkpoint_size` entries.
        """

        TOPIC = "sample.drawn"
        organisation_id: UUID
        checkpoint_size: int
        root: str
        universe_count: int
        universe_sha256: str
        drawn_fen: Money
        drawn: tuple[int, ...]

        def apply(self, aggregate: "Sample") -> None:
            aggregate.drawn = self.drawn

    organisation_id: UUID
    method: str
    size: int
    stratum: str | None
    conditions: tuple[Condition, ...]
    known_to: int
    universe_sha256: str
    drawn: tuple[int, ...] | None

    @classmethod
    def plan(
        cls,
        act: Act,
        sample_id: UUID,
        *,
        organisation_id: UUID,
        title: str,
        algorithm: str,
        method: Method,
        size: int,
        stratum: Stratum | None,
        conditions: tuple[Condition, ...],
        known_to: int,
        universe_count: int,
        universe_fen: Money,
        universe_sha256: str,
        strata: int,
    ) -> "Sample":
        """Fix all of a sample but its seed; `strata` is how many there are.

        Raises:
            StrataUnclear, UniverseEmpty, SizeImpossible, TooFewForStrata: As they say.
        """
        if (stratum is not None) is not (method is Method.STRATIFIED):
            raise StrataUnclear(method)
        if universe_count == 0:
            raise UniverseEmpty
        if not 1 <= size <= min(universe_count, SIZE_MAX):
            raise SizeImpossible(size, universe_count)
        if stratum is not None and size < strata:
            raise TooFewForStrata(size, strata)
        return cls.begin(
            cls.Planned,
            act,
            sample_id,
            organisation_id=organisation_id,
            title=title,
            algorithm=algorithm,
            method=method.value,
            size=size,
            stratum=None if stratum is None else stratum.value,
            conditions=conditions,
            known_to=known_to,
            universe_count=universe_count,
            universe_fen=universe_fen,
            universe_sha256=universe_sha256,
        )

    def require_undrawn(self) -> None:
        """Check that it is still to be drawn.

        Raises:
            DrawnAlready: It was.
        """
        if self.drawn is not None:
            raise DrawnAlready(self.id)

    def require_universe(self, sha256: str) -> None:
        """Check that payments are those that the plan fixed.

        Raises:
            UniverseDiffers: They are not.
        """
        if sha256 != self.universe_sha256:
            raise UniverseDiffers(self.universe_sha256, sha256)

    def draw(
        self,
        act: Act,
        *,
        checkpoint_size: int,
        root: str,
        universe_count: int,
        universe_sha256: str,
        drawn_fen: Money,
        drawn: tuple[int, ...],
    ) -> None:
        self.require_undrawn()
        self.require_universe(universe_sha256)
        self.trigger_event(
            self.Drawn,
            act,
            organisation_id=self.organisation_id,
            checkpoint_size=checkpoint_size,
            root=root,
            universe_count=universe_count,
            universe_sha256=universe_sha256,
            drawn_fen=drawn_fen,
            drawn=drawn,
        )
