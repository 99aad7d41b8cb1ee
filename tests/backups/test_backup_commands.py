"""Backups on the command line, as the clock and an operator run them."""

import json
from pathlib import Path

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
