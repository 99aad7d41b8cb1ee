"""Publications: checkpoints that are carried out, and what they prove about completeness."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from ledger.domain.publication import Publication, publication_id
from ledger.errors import Kind, LedgerError
from ledger.evidence.canonical import base64_text
from ledger.evidence.merkle import inclusion_path, leaf_hash
from ledger.evidence.proofs import Receipt
from ledger.evidence.verifiable_map import FORMAT, MapProof, subject_key
from ledger.store.act import CommandAct
from ledger.store.application import Ledger, NoSuchPosition, Work
from ledger.store.feed import Recorded
from ledger.store.map_store import MapStore, Progress
from ledger.store.mapper import event_of


class NeverPublished(LedgerError):
    """Nothing of this ledger was published yet, or not a checkpoint of that size."""

    code = "publication.none"
    kind = Kind.ABSENT

    def __init__(self, size: int | None = None) -> None:
        what = "no checkpoint" if size is None else f"no checkpoint of {size} entries"
        super().__init__(f"{what} was published; `nuanzhang anchor` publishes one")


@dataclass(frozen=True, slots=True)
class Published:
    """A published checkpoint.

    `size` entries stand under `note`; the last of them announces the map over the others.
    """

    size: int
    note: str
    announced: Recorded

    @property
    def position(self) -> int:
        """Where the announcement stands; the map covers all entries before it."""
        return self.size - 1

    @property
    def map_root(self) -> str:
        """The root of the map, base64."""
        return _announcement(self.announced).map_root


def announce(
    ledger: Ledger, maps: MapStore, act: CommandAct, progress: Progress | None = None
) -> Published:
    """Publish the log as it is now; when nothing came since the last time, that one counts on.

    Args:
        ledger: The log.
        maps: Its map, which is brought up to date.
        act: Who and when.
        progress: Told how many events the map has taken in.
    """
    last = latest(ledger)
    if last is not None and last.size == ledger.size():
        return last
    # Most of the way before anybody else has to wait.
    maps.advance(ledger.log, ledger.size(), progress)
    size = 0

    def decide(work: Work) -> None:
        nonlocal size
        size = ledger.size()
        root = base64_text(maps.advance(ledger.log, size))
        publication = work.find(Publication, publication_id())
        if publication is None:
            publication = Publication.first(act, map_format=FORMAT, map_root=root)
        else:
            publication.announce(act, map_format=FORMAT, map_root=root)
        work.save(publication)

    # A crash before this is stored leaves a map of a size that nobody asks for.
    ledger.perform(act, "publication.announce", None, decide)
    return published_at(ledger, size + 1)


def latest(ledger: Ledger) -> Published | None:
    """Return the last published checkpoint, or None."""
    positions = ledger.log.select_stream_positions(publication_id())
    sizes = (position + 1 for _, position in reversed(positions))
    return next(_that_stand(ledger, sizes), None)


def require_latest(ledger: Ledger) -> Published:
    """Return the last published checkpoint.

    Raises:
        NeverPublished: There is none.
    """
    last = latest(ledger)
    if last is None:
        raise NeverPublished
    return last


def published_at(ledger: Ledger, size: int) -> Published:
    """Return the published checkpoint of this size.

    Raises:
        NeverPublished: There is none.
    """
    rows = ledger.log.select_states(size - 1, 1)
    found = ledger.log.select_checkpoint(size)
    if not rows or rows[0][0] != size - 1 or rows[0][1] != Publication.Announced.TOPIC:
        raise NeverPublished(size)
    if found is None or found[0] != size:
        raise NeverPublished(size)
    position, topic, state = rows[0]
    return Published(size, found[1], Recorded(position, event_of(topic, state)))


def all_published(ledger: Ledger) -> Iterator[Published]:
    """Yield every published checkpoint, oldest first."""
    positions = ledger.log.select_stream_positions(publication_id())
    yield from _that_stand(ledger, (position + 1 for _, position in positions))


def _that_stand(ledger: Ledger, sizes: Iterable[int]) -> Iterator[Published]:
    """Yield those that a checkpoint of their own stands for.

    Earlier versions could store others' events together with an announcement: nothing was published
    by it then.
    """
    for size in sizes:
        with suppress(NeverPublished):
            yield published_at(ledger, size)


def receipt_under(ledger: Ledger, position: int, published: Published) -> Receipt:
    """Return the proof that an event is in the log as it was published.

    Raises:
        NoSuchPosition: The event came after it.
    """
    rows = ledger.log.select_states(position, 1)
    if position >= published.size or not rows or rows[0][0] != position:
        raise NoSuchPosition(position)
    path = inclusion_path(position, published.size, ledger.log.subtree_hash)
    return Receipt(position, leaf_hash(rows[0][2]), tuple(path), published.note)


def prove_head(
    ledger: Ledger,
    maps: MapStore,
    published: Published,
    subject: UUID | str,
    topic: str | None = None,
) -> MapProof:
    """Return what the published map says of a subject, or of its register of one type of event."""
    maps.advance(ledger.log, published.position)
    return maps.prove(published.position, subject_key(str(subject), topic))


def _announcement(recorded: Recorded) -> Publication.Announced:
    assert isinstance(recorded.event, Publication.Announced)  # noqa: S101 - by its topic
    return recorded.event
