"""Drawing samples: planned by who inspects, seeded by what nobody knew then, drawn for good."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

from ledger.commands.duties import acting_officer, require_post
from ledger.domain.officer import OBSERVERS
from ledger.domain.organisation import Organisation, organisation_id
from ledger.domain.publication import publication_id
from ledger.domain.sample import Condition, Method, NotPublishedYet, Sample, Stratum
from ledger.domain.values import Money
from ledger.evidence.canonical import base64_text
from ledger.evidence.checkpoint import Checkpoint
from ledger.evidence.note import split_note
from ledger.evidence.sampling import FORMAT, Unit, draw, seed_of, universe_sha256
from ledger.store.act import CommandAct
from ledger.store.application import Answer, Ledger, Work


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be drawn, how, and from which payments: of an organisation and all below it."""

    title: str
    organisation_code: str
    conditions: tuple[Condition, ...]
    method: Method
    size: int
    stratum: Stratum | None = None


@dataclass(frozen=True, slots=True)
class Universe:
    """The payments that met a plan's conditions, as known at a position of the log."""

    known_to: int
    units: Sequence[Unit]

    @property
    def total_fen(self) -> Money:
        return Money(sum(unit.amount_fen for unit in self.units))


def plan_sample(ledger: Ledger, act: CommandAct, order: Plan, universe: Universe) -> Answer:
    """Fix a sample before its seed exists.

    Raises:
        NotOnRecord: No such organisation.
        OfficerRequired, RoleMissing: Who watches there does, and nobody else.
        LedgerError: What `Sample.plan` refuses.
    """
    sha256 = universe_sha256(universe.units)
    strata = len({unit.stratum for unit in universe.units})

    def decide(work: Work) -> None:
        organisation = work.get(Organisation, organisation_id(order.organisation_code))
        acting_officer(act)
        require_post(work, act, OBSERVERS, organisation.id)
        sample = Sample.plan(
            act,
            uuid4(),
            organisation_id=organisation.id,
            title=order.title,
            algorithm=FORMAT,
            method=order.method,
            size=order.size,
            stratum=order.stratum,
            conditions=order.conditions,
            known_to=universe.known_to,
            universe_count=len(universe.units),
            universe_fen=universe.total_fen,
            universe_sha256=sha256,
            strata=strata,
        )
        work.save(sample)
        work.result["sample_id"] = str(sample.id)

    # The log grows with the plan itself: a repetition asks for the same, not as known at the same.
    return ledger.perform(act, "sample.plan", order, decide)


def draw_sample(ledger: Ledger, act: CommandAct, sample_id: UUID, units: Sequence[Unit]) -> Answer:
    """Draw a sample from the payments that its plan fixed.

    Raises:
        NotOnRecord: No such sample.
        OfficerRequired, RoleMissing: Who watches there does, and nobody else.
        DrawnAlready, NotPublishedYet, UniverseDiffers: As they say.
    """
    sha256 = universe_sha256(units)

    def decide(work: Work) -> None:
        sample = work.get(Sample, sample_id)
        acting_officer(act)
        require_post(work, act, OBSERVERS, sample.organisation_id)
        sample.require_undrawn()
        checkpoint = seeding_checkpoint(ledger, sample_id)
        if checkpoint is None:
            raise NotPublishedYet(sample_id)
        sample.require_universe(sha256)
        drawn = drawn_by(sample, checkpoint, units)
        amounts = {unit.position: unit.amount_fen for unit in units}
        sample.draw(
            act,
            checkpoint_size=checkpoint.size,
            root=base64_text(checkpoint.root),
            universe_count=len(units),
            universe_sha256=sha256,
            drawn_fen=Money(sum(amounts[position] for position in drawn)),
            drawn=drawn,
        )
        work.save(sample)
        work.result["drawn"] = len(drawn)

    return ledger.perform(act, "sample.draw", sample_id, decide)


def drawn_by(sample: Sample, checkpoint: Checkpoint, units: Sequence[Unit]) -> tuple[int, ...]:
    """Return what a checkpoint draws of a sample's universe."""
    return tuple(draw(sample.method, sample.size, units, seed_of(str(sample.id), checkpoint.root)))


def seeding_checkpoint(ledger: Ledger, sample_id: UUID) -> Checkpoint | None:
    """Return the first checkpoint that was published after a sample was planned, if there is one.

    Which one it is does not depend on when anybody asks, so nobody waits for a better one.
    """
    steps = ledger.log.select_stream_positions(sample_id)
    if not steps:
        return None
    planned_at = steps[0][1]
    announced = ledger.log.select_stream_positions(publication_id())
    after = next((position for _, position in announced if position > planned_at), None)
    found = None if after is None else ledger.log.select_checkpoint(after + 1)
    if found is None or after is None or found[0] != after + 1:
        return None
    return Checkpoint.from_body(split_note(found[1])[0])
