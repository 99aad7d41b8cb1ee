"""Who was paid in more than one city, from tags that cities made under a key of their own.

The province has no key to the tags: it sees which of them are equal, and not whose they are. That
a list is whole is no matter of belief: the city's pack proves every draw on its fund accounts, and
a list is only taken if it holds those payments with those amounts, and no others.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from pathlib import Path

from ledger.domain.tag_list import TagLists, tag_lists_id
from ledger.errors import Kind, LedgerError
from ledger.evidence.cosignature import CosignatureKey
from ledger.evidence.figures import Seen
from ledger.evidence.pack_check import CheckedPack
from ledger.files.tag_lists import BYTES_MAX, Draw, ReadList, TagRow, read_tag_list, standing
from ledger.packs.city_money import fund_streams
from ledger.packs.consolidation import City, Standing, prove
from ledger.vault.province_key import OpeningKey, recipient_id


class ListDiffers(LedgerError):
    """The list is not what its city's log says that it handed over, or leaves payments out."""

    code = "tag_list.differs"
    kind = Kind.BROKEN

    def __init__(self, cause: str) -> None:
        super().__init__(f"the list of tags: {cause}")


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is compared: payments of a period, by tags under one key.

    `maximum_fen` is how much one person may get in the period from all cities together; None: not
    looked at.
    """

    since: date
    until: date
    key_name: str
    maximum_fen: int | None = None


@dataclass(frozen=True, slots=True)
class TagFile:
    """A city and the file of its list of tags."""

    city: City
    tags: Path


class Rule(StrEnum):
    """Why somebody who was paid in several cities is doubted; the first holds of everybody."""

    SEVERAL_CITIES = "several_cities"
    SAME_CAMPAIGN = "same_campaign"
    SAME_CATEGORY = "same_category"
    OVER_MAXIMUM = "over_maximum"


class ListState(StrEnum):
    """What became of a city's list, where its pack holds."""

    COMPARED = "compared"
    MISSING = "missing"
    NOT_IN_LOG = "not_in_log"
    OTHER_KEY = "other_key"
    OTHER_PERIOD = "other_period"
    STALE = "stale"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Listed:
    """A city's list: `rows` where it is compared, `cause` where it is not.

    `later` payments of the period were made after the list; `untagged` can be compared by nobody.
    """

    state: ListState
    cause: str = ""
    sha256: str = ""
    position: int | None = None
    rows: Sequence[TagRow] = ()
    untagged: int = 0
    later: int = 0


@dataclass(frozen=True, slots=True)
class CityPayment:
    """A payment of one city to somebody who is doubted."""

    city: str
    row: TagRow


@dataclass(frozen=True, slots=True)
class Doubt:
    """One person, told by a number alone, who was paid in several cities."""

    number: int
    rules: Sequence[Rule]
    payments: Sequence[CityPayment]

    @property
    def total_fen(self) -> int:
        return sum(each.row.amount_fen for each in self.payments)


@dataclass(frozen=True, slots=True)
class CityStanding:
    """What became of one city: of its pack, and of its list."""

    standing: Standing
    listed: Listed | None

    @property
    def is_compared(self) -> bool:
        return self.listed is not None and self.listed.state is ListState.COMPARED


@dataclass(frozen=True, slots=True)
class Compared:
    """All cities, and who was paid in more than one of those that could be compared."""

    asked: Comparison
    cities: Sequence[CityStanding]
    doubts: Sequence[Doubt]

    @property
    def is_whole(self) -> bool:
        return all(each.is_compared for each in self.cities)


def compare(
    files: Sequence[TagFile],
    asked: Comparison,
    opening: OpeningKey,
    witness: Sequence[CosignatureKey],
    seen: Mapping[str, int],
    contradicted: Collection[str] = (),
) -> Compared:
    """Check each city's pack and list, and find who was paid in more than one city.

    Args:
        files: Cities with their lists; none is left out unnamed.
        asked: Which period, which edition of the key, and how much is too much.
        opening: What lists are sealed for.
        witness, seen, contradicted: As `consolidation.consolidate` has them.
    """
    cities = [_city(each, asked, opening, witness, seen, contradicted) for each in files]
    return Compared(asked, cities, list(_doubts(cities, asked.maximum_fen)))


def _city(
    file: TagFile,
    asked: Comparison,
    opening: OpeningKey,
    witness: Sequence[CosignatureKey],
    seen: Mapping[str, int],
    contradicted: Collection[str],
) -> CityStanding:
    def compute(checked: CheckedPack) -> Listed:
        try:
            return _listed(checked, file, asked, opening)
        except (KeyError, TypeError, ValueError):
            raise ListDiffers("the log of its city says of it what cannot be") from None

    origin = file.city.origin
    proved = prove(
        file.city,
        witness,
        seen.get(origin, 0),
        compute,
        is_contradicted=origin in contradicted,
    )
    return CityStanding(*proved)


def _listed(checked: CheckedPack, file: TagFile, asked: Comparison, opening: OpeningKey) -> Listed:
    """Hold a list against the log that its pack shows."""
    handed = [
        each
        for each in checked.stream(str(tag_lists_id()))
        if each.type == TagLists.HandedOver.TOPIC
    ]
    try:
        if file.tags.stat().st_size > BYTES_MAX:
            return Listed(ListState.BROKEN, "the file of its list is too large")
        sealed = file.tags.read_bytes()
    except OSError as cause:
        return Listed(ListState.MISSING, cause.strerror or "it cannot be read")
    try:
        read = read_tag_list(opening.open(sealed))
        found = _state(read, handed, asked, recipient_id(opening.recipient))
        if found.state is ListState.COMPARED:
            found = _held_against(read, checked, found)
    except LedgerError as cause:
        return Listed(ListState.BROKEN, str(cause))
    return found


def _state(read: ReadList, handed: Sequence[Seen], asked: Comparison, recipient: str) -> Listed:
    listed = read.listed
    if listed.key_name != asked.key_name:
        told = f"tagged under key {listed.key_name}, compared under {asked.key_name}"
        return Listed(ListState.OTHER_KEY, told)
    if (listed.since, listed.until) != (asked.since, asked.until):
        return Listed(ListState.OTHER_PERIOD, f"it is of {listed.since} to {listed.until}")
    own = [
        each
        for each in handed
        if each.data["key_name"] == listed.key_name
        and each.data["since"] == listed.since.isoformat()
        and each.data["until"] == listed.until.isoformat()
        and each.data["recipient"] == recipient
    ]
    at = next((each for each in own if each.data["list_sha256"] == read.sha256), None)
    if at is None:
        return Listed(ListState.NOT_IN_LOG, "its log, as far as it was published, has no such list")
    if at is not own[-1]:
        told = f"its log has a newer list of the period, at position {own[-1].position}"
        return Listed(ListState.STALE, told)
    untagged = sum(not row.tag for row in listed.rows)
    tagged = [row for row in listed.rows if row.tag]
    return Listed(ListState.COMPARED, "", read.sha256, at.position, tagged, untagged)


def _held_against(read: ReadList, checked: CheckedPack, found: Listed) -> Listed:
    """Check that a list holds what stood drawn for payments of its period, and nothing else.

    Raises:
        ListDiffers: It does not.
    """
    listed = read.listed
    if listed.origin != checked.pack.origin:
        raise ListDiffers(f"it is of log {listed.origin}")
    at = found.position
    assert at is not None  # noqa: S101 - it is in the log
    draws = list(_draws(checked))
    # As of its own entry, and not as of what it says it knew: it could say that it knew little.
    then = (draw for position, draw in draws if position < at)
    drawn = standing(then, listed.since, listed.until)
    told = {row.payment_id: (row.amount_fen, row.paid_on) for row in listed.rows}
    if told != drawn:
        wrong = {each for each in told.keys() | drawn.keys() if told.get(each) != drawn.get(each)}
        raise ListDiffers(f"{len(wrong)} payments differ from what its fund accounts say")
    now = standing((draw for _, draw in draws), listed.since, listed.until)
    return replace(found, later=len(now.keys() - drawn.keys()))


def _draws(checked: CheckedPack) -> Iterator[tuple[int, Draw]]:
    """Yield what was drawn and restored in all fund accounts; none is left out of a pack."""
    for _, events in fund_streams(checked):
        for event in events:
            if event.type in ("fund.drawn", "fund.restored"):
                sign = 1 if event.type == "fund.drawn" else -1
                on = date.fromisoformat(event.payload["happened_on"])
                amount = sign * event.data["amount_fen"]
                yield event.position, Draw(event.data["disbursement_id"], amount, on)


def _doubts(cities: Iterable[CityStanding], maximum_fen: int | None) -> Iterator[Doubt]:
    """Find tags that stand in the lists of several cities; the most money comes first."""
    where: dict[str, set[str]] = defaultdict(set)
    compared = {
        each.standing.city.name: each.listed
        for each in cities
        if each.is_compared and each.listed is not None
    }
    for name, listed in compared.items():
        for row in listed.rows:
            where[row.tag].add(name)
    payments: dict[str, list[CityPayment]] = defaultdict(list)
    for name, listed in compared.items():
        for row in listed.rows:
            if len(where[row.tag]) > 1:
                payments[row.tag].append(CityPayment(name, row))
    several = sorted(payments.values(), key=_by_total)
    for number, of_one in enumerate(several, 1):
        yield Doubt(number, _rules(of_one, maximum_fen), of_one)


def _by_total(payments: Sequence[CityPayment]) -> tuple[int, str]:
    # By id among equals, and not by tag: an order of tags would tell something of them.
    total_fen = sum(each.row.amount_fen for each in payments)
    return -total_fen, min(each.row.payment_id for each in payments)


def _rules(payments: Sequence[CityPayment], maximum_fen: int | None) -> list[Rule]:
    found = [Rule.SEVERAL_CITIES]
    if _meet((each.row.campaign, each.city) for each in payments):
        found.append(Rule.SAME_CAMPAIGN)
    if _meet((each.row.category, each.city) for each in payments):
        found.append(Rule.SAME_CATEGORY)
    if maximum_fen is not None and sum(each.row.amount_fen for each in payments) > maximum_fen:
        found.append(Rule.OVER_MAXIMUM)
    return found


def _meet(pairs: Iterable[tuple[str, str]]) -> bool:
    """Say whether two cities have the same of something."""
    cities: dict[str, set[str]] = defaultdict(set)
    for value, city in pairs:
        cities[value].add(city)
    return any(len(each) > 1 for each in cities.values())
