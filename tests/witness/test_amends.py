"""What is decided by hand at a witness: a stolen key is ended, and a log goes on from before it."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from api.cli.main import app
from ledger.evidence.keys import Ed25519Signer
from ledger.evidence.merkle import leaf_hash
from ledger.evidence.note import NoteBroken, NoteKey
from ledger.witness.amends import (
    AmendReasonMissing,
    LastLogKey,
    LogKeyEnded,
    LogKeyUnknown,
    ResetImpossible,
    end_key,
    reset_log,
    watch_log,
)
from ledger.witness.home import WitnessHome
from ledger.witness.state import WitnessState
from ledger.witness.witnessing import Status, Witness
from tests.witness.test_witnessing import LOG, NOW_S, ORIGIN, Log
from tests.witness.test_witnessing import home as home  # noqa: PLC0414 - a fixture
from tests.witness.test_witnessing import state as state  # noqa: PLC0414 - a fixture
from tests.witness.test_witnessing import witness as witness  # noqa: PLC0414 - a fixture

NEW = Ed25519Signer.from_seed(bytes(range(1, 33)))
STOLEN_VKEY = NoteKey(ORIGIN, LOG.public_key).vkey()
NEW_VKEY = NoteKey(ORIGIN, NEW.public_key).vkey()


class Thieves(Log):
    """A log that goes on from the honest one's first five entries, in the thief's words."""

    def leaves(self, size: int) -> Sequence[bytes]:
        theirs = [leaf_hash(b"theirs %d" % number) for number in range(5, size)]
        return [*Log().leaves(min(size, 5)), *theirs]


HONEST = Log(signer=NEW)


@pytest.fixture
def cosigned(witness: Witness) -> str:
    """Return the honest checkpoint with the witness's lines; a thief has had one more cosigned."""
    answer = witness.add_checkpoint(Log().submit(5), NOW_S)
    assert answer.status is Status.COSIGNED
    assert witness.add_checkpoint(Thieves().submit(6, 5), NOW_S + 60).status is Status.COSIGNED
    return Log().note(5) + answer.text


def replaced(state: WitnessState) -> None:
    watch_log(state, NEW_VKEY)
    end_key(state, STOLEN_VKEY, "私钥被盗", NOW_S)


@pytest.mark.usefixtures("cosigned")
def test_a_stolen_key_speaks_for_its_log_no_more(state: WitnessState, witness: Witness) -> None:
    replaced(state)

    refused = witness.add_checkpoint(Thieves().submit(7, 6), NOW_S)

    assert refused.status is Status.UNTRUSTED
    assert state.logs() == [(ORIGIN, NEW_VKEY)]
    [ended] = state.ended_keys(ORIGIN)
    assert (ended.vkey, ended.reason, ended.time_s) == (STOLEN_VKEY, "私钥被盗", NOW_S)
    with pytest.raises(LogKeyEnded):
        watch_log(state, STOLEN_VKEY)
    with pytest.raises(LogKeyEnded):
        end_key(state, STOLEN_VKEY, "again", NOW_S)


def test_the_last_key_of_a_log_is_not_ended(state: WitnessState) -> None:
    with pytest.raises(LastLogKey):
        end_key(state, STOLEN_VKEY, "私钥被盗", NOW_S)
    with pytest.raises(LogKeyUnknown):
        end_key(state, NEW_VKEY, "私钥被盗", NOW_S)
    with pytest.raises(AmendReasonMissing):
        end_key(state, STOLEN_VKEY, " ", NOW_S)
    assert state.logs() == [(ORIGIN, STOLEN_VKEY)]


def test_a_log_goes_on_from_what_was_cosigned_before_the_theft(
    home: WitnessHome, state: WitnessState, witness: Witness, cosigned: str
) -> None:
    held = state.cosigned(ORIGIN)
    assert held is not None
    replaced(state)
    stuck = witness.add_checkpoint(HONEST.submit(8, 6), NOW_S)
    assert stuck.status is Status.INCONSISTENT
    own = [each.key for each in home.cosigners()]

    back = reset_log(state, own, ORIGIN, cosigned, "窃密者冒签", NOW_S + 100)

    assert (back.size, back.time_s) == (5, NOW_S)
    again = witness.add_checkpoint(HONEST.submit(8, 5), NOW_S + 200)
    assert again.status is Status.COSIGNED, again
    [reset] = state.resets(ORIGIN)
    assert (reset.held_note, reset.note, reset.reason) == (held.note, cosigned, "窃密者冒签")


def test_how_far_a_log_was_is_set_back_with_it(
    home: WitnessHome, state: WitnessState, cosigned: str
) -> None:
    later_s = NOW_S + 7200
    assert state.reached(ORIGIN, later_s) == 6
    replaced(state)

    own = [each.key for each in home.cosigners()]
    reset_log(state, own, ORIGIN, cosigned, "窃密者冒签", NOW_S + 100)

    assert state.reached(ORIGIN, later_s) == 5


def test_a_log_is_set_back_to_nothing_that_was_not_vouched_for(
    home: WitnessHome, state: WitnessState, witness: Witness, cosigned: str
) -> None:
    own = [each.key for each in home.cosigners()]
    replaced(state)
    broken = cosigned[:-6] + ("AAAA" if cosigned[-6:-2] != "AAAA" else "BBBB") + cosigned[-2:]
    refused: dict[type[Exception], Callable[[], object]] = {
        ResetImpossible: lambda: reset_log(state, own, ORIGIN, HONEST.note(4), "r", NOW_S),
        NoteBroken: lambda: reset_log(
            state, own, ORIGIN, Log().note(4), "r", NOW_S, uncosigned=True
        ),
        AmendReasonMissing: lambda: reset_log(state, own, ORIGIN, cosigned, "", NOW_S),
        LogKeyUnknown: lambda: reset_log(state, own, "other", cosigned, "r", NOW_S),
    }
    for refusal, act in refused.items():
        with pytest.raises(refusal):
            act()
    with pytest.raises(NoteBroken):
        reset_log(state, own, ORIGIN, broken, "r", NOW_S)
    with pytest.raises(ResetImpossible, match="6 are held"):
        reset_log(state, own, ORIGIN, HONEST.note(7), "r", NOW_S, uncosigned=True)
    held = state.cosigned(ORIGIN)
    assert held is not None
    assert held.size == 6
    assert state.resets(ORIGIN) == []

    # Whoever runs it may say so all the same, where the thief was the first to come.
    reset_log(state, own, ORIGIN, HONEST.note(4), "r", NOW_S, uncosigned=True)
    assert witness.add_checkpoint(HONEST.submit(8, 4), NOW_S).status is Status.COSIGNED


def test_a_log_of_which_nothing_is_held_is_not_set_back(
    home: WitnessHome, state: WitnessState
) -> None:
    own = [each.key for each in home.cosigners()]

    with pytest.raises(ResetImpossible, match="nothing"):
        reset_log(state, own, ORIGIN, Log().note(4), "r", NOW_S, uncosigned=True)


def test_a_log_is_not_set_back_to_what_is_held(
    home: WitnessHome, state: WitnessState, witness: Witness
) -> None:
    witness.add_checkpoint(Log().submit(5), NOW_S)
    own = [each.key for each in home.cosigners()]

    with pytest.raises(ResetImpossible, match="held already"):
        reset_log(state, own, ORIGIN, Log().note(5), "r", NOW_S, uncosigned=True)


@pytest.mark.usefixtures("cosigned")
def test_what_waits_while_a_key_is_ended_is_not_let_in(
    state: WitnessState, home: WitnessHome
) -> None:
    """It was read under the stolen key, and decided after that had been ended."""
    watch_log(state, NEW_VKEY)

    class Slow(Witness):
        def _believed(self, origin: str) -> list[NoteKey]:
            found = super()._believed(origin)
            if not state.ended_keys(origin):
                end_key(state, STOLEN_VKEY, "私钥被盗", NOW_S)
            return found

    answer = Slow(state, home.cosigners()).add_checkpoint(Thieves().submit(7, 6), NOW_S)

    assert answer.status is Status.UNTRUSTED


def test_the_commands_show_what_was_amended(
    home: WitnessHome, cosigned: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUANZHANG_WITNESS_HOME", str(home.path))
    note = tmp_path / "checkpoint"
    note.write_text(cosigned, encoding="utf-8")

    def run(*words: str) -> Result:
        return CliRunner().invoke(app, ["witness", *words])

    last = run("end-key", STOLEN_VKEY, "--reason", "私钥被盗")
    assert isinstance(last.exception, LastLogKey)
    assert run("add-log", NEW_VKEY).exit_code == 0
    ended = run("end-key", STOLEN_VKEY, "--reason", "私钥被盗")
    assert ended.exit_code == 0, ended.output
    back = run("reset-log", ORIGIN, "--to", str(note), "--reason", "窃密者冒签")
    assert back.exit_code == 0, back.output
    missing = run("reset-log", ORIGIN, "--to", str(tmp_path / "none"), "--reason", "r")
    assert getattr(missing.exception, "code", "") == "publication.unreadable"

    [listed] = json.loads(run("list", "--json").output)
    assert (listed["size"], listed["resets"], listed["keys"]) == (5, 1, [NEW_VKEY])
    assert [each["key"] for each in listed["ended_keys"]] == [STOLEN_VKEY]
    assert "私钥被盗" in run("list").output
    shown = run("show", ORIGIN)
    assert shown.exit_code == 1
    assert "窃密者冒签" in shown.output
    assert Thieves().note(6) in shown.output
