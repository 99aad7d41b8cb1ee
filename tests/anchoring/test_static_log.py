"""The log as plain files: whole for whoever reads, refused where it would contradict itself."""

import shutil
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ledger.anchoring.publications import Published, announce
from ledger.anchoring.published_log import (
    PublicationUnreadable,
    PublishedFolder,
    verify_published,
)
from ledger.anchoring.static_log import PublicationDiffers, Written, write_static_log
from ledger.commands.held_checkpoint import (
    CheckpointBeyond,
    CheckpointContradicted,
    CheckpointForeign,
)
from ledger.domain.events import committing_topics
from ledger.errors import LedgerError
from ledger.evidence.checkpoint import Checkpoint, sign_note
from ledger.evidence.envelope import payload_of
from ledger.evidence.keys import Ed25519Signer
from ledger.evidence.note import split_note
from ledger.evidence.tlog_tiles import read_bundle, tiles_of
from ledger.evidence.verify import EntryBroken
from ledger.store.map_store import MapStore
from tests.world import World

STRANGER = Ed25519Signer.generate()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.at(tmp_path).settle_in()


def publish(world: World, folder: Path, receipts: int = 0) -> Written:
    for _ in range(receipts):
        world.receive("C01", 10_000)
    return write_static_log(world.ledger, *published(world), folder)


def published(world: World) -> tuple[Published, str]:
    maps = MapStore(world.home.map)
    found = announce(world.ledger, maps, world.act())
    maps.close()
    return found, found.note


def check(world: World, folder: Path, key_id: str | None = None) -> int:
    """Check a folder as an outsider does; return how many entries it proved."""
    return verify_published(
        PublishedFolder(folder),
        None,
        committing_topics(),
        world.ledger.founding_key_id() if key_id is None else key_id,
    ).size


def held(world: World, folder: Path, kept: str) -> int:
    """Hold a folder against a checkpoint that somebody kept; return how far that one goes."""
    key_id = world.ledger.founding_key_id()
    topics = committing_topics()
    found = verify_published(PublishedFolder(folder), None, topics, key_id, kept=kept).kept
    assert found is not None
    return found.size


def test_a_publication_is_held_against_what_somebody_kept(world: World, tmp_path: Path) -> None:
    first = publish(world, tmp_path / "log", receipts=300)
    kept = (tmp_path / "log" / "checkpoint").read_text()
    publish(world, tmp_path / "log", receipts=3)
    now = (tmp_path / "log" / "checkpoint").read_text()

    assert held(world, tmp_path / "log", kept) == first.size
    assert held(world, tmp_path / "log", now) == world.ledger.size()

    origin, signer = world.ledger.origin, world.home.service_signer()
    forked = Checkpoint(origin, 300, b"x" * 32)
    beyond = Checkpoint(origin, world.ledger.size() + 1, b"x" * 32)
    foreign = Checkpoint("other.example/log", 300, b"x" * 32)
    by_stranger = sign_note(Checkpoint.from_body(split_note(kept)[0]), origin, STRANGER)
    for note, refused in (
        (sign_note(forked, origin, signer), CheckpointContradicted),
        (by_stranger, CheckpointContradicted),
        (sign_note(beyond, origin, signer), CheckpointBeyond),
        (sign_note(foreign, "other.example/log", signer), CheckpointForeign),
    ):
        with pytest.raises(refused):
            held(world, tmp_path / "log", note)


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_published_log_is_proved_by_its_files_alone(world: World, tmp_path: Path) -> None:
    written = publish(world, tmp_path / "log", receipts=300)

    assert check(world, tmp_path / "log") == written.size == world.ledger.size()
    expected = {tile.path() for tile in tiles_of(written.size)} | {"checkpoint", "README.txt"}
    assert set(files(tmp_path / "log")) == expected


def test_only_what_is_new_is_written(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "log"
    publish(world, folder, receipts=300)
    stamps = {name: (folder / name).stat().st_mtime_ns for name in files(folder)}

    second = publish(world, folder, receipts=3)

    full = [tile.path() for tile in tiles_of(second.size_before) if tile.width == 256]
    assert full
    assert all((folder / name).stat().st_mtime_ns == stamps[name] for name in full)
    assert check(world, folder) == second.size


def test_growing_step_by_step_gives_the_files_of_one_go(world: World, tmp_path: Path) -> None:
    for receipts in (0, 1, 100, 130, 1, 300):
        publish(world, tmp_path / "steps", receipts)
    publish(world, tmp_path / "once")

    steps, once = files(tmp_path / "steps"), files(tmp_path / "once")
    assert once.items() <= steps.items()
    assert all(".p/" in name for name in set(steps) - set(once))
    assert check(world, tmp_path / "steps") == world.ledger.size()


def test_files_are_for_everybody_to_read(world: World, tmp_path: Path) -> None:
    publish(world, tmp_path / "log")

    for path in (tmp_path / "log").rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o755 if path.is_dir() else 0o644)


def test_no_personal_data_leaves_with_it(world: World, tmp_path: Path) -> None:
    from tests.world import Person

    world.file(Person(1))
    publish(world, tmp_path / "log")

    for content in files(tmp_path / "log").values():
        assert Person(1).id_number.encode() not in content
        assert Person(1).name.encode() not in content


def test_a_shorter_history_does_not_replace_a_longer_one(world: World, tmp_path: Path) -> None:
    # The database was put back to an older copy, with a checkpoint of its own.
    world.ledger.close()
    shutil.copytree(world.home.path, tmp_path / "older")
    world.reopen()
    publish(world, tmp_path / "log", receipts=5)
    before = files(tmp_path / "log")
    world.ledger.close()
    shutil.rmtree(world.home.path)
    shutil.copytree(tmp_path / "older", world.home.path)
    world.reopen()

    with pytest.raises(PublicationDiffers):
        publish(world, tmp_path / "log")
    with pytest.raises(PublicationDiffers):
        publish(world, tmp_path / "log", receipts=9)  # longer again, but another history
    assert files(tmp_path / "log") == before


def test_another_log_does_not_replace_it(world: World, tmp_path: Path) -> None:
    publish(world, tmp_path / "log")
    other = World.at(tmp_path / "other")
    before = files(tmp_path / "log")

    with pytest.raises(PublicationDiffers):
        publish(other, tmp_path / "log")
    assert files(tmp_path / "log") == before


def test_a_folder_with_other_things_is_left_alone(world: World, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "letter.txt").write_text("x")

    with pytest.raises(PublicationDiffers):
        publish(world, tmp_path / "home")
    assert set(files(tmp_path / "home")) == {"letter.txt"}


def test_a_run_that_was_cut_off_is_made_good(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "log"
    publish(world, folder, receipts=300)
    (folder / "checkpoint").rename(folder / "checkpoint.new")
    (folder / "tile" / "0" / "000").write_bytes(b"half")

    publish(world, folder, receipts=1)

    assert check(world, folder) == world.ledger.size()


def test_a_checkpoint_never_covers_what_is_not_there(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Stopped after each single file: whoever reads then finds a whole log, old or new.
    folder = tmp_path / "log"
    publish(world, folder, receipts=250)
    old = world.ledger.size()
    for _ in range(20):
        world.receive("C01", 10_000)
    found = published(world)
    sizes = set()
    put, left = Path.replace, [0]

    def counting(self: Path, target: Path) -> Path:
        if not left[0]:
            raise InterruptedError
        left[0] -= 1
        return put(self, target)

    monkeypatch.setattr(Path, "replace", counting)
    for files_written in range(100):
        left[0] = files_written
        try:
            write_static_log(world.ledger, *found, folder)
        except InterruptedError:
            sizes.add(check(world, folder))
            continue
        break
    assert sizes == {old}
    assert check(world, folder) == found[0].size


def altered(name: str, change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def alter(folder: Path) -> None:
        path = folder / name
        path.write_bytes(change(path.read_bytes()))

    return alter


def flipped(at: int) -> Callable[[bytes], bytes]:
    return lambda data: data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


@pytest.mark.parametrize(
    "attack",
    [
        pytest.param(altered("tile/0/000", flipped(0)), id="a hash altered"),
        pytest.param(altered("tile/entries/000", flipped(900)), id="an entry altered"),
        pytest.param(altered("tile/entries/000", lambda data: data[:-5]), id="a bundle cut off"),
        pytest.param(altered("tile/0/000", lambda data: data[:-32]), id="a tile cut off"),
        pytest.param(lambda folder: (folder / "tile/0/000").unlink(), id="a tile missing"),
        pytest.param(lambda folder: (folder / "tile/entries/000").unlink(), id="bundle missing"),
        pytest.param(lambda folder: (folder / "checkpoint").unlink(), id="checkpoint missing"),
        pytest.param(altered("checkpoint", flipped(20)), id="checkpoint altered"),
        pytest.param(altered("checkpoint", lambda data: data[:-9]), id="checkpoint cut off"),
    ],
)
def test_what_was_altered_does_not_hold(
    world: World, tmp_path: Path, attack: Callable[[Path], None]
) -> None:
    publish(world, tmp_path / "log", receipts=300)

    attack(tmp_path / "log")

    with pytest.raises(LedgerError):
        check(world, tmp_path / "log")


def test_the_entry_at_fault_is_named_and_not_what_rests_on_it(world: World, tmp_path: Path) -> None:
    publish(world, tmp_path / "log")
    [path] = (tmp_path / "log" / "tile" / "entries").rglob("*.p/*")
    raw = path.read_bytes()
    first, *_ = read_bundle(raw)
    # The founding key no longer comes to be known, and it signed the checkpoint.
    payload = payload_of(first)
    renamed = payload.replace(b"service_key.registered", b"service_key.registerec")
    told = first.replace(b64encode(payload), b64encode(renamed))
    path.write_bytes(raw.replace(first, told))
    with pytest.raises(EntryBroken, match=r"^position 0, "):
        check(world, tmp_path / "log")

    for change in (-1, 1):
        length = (len(first) + change).to_bytes(2)
        path.write_bytes(length + raw[2:])
        with pytest.raises(PublicationUnreadable, match=r"^entry 0: "):
            check(world, tmp_path / "log")
    path.write_bytes(raw[:-1])
    with pytest.raises(PublicationUnreadable, match=f"^entry {world.ledger.size() - 1} in tile/"):
        check(world, tmp_path / "log")


def test_a_checkpoint_may_claim_any_size_and_is_refused_at_once(
    world: World, tmp_path: Path
) -> None:
    publish(world, tmp_path / "log")
    path = tmp_path / "log" / "checkpoint"
    checkpoint = Checkpoint.from_body(split_note(path.read_text())[0])
    forged = replace(checkpoint, size=1 << 60)
    path.write_text(sign_note(forged, checkpoint.origin, world.ledger.signer))

    with pytest.raises(PublicationUnreadable, match="tile/entries/000: missing"):
        check(world, tmp_path / "log")


def test_a_log_founded_by_another_key_is_not_ours(world: World, tmp_path: Path) -> None:
    # Everything signed anew from the first event on: it holds in itself, but not for who knows us.
    other = World.at(tmp_path / "other").settle_in()
    publish(other, tmp_path / "log")

    assert check(other, tmp_path / "log") == other.ledger.size()
    with pytest.raises(EntryBroken):
        check(world, tmp_path / "log")
    assert check(world, tmp_path / "log", "") == other.ledger.size()  # not pinned: nothing to tell


def test_a_checkpoint_by_a_stranger_does_not_hold(world: World, tmp_path: Path) -> None:
    publish(world, tmp_path / "log")
    path = tmp_path / "log" / "checkpoint"
    checkpoint = Checkpoint.from_body(split_note(path.read_text())[0])
    path.write_text(sign_note(checkpoint, checkpoint.origin, Ed25519Signer.generate()))

    with pytest.raises(LedgerError):
        check(world, tmp_path / "log")
