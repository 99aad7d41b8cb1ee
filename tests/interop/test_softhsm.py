"""The ledger's key in a token: SoftHSM by others, driven through PKCS#11 by whole processes."""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.interop.peers import program, run

pytestmark = pytest.mark.interop

MODULES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so")
PIN, WRONG_PIN = "428571", "999999"


@dataclass
class Ledger:
    """A ledger's folder, and the settings that its program is started with."""

    home: Path
    settings: dict[str, str] = field(default_factory=dict)

    def says(self, *words: str | Path, **settings: str) -> str:
        status, out = self.ends(*words, **settings)
        assert status == 0, out
        return out

    def ends(self, *words: str | Path, **settings: str) -> tuple[int, str]:
        """Run the program; nothing it prints, well or ill, may hold the PIN."""
        known = {"NUANZHANG_HOME": str(self.home), **self.settings, **settings}
        ran = run(sys.executable, "-m", "api.cli", *words, **known)
        assert known["NUANZHANG_PKCS11_PIN"] not in ran.stdout + ran.stderr
        return ran.returncode, ran.stdout + ran.stderr

    def service_keys(self) -> list[Mapping[str, object]]:
        found: list[Mapping[str, object]] = json.loads(self.says("key", "list", "--json"))
        return [each for each in found if each["owner"] == "the ledger"]


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    (tmp_path / "tokens").mkdir()
    config = tmp_path / "softhsm2.conf"
    config.write_text(f"directories.tokendir = {tmp_path / 'tokens'}\n")
    pins = ("--so-pin", "285714", "--pin", PIN)
    made = run(
        *(program("softhsm2-util"), "--init-token", "--free", "--label", "暖账", *pins),
        SOFTHSM2_CONF=str(config),
    )
    assert made.returncode == 0, made.stderr
    module = next(each for each in MODULES if Path(each).exists())
    return Ledger(
        tmp_path / "data",
        {
            "SOFTHSM2_CONF": str(config),
            "NUANZHANG_PKCS11_MODULE": module,
            "NUANZHANG_PKCS11_TOKEN": "暖账",
            "NUANZHANG_PKCS11_PIN": PIN,
        },
    )


def test_a_ledger_is_founded_and_runs_with_its_key_in_a_token(ledger: Ledger) -> None:
    made = ledger.says("key", "make-in-token", "service-2026")
    assert ledger.says("key", "make-in-token", "service-2026") == made
    ledger.settings["NUANZHANG_PKCS11_KEY"] = "service-2026"

    ledger.says("init")
    ledger.says("key", "reanchor")

    assert "everything holds" in ledger.says("verify")
    assert not (ledger.home / "keys" / "service.key").exists()
    [key] = ledger.service_keys()
    assert str(key["key_id"]) in made


def test_a_ledger_goes_over_from_a_file_to_a_token_and_to_the_next_key(ledger: Ledger) -> None:
    ledger.says("init")
    rotate = ("key", "rotate", "--reason", "HSM", "--token-key")

    # First run: registered, and the file's key signs on. Repeating it changes nothing.
    assert "NUANZHANG_PKCS11_KEY=first" in ledger.says(*rotate, "first")
    ledger.says(*rotate, "first")
    assert [each["state"] for each in ledger.service_keys()] == ["in force", "in force"]
    ledger.says("key", "reanchor")
    # Second run, under the new setting: the file's key is retired, and its file is gone.
    ledger.settings["NUANZHANG_PKCS11_KEY"] = "first"
    ledger.says("key", "reanchor")
    assert "is retired" in ledger.says(*rotate, "first")
    assert not (ledger.home / "keys" / "service.key").exists()
    ledger.says(*rotate, "second")
    ledger.settings["NUANZHANG_PKCS11_KEY"] = "second"
    ledger.says(*rotate, "second")

    assert [each["state"] for each in ledger.service_keys()] == ["ended", "ended", "in force"]
    assert "everything holds" in ledger.says("verify")
    status, said = ledger.ends("key", "reanchor", NUANZHANG_PKCS11_KEY="first")
    assert (status, said.startswith("service_key.ended: ")) == (1, True)


def test_a_file_rotation_leaves_a_key_alone_that_waits_in_a_token(ledger: Ledger) -> None:
    # Registered in the token, but the setting was never changed; then the file's key is rotated.
    ledger.says("init")
    ledger.says("key", "rotate", "--reason", "HSM", "--token-key", "waiting")

    ledger.says("key", "rotate", "--reason", "yearly", "--algorithm", "sm2-sm3")

    assert [(each["algorithm"], each["state"]) for each in ledger.service_keys()] == [
        ("ed25519", "ended"),
        ("ed25519", "ended"),
        ("sm2-sm3", "in force"),
    ]
    assert "everything holds" in ledger.says("verify")


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"NUANZHANG_PKCS11_PIN": WRONG_PIN}, "token.unusable"),
        ({"NUANZHANG_PKCS11_TOKEN": "another"}, "token.unusable"),
        ({"NUANZHANG_PKCS11_MODULE": "/nowhere.so"}, "token.unusable"),
        ({"NUANZHANG_PKCS11_KEY": "another"}, "token.key_missing"),
        ({"NUANZHANG_PKCS11_TOKEN": ""}, "settings.token_not_set"),
        ({"NUANZHANG_SERVICE_KEY": "11" * 32}, "settings.service_key_twice"),
    ],
)
def test_a_token_that_does_not_serve_is_refused_and_nothing_is_written(
    ledger: Ledger, settings: dict[str, str], code: str
) -> None:
    ledger.says("key", "make-in-token", "own")
    ledger.settings["NUANZHANG_PKCS11_KEY"] = "own"
    ledger.says("init")
    ledger.says("verify")
    before = (ledger.home / "events.sqlite").read_bytes()

    status, said = ledger.ends("key", "reanchor", **settings)

    assert status == 1, said
    assert said.startswith(f"{code}: "), said
    assert (ledger.home / "events.sqlite").read_bytes() == before


def test_a_key_of_the_token_that_the_log_does_not_know_signs_nothing(ledger: Ledger) -> None:
    ledger.says("init")
    ledger.says("key", "make-in-token", "stranger")

    status, said = ledger.ends("key", "reanchor", NUANZHANG_PKCS11_KEY="stranger")

    assert (status, said.startswith("service_key.foreign: ")) == (1, True)


def test_a_token_does_not_hand_its_key_out(ledger: Ledger) -> None:
    ledger.says("key", "make-in-token", "own")
    asked = (
        "import os, pkcs11\n"
        "from pkcs11 import Attribute, ObjectClass\n"
        "token = pkcs11.lib(os.environ['NUANZHANG_PKCS11_MODULE']).get_token(token_label='暖账')\n"
        "with token.open(user_pin=os.environ['NUANZHANG_PKCS11_PIN']) as session:\n"
        "    [key] = session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY})\n"
        "    print(key[Attribute.EXTRACTABLE], key[Attribute.SENSITIVE])\n"
        "    print(key[Attribute.VALUE])\n"
    )

    ran = run(sys.executable, "-c", asked, **ledger.settings)

    assert ran.stdout.split() == ["False", "True"]
    assert "AttributeSensitive" in ran.stderr


def test_only_ed25519_is_asked_of_a_token(ledger: Ledger) -> None:
    ledger.says("init")

    status, said = ledger.ends(
        *("key", "rotate", "--reason", "x", "--token-key", "k", "--algorithm", "sm2-sm3")
    )

    assert (status, said.startswith("token.algorithm: ")) == (1, True)
