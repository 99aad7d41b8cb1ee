"""Gathers from the log what a pack needs, with the proof that nothing is left out."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from uuid import UUID

from ledger.anchoring.publications import Published
from ledger.evidence.canonical import Json, parse_canonical
from ledger.evidence.envelope import payload_of
from ledger.evidence.figures import Seen, figure
from ledger.evidence.pack import ALL, STREAM, Figure, Listing
from ledger.evidence.pack_tree import breaks_in, places_between, signed_in
from ledger.evidence.verifiable_map import THE_LOG, subject_key
from ledger.evidence.verify import KEY_TOPICS, OPERATOR
from ledger.evidence.vouching import ADMINISTRATION, VOUCHED_FOR
from ledger.store.application import Ledger, NotOnRecord
from ledger.store.map_store import MapStore

PAYLOADS_KEPT = 100_000


class Gathering:
    """What stands in the log under one published checkpoint, taken along as it is asked for.

    It hands out events as a checked pack does, so a figure computed from it finds in the pack all
    that it was computed from, and nothing more.
    """

    def __init__(self, ledger: Ledger, maps: MapStore, published: Published) -> None:
        self.ledger = ledger
        self.published = published
        self.entries: dict[int, bytes] = {}
        self.figures: list[Figure] = []
        self._maps = maps
        self._listings: dict[tuple[str, str | None, str], Listing] = {}
        self._seen = lru_cache(PAYLOADS_KEPT)(self._read)
        maps.advance(ledger.log, published.position)
        self.take(published.position)

    @property
    def listings(self) -> tuple[Listing, ...]:
        return tuple(self._listings.values())

    def take(self, position: int) -> Seen:
        """Take one entry along, of which it is only to be shown that it is in the log."""
        return self._seen(position)

    def stream(self, subject: str) -> Sequence[Seen]:
        """Take a whole stream along, with the proof that it is whole."""
        positions = [
            position
            for _, position in self.ledger.log.select_stream_positions(UUID(subject))
            if position < self.published.position
        ]
        return self._listed(subject, None, STREAM, positions)

    def concerning(self, subject: str, topic: str | None = None) -> Sequence[Seen]:
        """Take all events along that concern a subject, or all of its register."""
        return self._listed(subject, topic, ALL, self._positions(subject, topic))

    def knows(self, subject: str) -> bool:
        """Say whether anything under the checkpoint concerns a subject."""
        return bool(self._positions(subject, None))

    def first_of(self, subject: str) -> Seen:
        """Take along the event by which a subject came to be.

        Raises:
            NotOnRecord: Nothing concerns it.
        """
        positions = self._positions(subject, None)
        if not positions:
            raise NotOnRecord("subject", UUID(subject))
        return self.take(positions[0])

    def figure(self, formula: str, subject: str, arguments: Mapping[str, Json]) -> Json:
        """Compute a figure, and take along what it is computed from."""
        value = figure(formula, subject, arguments, self)
        self.figures.append(Figure(formula, subject, arguments, value))
        return value

    def take_keys(self) -> None:
        """Take along all that tells which keys were whose, for everybody who acted."""
        self.stream(ADMINISTRATION)
        owners: set[str] = set()
        while True:
            self._take_vouchers()
            found = {THE_LOG} | {
                actor
                for position in self.entries
                if (actor := str(self._seen(position).payload["actor"])) != OPERATOR
            }
            if found == owners:
                return
            for owner in sorted(found - owners):
                for topic in KEY_TOPICS:
                    if (owner != THE_LOG) == topic.startswith("officer."):
                        self.concerning(owner, topic)
            owners = found

    def _take_vouchers(self) -> None:
        """Take along what posts those had who answered for another officer's key or post."""
        seen = [self._seen(position).payload for position in self.entries]
        for officer in {str(each["actor"]) for each in seen if each["type"] in VOUCHED_FOR}:
            if officer != OPERATOR:
                self.stream(officer)

    def nodes(self) -> dict[tuple[int, int], bytes]:
        """Return the tree hashes that lead the entries to the checkpoint's root."""
        breaks = breaks_in(self.entries, signed_in(self.entries), self.published.size)
        return {
            place: self.ledger.log.subtree_hash(*place)
            for start, stop in pairwise(breaks)
            if start not in self.entries
            for place in places_between(start, stop)
        }

    def _positions(self, subject: str, topic: str | None) -> list[int]:
        return self._maps.positions(self.published.position, subject_key(subject, topic))

    def _listed(
        self, subject: str, topic: str | None, of: str, positions: Iterable[int]
    ) -> Sequence[Seen]:
        key = (subject, topic, of)
        if key not in self._listings:
            proof = self._maps.prove(self.published.position, subject_key(subject, topic))
            self._listings[key] = Listing(subject, topic, of, tuple(positions), proof)
        return [self.take(position) for position in self._listings[key].positions]

    def _read(self, position: int) -> Seen:
        [(_, _, _, envelope)] = self.ledger.log.select_entries(position, 1)
        self.entries[position] = envelope
        return Seen(position, parse_canonical(payload_of(envelope)))
