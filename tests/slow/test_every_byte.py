"""Every stored byte of a small log, altered one by one: caught, and the right place is named.

All of them, not a sample: of the database, of the published folder, and of a pack, the last also
where the operator signs the altered files anew. A byte has its lowest bit flipped, which leaves
most text text and so gets furthest; a number becomes one more. Each test takes its share of the
bytes, so that processes can divide them.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from itertools import accumulate
from pathlib import Path

import pytest

from ledger.anchoring.published_log import PublishedFolder, verify_published
from ledger.commands import verification
from ledger.commands.verification import Verdict, verify_log
from ledger.domain.events import committing_topics
from ledger.errors import LedgerError
from ledger.evidence.canonical import canonical_json
from ledger.evidence.envelope import Signature, encode_as, pae
from ledger.packs import verify_pack as plain
from ledger.packs.file import MANIFEST, MANIFEST_TYPE, PACK
from ledger.store import tiles
from tests.packs.packing import Files, judged, judged_plainly, unzipped, zipped
from tests.slow.failures import saying
from tests.slow.small_log import EVENTS, SmallLog, write_small_log
from tests.slow.tampering import COLUMNS, Log, StoredByte, alter_byte, stored_bytes
from tests.slow.test_mutations import put

pytestmark = pytest.mark.slow

SHARES = 8

NO_EVIDENCE = {"answers"}
"""What was answered to a repeated request: a copy for convenience, and nobody verifies by it."""

NOT_VERIFIED = {"README.txt"}
"""Says in a published folder what it holds, in words that may change with each edition."""

UNPROVED = {"title", "masked"}
"""Members of a pack that the ledger says without proof, so that the operator may say otherwise."""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallLog]:
    small = write_small_log(tmp_path_factory.mktemp("small"))
    yield small
    small.packing.maps.close()
    small.packing.ledger.close()


def test_nothing_that_is_stored_is_forgotten_here(small: SmallLog) -> None:
    with closing(sqlite3.connect(small.home.events)) as connection:
        columns = {
            table: {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
            for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")
        }
    assert {table: columns[table] for table in COLUMNS} == {
        table: set(names) for table, names in COLUMNS.items()
    }
    assert set(columns) == set(COLUMNS) | NO_EVIDENCE
    assert set(published_files(small)) > NOT_VERIFIED
    altered = stored_bytes(Log.read(small.bare))
    assert {each.table for each in altered} == set(COLUMNS) - {"log_tiles"}
    assert len(altered) > 30_000


def test_unaltered_everything_holds(small: SmallLog, tmp_path: Path) -> None:
    assert verify(small, small.bare).holds
    assert not unpublished(small)
    for opened in (True, False):
        data = small.pack(opened=opened)
        assert judged(data, small.packing.rules) is None
        assert judged_plainly(data, small.key_id, tmp_path)[0] == 0


@pytest.mark.parametrize("share", range(SHARES))
def test_every_byte_of_the_database(small: SmallLog, tmp_path: Path, share: int) -> None:
    log, raw, copy = Log.read(small.bare), small.bare.read_bytes(), tmp_path / "events.sqlite"
    for byte in stored_bytes(log)[share::SHARES]:
        put(raw, copy)
        assert_found(small, copy, log, byte)


def test_every_byte_of_stored_tiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Tiles of four hashes, so that a small log has some, and some over them.
    monkeypatch.setattr(tiles, "TILE_WIDTH", 4)
    for module in (tiles, verification):
        monkeypatch.setattr(module, "TILE_HEIGHT", 2)
    small = write_small_log(tmp_path / "log", published=False)
    log, raw, copy = Log.read(small.bare), small.bare.read_bytes(), tmp_path / "events.sqlite"
    assert verify(small, small.bare).holds
    assert {row[0] for row in log.rows["log_tiles"]} == {0, 1}
    for byte in stored_bytes(log):
        if byte.table == "log_tiles":
            put(raw, copy)
            assert_found(small, copy, log, byte)
    small.packing.maps.close()
    small.packing.ledger.close()


@pytest.mark.parametrize("share", range(SHARES))
def test_every_byte_of_a_published_folder(small: SmallLog, share: int) -> None:
    for name, raw in published_files(small).items():
        owners = entries_of(raw) if "entries" in name else ()
        path = small.published / name
        for at in range(share, len(raw), SHARES) if name not in NOT_VERIFIED else ():
            path.write_bytes(flipped(raw, at))
            with saying(f"{name}, byte {at}"):
                said = unpublished(small)
                assert said, "not found"
                expected = (
                    (f"position {owners[at]},", f"entry {owners[at]}:", f"entry {owners[at]} ")
                    if owners
                    else published_places(name)
                )
                assert any(place in said for place in expected), (said, expected)
        path.write_bytes(raw)
    assert not unpublished(small)


def test_words_beside_a_published_log_are_not_verified(small: SmallLog) -> None:
    path = small.published / "README.txt"
    raw = path.read_bytes()
    path.write_bytes(bytes(each ^ 1 for each in raw))

    said = unpublished(small)

    path.write_bytes(raw)
    assert not said


def test_every_byte_of_a_pack_is_under_its_manifest(small: SmallLog) -> None:
    # By this step alone, whatever the others say; it is the last, so they are gone through once.
    files = unzipped(small.pack(opened=True))
    pack = plain.Pack(plain.read_json(files[PACK]))
    for step in (pack.check_tree, pack.check_map, pack.check_keys, pack.check_checkpoint):
        step()
    assert pack.check_files(files)
    for at in range(len(files[PACK])):
        with saying(f"byte {at}"), pytest.raises(plain.Broken, match="altered, added or taken"):
            pack.check_files({**files, PACK: flipped(files[PACK], at)})


def test_every_byte_of_a_manifest(small: SmallLog, tmp_path: Path) -> None:
    files = unzipped(small.pack(opened=True))
    for at in range(len(files[MANIFEST])):
        data = zipped({**files, MANIFEST: flipped(files[MANIFEST], at)})
        with saying(f"byte {at}"):
            assert_refused(small, data, tmp_path)


@pytest.mark.parametrize("share", range(SHARES))
def test_every_byte_of_a_pack_that_the_operator_signs_anew(
    small: SmallLog, tmp_path: Path, share: int
) -> None:
    files = unzipped(small.pack(opened=True))
    members = members_of(files[PACK])
    for at in range(share, len(files[PACK]), SHARES):
        if members[at] not in UNPROVED:
            data = zipped(signed_by_operator(small, {**files, PACK: flipped(files[PACK], at)}))
            with saying(f"{members[at]}, byte {at}"):
                assert_refused(small, data, tmp_path)


@pytest.mark.parametrize("opened", [True, False], ids=["opened", "masked"])
def test_what_a_pack_says_without_proof_is_the_operators_word(
    small: SmallLog, tmp_path: Path, opened: bool
) -> None:
    files = unzipped(small.pack(opened=opened))
    members = members_of(files[PACK])
    believed = set()
    for at in [at for at, name in enumerate(members) if name in UNPROVED]:
        altered = {**files, PACK: flipped(files[PACK], at)}
        with saying(f"{members[at]}, byte {at}"):
            # On the way it shows; signed anew it may hold, but is read without falling over it.
            assert_refused(small, zipped(altered), tmp_path)
            data = zipped(signed_by_operator(small, altered))
            status, _ = judged_plainly(data, small.key_id, tmp_path)
            if judged(data, small.packing.rules) is None:
                assert status == 0
            if status == 0:
                believed.add(members[at])
    assert believed == (UNPROVED - {"masked"} if opened else UNPROVED)


def assert_found(small: SmallLog, path: Path, log: Log, byte: StoredByte) -> None:
    tampering = alter_byte(path, log, byte)
    verdict = verify(small, path)
    with saying(tampering.told):
        assert verdict.broken is not None, "not found"
        message = str(verdict.broken)
        assert any(place in message for place in tampering.places), (message, tampering.places)
        sizes = tampering.last_good_sizes
        assert not sizes or verdict.last_good_size in sizes, (message, sizes)
        if byte.table == "log_events" and byte.column != "position":
            assert verdict.position == byte.row, message


def verify(small: SmallLog, path: Path) -> Verdict:
    return verify_log(path, small.packing.rules.origin, small.key_id, processes=1)


def unpublished(small: SmallLog) -> str:
    """Return what is found in the published folder; nothing, if it holds."""
    folder = PublishedFolder(small.published)
    try:
        holds = verify_published(folder, None, committing_topics(), small.key_id)
    except LedgerError as broken:
        return f"{broken.code}: {broken}"
    assert holds.size == EVENTS
    return ""


def published_files(small: SmallLog) -> dict[str, bytes]:
    paths = sorted(path for path in small.published.rglob("*") if path.is_file())
    return {str(path.relative_to(small.published)): path.read_bytes() for path in paths}


def published_places(name: str) -> tuple[str, ...]:
    if name == "checkpoint":
        # With another size, it is what this size would need that is not there.
        return (f"checkpoint of {EVENTS} entries", "signed note:", "checkpoint", ": missing")
    return (f"{name}:",)


def entries_of(bundle: bytes) -> list[int]:
    """Return of each byte of a bundle which entry it belongs to, lengths included."""
    owners: list[int] = []
    number = 0
    while len(owners) < len(bundle):
        length = int.from_bytes(bundle[len(owners) : len(owners) + 2])
        owners += [number] * (2 + length)
        number += 1
    assert number == EVENTS
    return owners


def members_of(pack: bytes) -> list[str]:
    """Return of each byte of a `pack.json` which member it belongs to, its name included."""
    said = json.loads(pack)
    names = sorted(said)
    lengths = [len(canonical_json({name: said[name]})) - 1 for name in names]
    assert list(accumulate(lengths))[-1] == len(pack) - 1
    # The brace at the beginning goes with the first, and each comma or brace after with its own.
    owners = [name for name, length in zip(names, lengths, strict=True) for _ in range(length)]
    return [names[0], *owners]


def flipped(raw: bytes, at: int) -> bytes:
    return raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]


def signed_by_operator(small: SmallLog, files: Files) -> Files:
    """Sign the list of files anew, whatever `pack.json` has come to say."""
    files = {name: content for name, content in files.items() if name != MANIFEST}
    hashes = {name: sha256(content).hexdigest() for name, content in files.items()}
    payload = canonical_json({"origin": small.packing.rules.origin, "files": hashes})
    signer = small.packing.ledger.signer
    signature = Signature(signer.public_key.key_id, signer.sign(pae(MANIFEST_TYPE, payload)))
    return {**files, MANIFEST: encode_as(MANIFEST_TYPE, payload, [signature])}


def assert_refused(small: SmallLog, data: bytes, folder: Path) -> None:
    assert judged(data, small.packing.rules) is not None, "our verifier believes it"
    status, printed = judged_plainly(data, small.key_id, folder)
    assert status == 1, printed
    assert "BROKEN" in printed
