"""A pack is held against what one knows from elsewhere: a kept checkpoint, a size, witnesses."""

import io
import json
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.cli.main import app
from ledger.anchoring.publications import NeverPublished, Published, announce
from ledger.evidence.checkpoint import Checkpoint
from ledger.evidence.cosignature import Cosigner, cosign, with_lines
from ledger.evidence.keys import Ed25519Signer
from ledger.evidence.log import CheckpointDiffers
from ledger.evidence.merkle import root_at
from ledger.evidence.note import split_note
from ledger.evidence.pack import Pack, PackBroken
from ledger.evidence.pack_check import root_before
from ledger.packs import verify_pack as plain
from ledger.packs.contents import subject_of
from ledger.packs.file import PackFiles
from ledger.packs.handing_over import PackOrder, hand_over
from ledger.packs.known import KEPT, Known, check_known, cosigned_at
from ledger.packs.making import make_pack
from ledger.store.map_store import MapStore
from tests.world import World

AUDIT = Cosigner("audit.example/w1", Ed25519Signer.generate())
PROVINCE = Cosigner("province.example/w1", Ed25519Signer.generate())

IN_JANUARY, IN_FEBRUARY = 1_484_000_000, 1_486_000_000
"""2017-01-09T22:13:20Z and 2017-02-02T01:46:40Z."""


@dataclass
class Years:
    """A ledger that published twice; of the first time, somebody kept the checkpoint."""

    world: World
    maps: MapStore
    kept: Published
    last: Published

    def note(self) -> Checkpoint:
        return Checkpoint.from_body(split_note(self.kept.note)[0])

    def hand_over(self, since: Checkpoint | None = None) -> bytes:
        subject = subject_of(self.world.ledger, "fund", "X01/送温暖")
        order = PackOrder("fund", subject, since=since)
        return hand_over(self.world.ledger, self.maps, self.last, self.world.act(), order)

    def make(self, since: int | None = None) -> Pack:
        subject = subject_of(self.world.ledger, "fund", "X01/送温暖")
        return make_pack(self.world.ledger, self.maps, self.last, "fund", subject, since=since)


@pytest.fixture(scope="module")
def years(tmp_path_factory: pytest.TempPathFactory) -> Years:
    world = World.at(tmp_path_factory.mktemp("years")).settle_in()
    maps = MapStore(world.home.map)
    world.receive("X02", 100_000)
    kept = announce(world.ledger, maps, world.act())
    world.receive("X02", 200_000)
    world.receive("X01", 500_000)
    last = announce(world.ledger, maps, world.act())
    body, _ = split_note(last.note)
    lines = [cosign(body, AUDIT, IN_FEBRUARY), cosign(body, PROVINCE, IN_JANUARY)]
    return Years(world, maps, kept, replace(last, note=with_lines(last.note, lines)))


@pytest.fixture(scope="module")
def carried(years: Years) -> bytes:
    return years.hand_over(since=years.note())


def checked(folder: Path, data: bytes, *words: str) -> tuple[int, str]:
    """Run `nuanzhang verify-pack` on a pack; return its exit status and what it printed."""
    path = folder / "pack.zip"
    path.write_bytes(data)
    ran = CliRunner().invoke(app, ["verify-pack", str(path), *words])
    return ran.exit_code, ran.output


def checked_plainly(folder: Path, data: bytes, *words: str) -> tuple[int, str]:
    """Run the second verifier as from a command line."""
    path = folder / "pack.zip"
    path.write_bytes(data)
    printed = io.StringIO()
    with redirect_stdout(printed):
        status = plain.asked([str(path), *words])
    return status, printed.getvalue()


def of(pack: Pack) -> PackFiles:
    return PackFiles(pack, {})


def test_a_pack_made_since_a_checkpoint_shows_that_the_log_went_on_from_it(
    years: Years, carried: bytes, tmp_path: Path
) -> None:
    key = years.world.ledger.founding_key_id()
    note = tmp_path / "kept"
    note.write_text(years.kept.note)
    words = ("--checkpoint", str(note))

    status, printed = checked(tmp_path, carried, "--key", key, *words)
    plainly, printed_plainly = checked_plainly(tmp_path, carried, key, *words)

    assert (status, plainly) == (0, 0), printed + printed_plainly
    told = f"its log goes on from the {years.kept.size} entries that were kept"
    assert told in printed
    assert told in printed_plainly


def test_a_pack_that_cannot_show_it_says_so_and_does_not_pass(years: Years, tmp_path: Path) -> None:
    key = years.world.ledger.founding_key_id()
    note = tmp_path / "kept"
    note.write_text(years.kept.note)
    data, words = years.hand_over(), ("--checkpoint", str(note))

    status, printed = checked(tmp_path, data, "--key", key, *words)
    told, as_json = checked(tmp_path, data, "--key", key, *words, "--json")
    plainly, printed_plainly = checked_plainly(tmp_path, data, key, *words)

    assert status == told == plainly == 1
    assert printed.splitlines()[-1].startswith("NOT ALL CHECKED")
    assert json.loads(as_json)["holds"] is False
    assert json.loads(as_json)["unchecked"] == [KEPT]
    assert "NOT SHOWN that its log goes on" in printed_plainly
    assert "NOT ALL CHECKED" in printed_plainly


def test_a_pack_of_another_history_than_was_kept_is_refused(
    years: Years, carried: bytes, tmp_path: Path
) -> None:
    kept = years.note()
    note = tmp_path / "kept"
    note.write_text(years.kept.note.replace(kept.body(), replace(kept, root=b"\x01" * 32).body()))
    key = years.world.ledger.founding_key_id()

    status, printed = checked(tmp_path, carried, "--key", key, "--checkpoint", str(note))
    plainly, printed_plainly = checked_plainly(tmp_path, carried, key, "--checkpoint", str(note))

    assert status == plainly == 1
    assert "BROKEN: pack: its log does not begin with" in printed
    assert "BROKEN: it does not begin with" in printed_plainly


@pytest.mark.parametrize(
    ("change", "cause"),
    [({"size": 10_000_000}, "older"), ({"origin": "other.example/log"}, "log")],
)
def test_a_pack_older_than_what_was_kept_or_of_another_log_is_refused(
    years: Years, carried: bytes, tmp_path: Path, change: dict[str, object], cause: str
) -> None:
    kept = years.note()
    body = Checkpoint(
        str(change.get("origin", kept.origin)), int(str(change.get("size", kept.size))), kept.root
    ).body()
    note = tmp_path / "kept"
    note.write_text(years.kept.note.replace(kept.body(), body))
    key = years.world.ledger.founding_key_id()

    status, printed = checked(tmp_path, carried, "--key", key, "--checkpoint", str(note))
    plainly, printed_plainly = checked_plainly(tmp_path, carried, key, "--checkpoint", str(note))

    assert status == plainly == 1
    for said in (printed, printed_plainly):
        assert "BROKEN" in said.splitlines()[-1]
        assert cause in said.splitlines()[-1]


def test_hashes_that_lead_nowhere_show_no_kept_checkpoint(years: Years) -> None:
    # A node that is given beside those on the way to the root proves nothing: with enough of them
    # the pack would seem to go on from any checkpoint of a history that was taken back.
    pack = years.make()
    size = next(
        size
        for size in range(3, years.last.size)
        if {size, size - 1}.isdisjoint(pack.entries)
        and any(each not in pack.nodes for each in peaks(size))
    )
    made_up = dict.fromkeys(peaks(size), b"\x01" * 32) | dict(pack.nodes)

    assert root_before(replace(pack, nodes=made_up), size) is None
    [step] = check_known(
        of(replace(pack, nodes=made_up)),
        Known(kept=Checkpoint(pack.origin, size, b"\x02" * 32)),
    )
    assert step.unchecked == (KEPT,)


def peaks(size: int) -> list[tuple[int, int]]:
    """Return level and index of each complete subtree that a tree of this size consists of."""
    found, start = [], 0
    for level in reversed(range(size.bit_length())):
        if size >> level & 1:
            found.append((level, start >> level))
            start += 1 << level
    return found


def test_every_root_that_a_pack_shows_is_the_one_that_the_log_had(years: Years) -> None:
    pack = years.make(since=years.kept.size)
    node = years.world.ledger.log.subtree_hash
    shown = 0
    for size in range(1, years.last.size + 1):
        root = root_before(pack, size)
        if root is not None:
            assert root == root_at(size, node)
            shown += 1
    assert shown > len(pack.entries)
    assert root_before(pack, years.kept.size) == years.note().root


def test_no_pack_is_made_since_what_this_log_never_published(years: Years) -> None:
    kept = years.note()

    with pytest.raises(NeverPublished):
        years.hand_over(since=replace(kept, size=kept.size - 1))
    with pytest.raises(CheckpointDiffers):
        years.hand_over(since=replace(kept, root=b"\x01" * 32))
    with pytest.raises(CheckpointDiffers):
        years.hand_over(since=replace(kept, origin="other.example/log"))


def test_an_earlier_checkpoint_costs_one_entry(years: Years) -> None:
    more = years.make(since=years.kept.size).entries.keys() - years.make().entries.keys()

    assert more == {years.kept.size - 1}


def test_packs_are_made_since_a_checkpoint_from_the_command_line(
    years: Years, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUANZHANG_HOME", str(years.world.home.path))
    note, out = tmp_path / "kept", tmp_path / "p.zip"
    note.write_text(years.kept.note)
    wrong = tmp_path / "wrong"
    wrong.write_text("no note")

    words = ["pack", "fund", "X01/送温暖", "--out", str(out), "--since"]
    made = CliRunner().invoke(app, [*words, str(note)])
    refused = CliRunner().invoke(app, [*words, str(wrong)])

    key = made.output.split("--key ")[1].strip()
    assert checked(tmp_path, out.read_bytes(), "--key", key, "--checkpoint", str(note))[0] == 0
    assert refused.exit_code == 1


def test_a_pack_may_be_asked_to_be_of_some_size(
    years: Years, carried: bytes, tmp_path: Path
) -> None:
    key, size = years.world.ledger.founding_key_id(), years.last.size

    for at_least, status in ((size, 0), (size + 1, 1)):
        words = ("--at-least", str(at_least))
        assert checked(tmp_path, carried, "--key", key, *words)[0] == status
        assert checked_plainly(tmp_path, carried, key, *words)[0] == status


@pytest.mark.parametrize(
    ("not_before", "status"),
    [
        ("2017-02-02T01:46:40Z", 0),
        ("2017-02-02T09:46:40+08:00", 0),
        ("2017-02-02T01:46:41", 1),
        ("2017-01-31", 0),
        ("2017-03-01", 1),
    ],
)
def test_a_pack_may_be_asked_to_be_as_new_as_a_day(
    years: Years, carried: bytes, tmp_path: Path, not_before: str, status: int
) -> None:
    key, words = years.world.ledger.founding_key_id(), ("--not-before", not_before)

    ours = checked(tmp_path, carried, "--key", key, "--witness", AUDIT.key.vkey(), *words)
    plainly = checked_plainly(tmp_path, carried, key, AUDIT.key.vkey(), *words)

    assert ours[0] == plainly[0] == status, ours[1] + plainly[1]


def test_time_is_told_by_witnesses_alone(years: Years, carried: bytes, tmp_path: Path) -> None:
    key, words = years.world.ledger.founding_key_id(), ("--not-before", "2017-01-01")

    assert checked(tmp_path, carried, "--key", key, *words)[0] == 2
    assert checked_plainly(tmp_path, carried, key, *words)[0] == 1


def test_as_new_as_enough_witnesses_say(years: Years) -> None:
    read = of(years.make())
    keys = [AUDIT.key, PROVINCE.key]

    moments = [cosigned_at(read, keys, needed) for needed in (0, 1, 2)]

    assert [None if each is None else each.isoformat() for each in moments] == [
        None,
        "2017-02-02T01:46:40+00:00",
        "2017-01-09T22:13:20+00:00",
    ]
    with pytest.raises(PackBroken):
        cosigned_at(read, keys, 3)


def test_the_verdict_says_as_of_when(years: Years, carried: bytes, tmp_path: Path) -> None:
    key, vkey = years.world.ledger.founding_key_id(), AUDIT.key.vkey()

    _, alone = checked(tmp_path, carried, "--key", key)
    _, witnessed = checked(tmp_path, carried, "--key", key, "--witness", vkey)
    _, as_json = checked(tmp_path, carried, "--key", key, "--witness", vkey, "--json")
    _, plainly = checked_plainly(tmp_path, carried, key, vkey)

    assert "on the ledger's own word" in alone.splitlines()[-1]
    at = "as of 2017-02-02T01:46:40+00:00 (cosigned)"
    assert at in witnessed.splitlines()[-1]
    assert at in plainly.splitlines()[-1]
    told = json.loads(as_json)
    assert (told["as_of"], told["cosigned"]) == ("2017-02-02T01:46:40+00:00", True)
    assert told["size"] == years.last.size


def test_what_was_given_wrongly_is_not_the_packs_fault(years: Years, tmp_path: Path) -> None:
    data, key = years.hand_over(), years.world.ledger.founding_key_id()

    for words in (("--checkpoint", str(tmp_path / "nowhere")), ("--not-before", "yesterday")):
        status, printed = checked_plainly(tmp_path, data, key, *words)
        assert status == 2
        assert "BROKEN" not in printed
