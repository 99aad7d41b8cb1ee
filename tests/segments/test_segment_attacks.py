"""Whatever of a segment is altered is named; nothing sealed can be exchanged or left out."""

import json
import shutil
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger.errors import LedgerError
from ledger.evidence.checkpoint import Checkpoint, sign_note
from ledger.evidence.keys import Ed25519Signer
from ledger.evidence.log import CheckpointDiffers
from ledger.evidence.merkle import EMPTY_ROOT
from ledger.evidence.tree_heads import TreeHead
from ledger.evidence.verify import EntryBroken
from ledger.segments.checking import SegmentsShort, signed_chain
from ledger.segments.going_on import sealed_feed
from ledger.segments.manifest import (
    MANIFEST,
    SegmentBroken,
    SegmentsNone,
    read_manifest,
    write_manifest,
)
from ledger.segments.parquet import TableWriter, read_rows
from ledger.segments.tables import EVENTS
from ledger.store.application import Ledger
from ledger.store.signed_lists import File
from projections.segments.flat import FLAT
from tests.backups.backing_up import note_at
from tests.commands.test_tree_heads import forge
from tests.segments.sealed import LENGTH, checked, copied, odd_world, padded, sealed, writable
from tests.segments.tiny_reader import Wrong, read_segments
from tests.world import World


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = padded(odd_world(tmp_path_factory.mktemp("whole")), 2 * LENGTH)
    sealed(world.ledger, world.home, _segments(world))
    yield world
    world.ledger.close()


@pytest.fixture
def folder(whole: World, tmp_path: Path) -> Path:
    return copied(_segments(whole), tmp_path / "segments")


def _segments(world: World) -> Path:
    return world.home.path.parent / "segments"


def _first(folder: Path) -> Path:
    return folder / "000000000000-000000000256"


def _names(folder: Path) -> list[str]:
    return [each.name for each in read_manifest(_first(folder)).manifest.files]


def test_each_file_is_named_when_a_byte_of_it_is_another(folder: Path) -> None:
    for name in _names(folder):
        path = _first(folder) / name
        content = path.read_bytes()
        with writable(path):
            path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
            with pytest.raises(SegmentBroken, match="SHA-256") as found:
                checked(folder)
            assert found.value.place == name
            path.write_bytes(content[:-1])
            with pytest.raises(SegmentBroken, match="bytes instead of"):
                checked(folder)
            path.write_bytes(content)
    assert checked(folder).edge.size == 2 * LENGTH


def test_each_file_is_named_when_it_is_missing_or_was_not_sealed(folder: Path) -> None:
    for name in _names(folder):
        path = _first(folder) / name
        kept = folder.parent / "kept"
        path.rename(kept)
        with pytest.raises(SegmentBroken, match="missing") as found:
            checked(folder)
        assert found.value.place == name
        kept.rename(path)
    (_first(folder) / "more.parquet").write_bytes(b"PAR1")
    with pytest.raises(SegmentBroken, match="no such file was sealed"):
        checked(folder)
    with pytest.raises(SegmentBroken, match="no such file was sealed"):
        signed_chain(folder)


def test_a_manifest_that_was_altered_is_refused(folder: Path) -> None:
    path = _first(folder) / MANIFEST
    written = json.loads(path.read_bytes())
    payload = json.loads(b64decode(written["payload"]))
    changes: dict[str, Any] = {
        "origin": "other/log",
        "founding_key_id": "0" * 32,
        "number": 2,
        "start": 256,
        "stop": 512,
        "previous": "0" * 64,
        "keys": [],
        "consistency": ["AAAA"],
        "tables": payload["tables"][1:],
        "files": payload["files"][1:],
        "format": "nuanzhang segment 2",
        "written_by": "somebody",
        "edge": payload["checkpoint"],
        "checkpoint": payload["checkpoint"].replace("\n", "\nmore\n", 1),
    }
    for member, value in changes.items():
        altered = json.dumps(
            payload | {member: value}, ensure_ascii=False, separators=(",", ":"), sort_keys=True
        )
        envelope = written | {"payload": b64encode(altered.encode()).decode()}
        with writable(path):
            content = path.read_bytes()
            path.write_text(json.dumps(envelope, separators=(",", ":")))
            with pytest.raises(LedgerError) as found:
                checked(folder)
            assert found.value.code in {
                "segment.broken",
                "verify.checkpoint_differs",
                "evidence.checkpoint_broken",
            }, member
            path.write_bytes(content)


def test_a_manifest_by_another_key_is_refused(folder: Path) -> None:
    path = folder / "000000000256-000000000512" / MANIFEST
    manifest = read_manifest(path.parent).manifest
    with writable(path):
        path.write_bytes(write_manifest(manifest, _stranger()))
    with pytest.raises(SegmentBroken, match="no key of the ledger signed it"):
        checked(folder)


def test_a_segment_that_the_ledgers_key_signed_over_other_rows_is_found(
    whole: World, folder: Path
) -> None:
    """Who has the ledger's key can sign another manifest, and its rows are still held to events."""

    def one_row_less(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        return rows[:-1]

    def other_amounts(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        return [(*row[:-1], row[-1] + 1) for row in rows]

    table = next(each for each in FLAT.tables if each.name == "journal_lines")
    for change in (one_row_less, other_amounts):
        target = copied(_segments(whole), folder.parent / change.__name__)
        segment = target / "000000000256-000000000512"
        path = segment / "journal_lines.parquet"
        rows = [
            tuple(_raw(value) for value in row.values())
            for group in read_rows(path, table)
            for row in group.to_pylist()
        ]
        assert rows
        with writable(segment), writable(path), writable(segment / MANIFEST):
            writer = TableWriter(path, table)
            writer.add(change(rows))
            writer.close()
            _signed_again(whole, segment)
        with pytest.raises(SegmentBroken, match="other rows than the events leave"):
            checked(target)


def test_an_entry_that_was_written_anew_is_found_though_the_manifest_is_signed(
    whole: World, folder: Path
) -> None:
    segment = folder / "000000000256-000000000512"
    path = segment / "events.parquet"
    rows = [tuple(row.values()) for group in read_rows(path, EVENTS) for row in group.to_pylist()]
    envelope = json.loads(rows[7][-1])
    payload = b64decode(envelope["payload"]).replace(b'"amount_fen":1', b'"amount_fen":2')
    forged = json.dumps(envelope | {"payload": b64encode(payload).decode()}, separators=(",", ":"))
    rows[7] = (*rows[7][:-1], forged.encode())
    with writable(segment), writable(path), writable(segment / MANIFEST):
        writer = TableWriter(path, EVENTS)
        writer.add([(row[0], bytes.fromhex(row[1].replace("-", "")), *row[2:]) for row in rows])
        writer.close()
        _signed_again(whole, segment)
    with pytest.raises(EntryBroken) as found:
        checked(folder)
    assert found.value.position == LENGTH + 7
    # Nor are read models built from it, though these do not ask what the signatures are worth.
    feed = sealed_feed(whole.ledger, folder, signed_chain(folder))
    with pytest.raises(SegmentBroken, match=f"entry {LENGTH + 7} is another"):
        feed.stored(0, 2 * LENGTH)


def test_what_was_signed_upon_another_log_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ledger itself stores none; whoever has its key can, and write all before it anew."""
    heads: tuple[tuple[int, int], ...] = ((0, 0), (3, 3), (300, 300), (256, 256), (300, 299))
    for number, (size, of) in enumerate(heads):
        folder = tmp_path / str(number)
        world = padded(World.at(folder).settle_in(), LENGTH + 100)
        with closing(world.ledger):
            world.receive("C01", 1_000)
            head = TreeHead(size, world.ledger.log.root_at(of) if of else EMPTY_ROOT)
            position = forge(world, monkeypatch, head)
            padded(world, 2 * LENGTH)
            sealed(world.ledger, world.home, folder / "segments")
        if size == of:
            assert checked(folder / "segments").edge.size == 2 * LENGTH
            read_segments(folder / "segments", world.home.founding_key_id())
            continue
        with pytest.raises(EntryBroken) as found:
            checked(folder / "segments")
        assert (found.value.position, found.value.field) == (position, "data.tree_head")
        with pytest.raises(Wrong):
            read_segments(folder / "segments", world.home.founding_key_id())


def test_a_tile_that_was_written_anew_is_found_before_anything_is_read(
    whole: World, folder: Path
) -> None:
    segment = folder / "000000000256-000000000512"
    path = segment / "tile" / "0" / "001"
    with writable(path), writable(segment / MANIFEST):
        path.write_bytes(bytes(32) + path.read_bytes()[32:])
        _signed_again(whole, segment)
    with pytest.raises(SegmentBroken, match="its entries have another root"):
        signed_chain(folder)


def test_a_segment_of_another_history_does_not_go_on_from_the_first(
    folder: Path, tmp_path: Path
) -> None:
    other = padded(World.at(tmp_path / "other").settle_in(), 2 * LENGTH)
    with closing(other.ledger):
        sealed(other.ledger, other.home, tmp_path / "theirs")
    shutil.rmtree(folder / "000000000256-000000000512")
    shutil.copytree(
        tmp_path / "theirs" / "000000000256-000000000512", folder / "000000000256-000000000512"
    )
    with pytest.raises(SegmentBroken, match="goes on from another"):
        checked(folder)


def test_another_founding_key_than_is_known_is_refused(whole: World, folder: Path) -> None:
    assert checked(folder, whole.home.founding_key_id()).edge.size == 2 * LENGTH
    with pytest.raises(SegmentBroken, match="founded by"):
        checked(folder, "0" * 32)


def test_checkpoints_from_elsewhere_are_held_against_the_segments(
    whole: World, folder: Path
) -> None:
    ledger: Ledger = whole.ledger
    for size in (1, 200, LENGTH, LENGTH + 1, 500, 2 * LENGTH):
        note = note_at(whole, size)
        if int(note.split("\n")[1]) <= 2 * LENGTH:
            assert checked(folder, note=note).held == int(note.split("\n")[1])
    forked = Checkpoint(ledger.origin, 300, b"x" * 32)
    signer = whole.home.service_signer()
    with pytest.raises(CheckpointDiffers, match="other entries than are sealed"):
        checked(folder, note=sign_note(forked, ledger.origin, signer))
    beyond = Checkpoint(ledger.origin, 2 * LENGTH + 1, b"x" * 32)
    with pytest.raises(SegmentsShort):
        checked(folder, note=sign_note(beyond, ledger.origin, signer))


def test_segments_of_which_none_is_left_are_none(folder: Path) -> None:
    for each in folder.iterdir():
        if each.is_dir():
            shutil.rmtree(each)
    with pytest.raises(SegmentsNone):
        checked(folder)
    with pytest.raises(SegmentsNone):
        checked(folder / "nowhere")


def _signed_again(world: World, segment: Path) -> None:
    """Sign a manifest over the files as they are now, with the ledger's own key."""
    manifest = read_manifest(segment).manifest
    again = msgspec.structs.replace(
        manifest, files=tuple(File.of(segment / each.name, each.name) for each in manifest.files)
    )
    (segment / MANIFEST).write_bytes(write_manifest(again, world.home.service_signer()))


def _raw(value: Any) -> Any:
    """Return an id as rows have it before they are written."""
    is_id = isinstance(value, str) and len(value) == 36 and value.count("-") == 4
    return bytes.fromhex(value.replace("-", "")) if is_id else value


def _stranger() -> Any:
    return Ed25519Signer.generate()
