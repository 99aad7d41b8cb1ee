"""Key ceremonies as people hold them: commands, passphrases, and what is said aloud."""

import contextlib
import io
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from api.cli.main import main
from ledger.evidence.keys import Algorithm
from ledger.evidence.note import NoteKey
from tests.world import World

WORDS = "春风送暖 twelve words"


@dataclass
class Desk:
    """Where the operator sits; all that was printed is kept."""

    folder: Path
    settings: dict[str, str] = field(default_factory=dict)
    printed: str = ""

    @property
    def home(self) -> Path:
        return self.folder / "data"

    def run(self, *words: str | Path, passphrase: str = WORDS) -> tuple[int, str]:
        end, start = os.pipe()
        os.write(start, passphrase.encode() + b"\n")
        os.close(start)
        texts = [str(end) if word == "FD" else str(word) for word in words]
        heard, status = io.StringIO(), 0
        with pytest.MonkeyPatch.context() as patching:
            patching.setattr(sys, "argv", ["nuanzhang", *texts])
            for name, value in {"NUANZHANG_HOME": str(self.home), **self.settings}.items():
                patching.setenv(name, value)
            with contextlib.redirect_stdout(heard), contextlib.redirect_stderr(heard):
                try:
                    main()
                except SystemExit as ended:
                    status = int(ended.code or 0)
        if "FD" not in words:  # else whoever read the passphrase has closed it
            os.close(end)
        self.printed += heard.getvalue()
        return status, heard.getvalue()

    def says(self, *words: str | Path) -> str:
        status, said = self.run(*words)
        assert status == 0, said
        return said

    def listed(self) -> list[Mapping[str, object]]:
        found: list[Mapping[str, object]] = json.loads(self.says("key", "list", "--json"))
        return found

    def enrol(self, staff: str, algorithm: Algorithm) -> tuple[str, Path]:
        """Have an officer make a key, and the operator register it; return id and file."""
        path = self.folder / f"{staff}.pem"
        made = ("key", "new", path, "--algorithm", algorithm.value, "--passphrase-fd", "FD")
        key = self.says(*made).split("public key: ")[1].split()[0]
        key_id = self.says("key", "enrol", staff, key).split()[1]
        return key_id, path


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    world = World.at(tmp_path).settle_in()
    world.ledger.close()
    return Desk(tmp_path)


def signed(staff: str, path: Path) -> tuple[str | Path, ...]:
    return "--officer", staff, "--key-file", path, "--passphrase-fd", "FD"


def test_a_key_is_lost_and_the_ledger_recovers(desk: Desk) -> None:
    secret = (desk.home / "keys" / "service.key").read_text()
    _, first = desk.enrol("A-C01", Algorithm.SM2_SM3)
    _, second = desk.enrol("A-X01", Algorithm.ML_DSA_44)
    [lost] = [each for each in desk.listed() if each["owner"] == "the ledger"]
    old = str(lost["key_id"])
    since = 1 + max(int(str(each["valid_from"])) for each in desk.listed())

    said = desk.says("key", "rotate", "--reason", "偷", "--algorithm", "sm2-sm3")
    vkey = said.split("verifier key from then on: ")[1].split()[0]
    assert NoteKey.from_vkey(vkey).public_key.algorithm is Algorithm.SM2_SM3
    lost_from = ("key", "compromised", old, "--reason", "偷", "--from", str(since))
    assert "proves nothing" in desk.says(*lost_from, *signed("A-C01", first))
    status, said = desk.run("verify")
    assert (status, "IN DOUBT" in said, "everything holds" in said) == (1, True, True)
    published = ("verify-publication", desk.folder / "log", "--key", old)
    desk.says("publish", desk.folder / "log")
    status, said = desk.run(*published)
    assert (status, "IN DOUBT" in said, "HOLDS" in said) == (1, True, True)
    recover = ("key", "recover", "--reason", "核对一致")
    assert "1 of 2 officers" in desk.says(*recover, *signed("A-C01", first))
    assert desk.run("verify")[0] == 1
    _, late = desk.enrol("A-X02", Algorithm.ED25519)
    assert "does not count" in desk.says(*recover, *signed("A-X02", late))
    assert desk.run("verify")[0] == 1
    assert "they count again" in desk.says(*recover, *signed("A-X01", second))

    desk.says("publish", desk.folder / "log")
    assert "IN DOUBT" not in desk.says(*published)
    assert "everything holds" in desk.says("verify")
    [state] = [each["state"] for each in desk.listed() if each["key_id"] == old]
    assert state == f"lost from {since}, reaffirmed"
    for hidden in (secret, (desk.home / "keys" / "service.key").read_text(), WORDS):
        assert hidden.strip() not in desk.printed


def test_an_officers_key_is_listed_with_its_custody_and_ends(desk: Desk) -> None:
    ended, _ = desk.enrol("H-X01", Algorithm.ED25519)
    stolen, _ = desk.enrol("R-X01", Algorithm.ED25519)
    since = next(each["valid_from"] for each in desk.listed() if each["key_id"] == stolen)

    desk.says("key", "revoke", "H-X01", ended, "--reason", "离任")
    revoked = ("key", "revoke", "R-X01", stolen, "--reason", "丢失")
    desk.says(*revoked, "--compromised-from", str(since))

    shown = {each["key_id"]: each for each in desk.listed()}
    assert (shown[ended]["state"], shown[ended]["custody"]) == ("ended", "officer")
    assert shown[stolen]["state"] == f"lost from {since}, in doubt"
    in_words = desk.says("key", "list")
    assert f"{ended} ed25519 of" in in_words
    assert "held by officer" in in_words


def test_a_new_suite_holds_the_old_log_too(desk: Desk) -> None:
    for algorithm in ("ml-dsa-65", "sm2-sm3", "ed25519"):
        desk.says("key", "rotate", "--reason", "换算法", "--algorithm", algorithm)
        desk.says("key", "reanchor")

    assert "everything holds" in desk.says("verify")
    own = [each for each in desk.listed() if each["owner"] == "the ledger"]
    assert [(each["algorithm"], each["state"]) for each in own] == [
        ("ed25519", "ended"),
        ("ml-dsa-65", "ended"),
        ("sm2-sm3", "ended"),
        ("ed25519", "in force"),
    ]


def test_a_key_from_the_environment_founds_a_ledger(tmp_path: Path) -> None:
    desk = Desk(tmp_path, {"NUANZHANG_SERVICE_KEY": "sm2-sm3:" + "5a" * 32})

    desk.says("init")
    desk.says("key", "reanchor")

    assert "everything holds" in desk.says("verify")
    assert not (desk.home / "keys" / "service.key").exists()
    status, said = desk.run("key", "rotate", "--reason", "x")
    assert (status, said.startswith("service_key.kept_elsewhere: ")) == (1, True)
    assert "5a" * 32 not in desk.printed
    desk.settings["NUANZHANG_SERVICE_KEY"] = "6b" * 32
    status, said = desk.run("key", "reanchor")
    assert (status, said.startswith("service_key.foreign: ")) == (1, True)


@pytest.mark.parametrize(
    ("words", "passphrase", "code"),
    [
        (
            ("key", "new", "short.pem", "--passphrase-fd", "FD"),
            "short",
            "key_file.passphrase_short",
        ),
        (("key", "enrol", "A-C01", "ed25519:AAAA"), "", "evidence.signature_broken"),
        (("key", "enrol", "A-C01", "rsa:AAAA"), "", "key.unreadable"),
        (("key", "enrol", "A-C01", "ed25519"), "", "evidence.signature_broken"),
        (("key", "enrol", "nobody", "ed25519:" + "A" * 42 + "I="), "", "ledger.not_on_record"),
        (("key", "retire", "ab" * 16, "--reason", "x"), "", "ledger.not_on_record"),
        (("key", "make-in-token", "x"), "", "settings.token_not_set"),
    ],
)
def test_a_ceremony_that_goes_wrong_says_so_and_writes_nothing(
    desk: Desk, words: tuple[str, ...], passphrase: str, code: str
) -> None:
    before = (desk.home / "events.sqlite").read_bytes()

    status, said = desk.run(*words, passphrase=passphrase)

    assert (status, said.split(": ")[0]) == (1, code), said
    assert (desk.home / "events.sqlite").read_bytes() == before
    assert not Path("short.pem").exists()


def test_the_wrong_passphrase_and_the_wrong_officer_recover_nothing(desk: Desk) -> None:
    _, path = desk.enrol("A-C01", Algorithm.ED25519)
    recover = ("key", "recover", "--reason", "x")

    status, said = desk.run(*recover, *signed("A-C01", path), passphrase="another passphrase")
    assert (status, said.split(": ")[0]) == (1, "key_file.unreadable")
    status, said = desk.run(*recover, *signed("A-X01", path))
    assert (status, said.split(": ")[0]) == (1, "officer.key_unknown")
    status, said = desk.run(*recover, *signed("H-C01", path))
    assert (status, said.split(": ")[0]) == (1, "duty.role_missing")
