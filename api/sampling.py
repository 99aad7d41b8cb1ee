"""The payments that a sample is drawn from: a question of the ledger, held to a position."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select

from api.callers import Reach
from api.conditions import Conditions, asked_of
from ledger.commands.samples import Universe, drawn_by, seeding_checkpoint
from ledger.domain.sample import Condition, Sample, Stratum
from ledger.evidence.canonical import base64_text
from ledger.evidence.sampling import Unit, universe_sha256
from ledger.store.application import Ledger, NotOnRecord
from projections.asked import Moment
from projections.disbursements import Disbursement, Question, every_disbursement
from projections.organisations import Tree, tree_known_at
from projections.payment_states import disbursements
from projections.samples import SampleView, sample_list
from projections.turnover import Ever, every_payment
from projections.view import read_up_to

READ: Mapping[str, Callable[[str], Any]] = {
    "alone": lambda _: True,
    "since": date.fromisoformat,
    "until": date.fromisoformat,
    "least_fen": int,
    "most_fen": int,
    "vintage": int,
    "ever": Ever,
}
"""How the values of conditions are read that are no text."""


def written_conditions(of: Conditions) -> tuple[Condition, ...]:
    """Return conditions as the log keeps them: by the names that `/v1/disbursements` takes."""
    given = ((field.name, getattr(of, field.name)) for field in fields(of) if field.name != "kinds")
    return tuple(
        Condition(name, "true" if value is True else str(value))
        for name, value in sorted(given)
        if value is not None and value is not False
    )


def read_conditions(written: Iterable[Condition]) -> Conditions:
    """Return conditions as they are asked."""
    return Conditions(**{each.name: READ.get(each.name, str)(each.value) for each in written})


def sample_within(model: Connection, reach: Reach, sample_id: UUID) -> SampleView:
    """Return a sample.

    Raises:
        NotOnRecord: There is none.
        OutsideReach: Its organisation is not within reach.
    """
    found = sample_list(model, sample_id=sample_id)
    if not found:
        raise NotOnRecord("sample", sample_id)
    reach.require(found[0].organisation_id)
    return found[0]


def universe_of(
    model: Connection, written: Iterable[Condition], known_to: int, stratum: str | None
) -> Universe:
    """Return the payments that meet conditions, as known at a position.

    They are the same for everybody, and whenever they are asked for: unions count below those
    under which they stood then, too. Whoever asks sees that the organisation is within reach.

    Raises:
        Backwards, NotOnRecord: What the conditions are refused for.
    """
    tree = tree_known_at(model, known_to)
    everybody = Reach(frozenset(tree.by_id), date.min)
    asked = asked_of(model, read_conditions(written), tree, everybody)
    name = _naming(tree, stratum)
    found = every_payment(model, asked, Moment(at=known_to))
    return Universe(known_to, [Unit(each.position, each.amount_fen, name(each)) for each in found])


def universe_now(model: Connection, written: Iterable[Condition], stratum: str | None) -> Universe:
    """Return the payments that meet conditions, as known at the last position that the model read.

    The log may be longer by then: a plan by its length would be of payments nobody looked at, and
    could never be drawn.

    Raises:
        Backwards, NotOnRecord: What the conditions are refused for.
    """
    return universe_of(model, written, read_up_to(model), stratum)


def payments_at(model: Connection, positions: Iterable[int]) -> list[Disbursement]:
    """Return the payments that were instructed at positions, as they stand now."""
    drawn = select(disbursements.c.disbursement_id).where(
        disbursements.c.position.in_(list(positions))
    )
    return list(every_disbursement(model, Question(few=(drawn,))))


@dataclass(frozen=True, slots=True)
class Verified:
    """What drawing a sample again came to. `None`: there is nothing yet to compare."""

    universe: bool
    checkpoint: bool | None
    drawn: bool | None

    @property
    def holds(self) -> bool:
        return self.universe and self.checkpoint is not False and self.drawn is not False


def verified(model: Connection, ledger: Ledger, view: SampleView) -> Verified:
    """Draw a sample again from the log as it is, and compare."""
    found = universe_of(model, view.conditions, view.known_to, view.stratum)
    universe = universe_sha256(found.units) == view.universe_sha256
    checkpoint = seeding_checkpoint(ledger, view.sample_id)
    sample = ledger.load(Sample, view.sample_id)
    if view.draw is None or sample is None:
        return Verified(universe, None, None)
    if checkpoint is None:
        return Verified(universe, checkpoint=False, drawn=False)
    same = (checkpoint.size, base64_text(checkpoint.root)) == (
        view.draw.checkpoint_size,
        view.draw.root,
    )
    drawn = drawn_by(sample, checkpoint, found.units) == view.draw.drawn
    return Verified(universe, same, drawn)


def _naming(tree: Tree, stratum: str | None) -> Callable[[Disbursement], str]:
    def code(organisation_id: UUID) -> str:
        found = tree.by_id.get(organisation_id)
        return str(organisation_id) if found is None else found.code

    by: Mapping[str | None, Callable[[Disbursement], str]] = {
        None: lambda _: "",
        Stratum.ORGANISATION.value: lambda each: code(each.organisation_id),
        Stratum.CATEGORY.value: lambda each: each.category,
        Stratum.CHANNEL.value: lambda each: each.channel,
        Stratum.BATCH.value: lambda each: each.batch_code,
    }
    return by[stratum]
