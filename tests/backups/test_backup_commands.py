"""Backups on the command line, as the clock and an operator run them."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from uuid import UUID

from api.background.sealing import Seal
from api.background.store import BackgroundStore
from api.background.webhooks import Subscriptions
from ledger.store.home import Home
from tests.api.test_command_line import nuanzhang
from tests.backups.backing_up import PASSPHRASE, note_at
from tests.world import Person, World


def test_a_backup_is_taken_drilled_and_put_back(tmp_path: Path) -> None:
    world = World.at(tmp_path).settle_in()
    world.file(Person(1))
    note = tmp_path / "note"
    note.write_text(note_at(world))
    world.ledger.close()
    home, folder, back = world.home.path, tmp_path / "backup", tmp_path / "back"

    taken = nuanzhang(
        home, "backup", "create", folder, "--with-keys", "--passphrase-fd", "0", typed=PASSPHRASE
    )
    checked = nuanzhang(home, "backup", "verify", folder, "--key", world.home.founding_key_id())
    drilled = nuanzhang(
        home, "backup", "drill", folder, "--checkpoint", note, "--keys", home / "keys", "--json"
    )
    keyless = nuanzhang(home, "backup", "restore", folder, back)
    restored = nuanzhang(
        tmp_path / "nowhere",
        *("backup", "restore", folder, back, "--keys-inside", "--passphrase-fd", "0"),
        typed=PASSPHRASE,
    )
    verified = nuanzhang(back, "verify", "--checkpoint", note, "--json")

    assert taken.returncode == checked.returncode == 0, taken.stderr + checked.stderr
    assert "left out: jobs" in taken.stdout
    said = json.loads(drilled.stdout)
    assert (drilled.returncode, said["passed"], said["rpo_events"]) == (0, True, 0)
    assert (said["checkpoint_held"], said["keys_tried"]) == (said["size"], True)
    assert (keyless.returncode, keyless.stderr.split(":")[0]) == (1, "backup.keys_missing")
    assert restored.returncode == 0, restored.stderr
    assert Home(back).service_key.stat().st_mode & 0o777 == 0o600
    assert json.loads(verified.stdout)["checkpoint_held"] == said["size"]
    for told in (taken, checked, drilled, restored):
        assert PASSPHRASE not in told.stdout + told.stderr


def test_keys_from_before_a_rotation_are_found_out(tmp_path: Path) -> None:
    world = World.at(tmp_path).settle_in()
    world.ledger.close()
    home, folder, back, kept = (
        world.home.path,
        tmp_path / "backup",
        tmp_path / "back",
        tmp_path / "kept",
    )
    shutil.copytree(home / "keys", kept)

    rotated = nuanzhang(home, "key", "rotate", "--reason", "每年更换")
    taken = nuanzhang(home, "backup", "create", folder)
    drilled = nuanzhang(home, "backup", "drill", folder, "--keys", kept, "--json")
    copied = nuanzhang(home, "backup", "drill", folder, "--keys", home / "keys", "--json")
    restored = nuanzhang(tmp_path / "nowhere", "backup", "restore", folder, back, "--keys", kept)

    assert (rotated.returncode, taken.returncode) == (0, 0), rotated.stderr + taken.stderr
    assert "copy" in rotated.stdout
    assert [each["code"] for each in json.loads(drilled.stdout)["faults"]] == [
        "backup.signing_key_ended"
    ]
    assert (drilled.returncode, copied.returncode) == (1, 0), copied.stdout
    assert restored.returncode == 1
    assert "NOT WRITABLE" in restored.stdout
    assert Home(back).exists()


def test_another_ledgers_index_key_is_found_out(tmp_path: Path) -> None:
    world = World.at(tmp_path).settle_in()
    world.ledger.close()
    home, folder, kept = world.home.path, tmp_path / "backup", tmp_path / "kept"
    nuanzhang(home, "backup", "create", folder)
    shutil.copytree(home / "keys", kept)
    (kept / "index.key").write_text("00" * 32)

    drilled = nuanzhang(home, "backup", "drill", folder, "--keys", kept)

    assert (drilled.returncode, drilled.stderr.split(":")[0]) == (1, "vault.index_key_wrong")


def test_a_loss_is_accepted_by_its_size(tmp_path: Path) -> None:
    world = World.at(tmp_path).settle_in()
    size = world.ledger.size()
    world.ledger.close()
    before = world.home.events.read_bytes()
    world.reopen()
    world.file(Person(1))
    world.ledger.close()
    world.home.events.write_bytes(before)
    jobs = BackgroundStore(world.home.jobs)
    webhooks = Subscriptions(jobs, Seal(bytes(32)))
    webhooks.make("https://example.org/hook", [], UUID(int=1), size + 2, 0)

    refused = nuanzhang(world.home.path, "anchor")
    other = nuanzhang(world.home.path, "backup", "accept-loss", str(size + 1))
    accepted = nuanzhang(world.home.path, "backup", "accept-loss", str(size))
    gone_on = nuanzhang(world.home.path, "anchor")

    assert (refused.returncode, refused.stderr.split(":")[0]) == (1, "log.shorter")
    assert (other.returncode, other.stderr.split(":")[0]) == (1, "log.loss_unlike")
    assert accepted.returncode == 0
    assert f"positions {size} to" in accepted.stdout
    assert "log.shorter" not in gone_on.stderr
    assert [each.next_position for each in webhooks.list_all()] == [size]
    jobs.close()


def test_a_drill_whose_line_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    world = World.at(tmp_path).settle_in()
    world.ledger.close()
    home, folder, scratch = world.home.path, tmp_path / "backup", tmp_path / "scratch"
    scratch.mkdir()
    nuanzhang(home, "backup", "create", folder)
    drill = subprocess.Popen(
        [
            *(sys.executable, "-m", "api.cli", "backup", "drill", str(folder)),
            *("--keys", str(home / "keys"), "--scratch", str(scratch)),
        ],
        env={**os.environ, "NUANZHANG_HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    end = time.monotonic() + 60
    while not (found := list(scratch.glob("nuanzhang-drill-*/ledger/keys"))):
        assert time.monotonic() < end
        time.sleep(0.01)
    drill.send_signal(signal.SIGHUP)

    assert found
    assert drill.wait(60) == 128 + signal.SIGHUP
    assert list(scratch.iterdir()) == []
