"""The file in which a province lists its cities, and what its own witness has seen of each."""

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from api.settings import Settings
from ledger.errors import Kind, LedgerError
from ledger.evidence.checkpoint import open_note
from ledger.evidence.cosignature import CosignatureKey
from ledger.evidence.note import NoteBroken, NoteKey
from ledger.packs.consolidation import City, State
from ledger.witness.home import WitnessHome
from ledger.witness.state import HOUR_S


class ProvinceUnreadable(LedgerError):
    """The file of the cities is none, or says something of a city that cannot be."""

    code = "province.unreadable"
    kind = Kind.INVALID

    def __init__(self, cause: str) -> None:
        super().__init__(f"the file of the cities: {cause}")


STATES: Mapping[State, str] = {
    State.COUNTED: "已汇总",
    State.MISSING: "未报送",
    State.BROKEN: "核验不成立",
    State.UNWITNESSED: "未经见证",
    State.STALE: "不是最新",
    State.CONTRADICTED: "两份历史",
}
"""What stands in a table of what became of a city's pack."""


class _City(msgspec.Struct, forbid_unknown_fields=True):
    key: str
    origin: str
    file: str
    tags: str = ""
    pack_at: str = ""
    tags_at: str = ""


class _File(msgspec.Struct, forbid_unknown_fields=True):
    cities: dict[str, _City]
    tag_key: str = ""


@dataclass(frozen=True, slots=True)
class ListedCity:
    """A city of the file; `tags` is where its list of tags lies, beside its pack unless told else.

    `pack_at` and `tags_at` are where it publishes them (https), empty where they come otherwise.
    """

    city: City
    tags: Path
    pack_at: str
    tags_at: str


@dataclass(frozen=True, slots=True)
class Cities:
    """All cities of a province, and the name of the key that they are to make tags under."""

    cities: Sequence[ListedCity]
    tag_key: str


def read_cities(path: Path) -> Cities:
    """Read the file of the cities; other files are named from its folder.

    Raises:
        ProvinceUnreadable: It cannot be read, names no city, or two that are one by what they
            share; a name could not be one of a file.
    """
    try:
        told = msgspec.toml.decode(path.read_bytes(), type=_File)
    except OSError as cause:
        raise ProvinceUnreadable(cause.strerror or "it cannot be read") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as cause:
        raise ProvinceUnreadable(str(cause)) from None
    folder = path.resolve().parent
    cities = [_listed(name, of, folder) for name, of in told.cities.items()]
    if not cities:
        raise ProvinceUnreadable("it names no city")
    _require_apart(cities)
    return Cities(cities, told.tag_key)


def _listed(name: str, of: _City, folder: Path) -> ListedCity:
    if not name or Path(name).name != name or name.startswith(".") or "\0" in name:
        raise ProvinceUnreadable(f"no city is called {name!r}: files are named after it")
    for file in (of.file, of.tags or of.file):
        if not Path(file).name or "\0" in file:
            raise ProvinceUnreadable(f"{name}: no file is called {file!r}")
    city = City(name, of.key, of.origin, folder / of.file)
    tags = folder / of.tags if of.tags else city.file.with_suffix(".tags")
    return ListedCity(city, tags, of.pack_at, of.tags_at)


def _require_apart(cities: Sequence[ListedCity]) -> None:
    """Check that nothing is of two cities: who is listed twice would count twice."""
    seen: dict[tuple[str, str], str] = {}
    for each in cities:
        shared = (
            ("founding key", each.city.key_id),
            ("log", each.city.origin),
            ("file", os.path.realpath(each.city.file)),
            ("file", os.path.realpath(each.tags)),
        )
        for of in shared:
            name = each.city.name
            if of in seen:
                whose = f"{seen[of]} and {name} share" if seen[of] != name else f"{name} has twice"
                raise ProvinceUnreadable(f"{whose} one {of[0]}, {of[1]}")
            seen[of] = name


def own_witness(max_age_h: int, now_s: int) -> tuple[tuple[CosignatureKey, ...], dict[str, int]]:
    """Return the keys of this province's witness, and how many entries a pack of each log needs.

    Args:
        max_age_h: For how many hours a pack may be without what the witness has cosigned since; 0:
            it has all that was cosigned.
        now_s: Now, in seconds since 1970.
    """
    place = WitnessHome(Settings().witness_home)
    keys = tuple(each.key for each in place.cosigners())
    state = place.state()
    needed = {}
    for origin in sorted({origin for origin, _ in state.logs()}):
        held = state.cosigned(origin)
        if max_age_h:
            needed[origin] = state.reached(origin, now_s - max_age_h * HOUR_S)
        elif held is not None:
            needed[origin] = held.size
    state.close()
    return keys, needed


def contradicted_logs() -> frozenset[str]:
    """Return the logs of which this province's witness holds two histories, signed by themselves.

    By keys that it believes: what a thief signed accuses nobody once the key is ended. What else it
    refused is no proof, for anybody may send a checkpoint with a proof that proves nothing.
    """
    state = WitnessHome(Settings().witness_home).state()
    keys: dict[str, list[NoteKey]] = defaultdict(list)
    for origin, vkey in state.logs():
        keys[origin].append(NoteKey.from_vkey(vkey))
    found = frozenset(
        origin
        for origin, of in keys.items()
        if any(_are_two(each.note, each.held_note, of) for each in state.refused(origin))
    )
    state.close()
    return found


def _are_two(note: str, held_note: str | None, keys: Sequence[NoteKey]) -> bool:
    if held_note is None:
        return False
    try:
        one, other = open_note(note, keys), open_note(held_note, keys)
    except NoteBroken:
        return False
    return one.size == other.size and one.root != other.root
