"""A witness cosigns only what goes on from what it cosigned, and keeps what contradicts it."""

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from ledger.evidence.checkpoint import Checkpoint, sign_note
from ledger.evidence.cosignature import cosignatures, with_lines
from ledger.evidence.keys import Ed25519Signer
from ledger.evidence.merkle import EMPTY_ROOT, consistency_path, leaf_hash, root_hash
from ledger.evidence.note import NoteBroken, NoteKey, split_note
from ledger.witness.home import WitnessHome, WitnessHomeTaken, WitnessMissing
from ledger.witness.state import WitnessState
from ledger.witness.witnessing import Status, Submission, Witness

ORIGIN = "city.example/relief"
LOG = Ed25519Signer.from_seed(bytes(range(32)))
NOW_S = 1_800_000_000


class Log:
    """A log of numbered entries; `salt` makes another history."""

    def __init__(
        self, salt: bytes = b"", signer: Ed25519Signer = LOG, origin: str = ORIGIN
    ) -> None:
        self._salt, self._signer, self._origin = salt, signer, origin

    def leaves(self, size: int) -> Sequence[bytes]:
        return [leaf_hash(self._salt + b"%d" % number) for number in range(size)]

    def note(self, size: int) -> str:
        checkpoint = Checkpoint(self._origin, size, root_hash(self.leaves(size)))
        return sign_note(checkpoint, self._origin, self._signer)

    def submit(self, size: int, old_size: int = 0) -> str:
        leaves = self.leaves(size)

        def node(level: int, index: int) -> bytes:
            return root_hash(leaves[index << level : (index + 1) << level])

        proof = consistency_path(old_size, size, node) if 0 < old_size <= size else []
        return Submission(old_size, tuple(proof), self.note(size)).text()


@pytest.fixture
def home(tmp_path: Path) -> WitnessHome:
    home = WitnessHome(tmp_path / "witness")
    home.create("audit.example/w1")
    return home


@pytest.fixture
def state(home: WitnessHome) -> WitnessState:
    state = home.state()
    state.add_log(ORIGIN, NoteKey(ORIGIN, LOG.public_key).vkey())
    return state


@pytest.fixture
def witness(home: WitnessHome, state: WitnessState) -> Witness:
    return Witness(state, home.cosigners())


def test_it_cosigns_a_log_that_grows(home: WitnessHome, witness: Witness) -> None:
    log, keys = Log(), [each.key for each in home.cosigners()]

    held = 0
    for size in (3, 3, 8, 200):
        answer = witness.add_checkpoint(log.submit(size, held), NOW_S + size)
        assert answer.status is Status.COSIGNED, answer
        note = log.note(size) + answer.text
        assert cosignatures(note, keys) == dict.fromkeys(keys, NOW_S + size)
        held = size


def test_it_says_how_far_it_is(witness: Witness) -> None:
    witness.add_checkpoint(Log().submit(5), NOW_S)

    for old_size in (0, 3):
        answer = witness.add_checkpoint(Log().submit(9, old_size), NOW_S)
        assert (answer.status, answer.text) == (Status.OTHER_SIZE, "5\n")


def test_a_split_view_is_refused_and_kept(witness: Witness, state: WitnessState) -> None:
    witness.add_checkpoint(Log().submit(5), NOW_S)

    same_size = witness.add_checkpoint(Log(b"other").submit(5, 5), NOW_S)
    longer = witness.add_checkpoint(Log(b"other").submit(9, 5), NOW_S)

    assert same_size.status is longer.status is Status.INCONSISTENT
    kept = state.refused(ORIGIN)
    assert [each.note for each in kept] == [Log(b"other").note(5), Log(b"other").note(9)]
    assert all(each.held_note and each.held_note.startswith(Log().note(5)) for each in kept)
    # Both are signed by the log: whoever holds its key sees that it told two stories.
    assert witness.add_checkpoint(Log().submit(9, 5), NOW_S).status is Status.COSIGNED


def test_two_roots_of_one_size_are_kept_whatever_size_is_named(
    witness: Witness, state: WitnessState
) -> None:
    witness.add_checkpoint(Log().submit(5), NOW_S)

    answer = witness.add_checkpoint(Log(b"other").submit(5, 0), NOW_S)

    assert answer.status is Status.INCONSISTENT
    assert len(state.refused(ORIGIN)) == 1


def test_a_log_put_back_to_an_older_state_is_refused(witness: Witness) -> None:
    # Rolled back with its own right checkpoint of that time, then grown another way.
    witness.add_checkpoint(Log().submit(9), NOW_S)

    assert witness.add_checkpoint(Log().submit(4), NOW_S).status is Status.OTHER_SIZE
    assert witness.add_checkpoint(Log().submit(4, 9), NOW_S).status is Status.MALFORMED
    grown = witness.add_checkpoint(Log(b"anew").submit(12, 9), NOW_S)
    assert grown.status is Status.INCONSISTENT


def test_a_forged_consistency_proof_is_refused(witness: Witness) -> None:
    witness.add_checkpoint(Log().submit(5), NOW_S)
    right = Submission.from_text(Log().submit(9, 5))

    for proof in ((), right.proof[:-1], (*right.proof, bytes(32)), (bytes(32), *right.proof[1:])):
        wrong = Submission(5, proof, right.note)
        assert witness.add_checkpoint(wrong.text(), NOW_S).status is Status.INCONSISTENT


def test_a_checkpoint_that_is_proved_after_all_is_no_contradiction(
    witness: Witness, state: WitnessState
) -> None:
    """Anybody can send the log's own checkpoint with a proof that proves nothing."""
    witness.add_checkpoint(Log().submit(5), NOW_S)
    witness.add_checkpoint(Submission(5, (), Log().note(9)).text(), NOW_S)
    witness.add_checkpoint(Log(b"other").submit(9, 5), NOW_S)
    assert len(state.refused(ORIGIN)) == 2

    assert witness.add_checkpoint(Log().submit(9, 5), NOW_S).status is Status.COSIGNED

    assert [each.note for each in state.refused(ORIGIN)] == [Log(b"other").note(9)]


def test_from_nothing_no_proof_is_taken(witness: Witness) -> None:
    wrong = Submission(0, (bytes(32),), Log().note(5))

    assert witness.add_checkpoint(wrong.text(), NOW_S).status is Status.INCONSISTENT


def test_an_empty_log_has_its_one_root(witness: Witness) -> None:
    wrong = sign_note(Checkpoint(ORIGIN, 0, bytes(32)), ORIGIN, LOG)
    right = sign_note(Checkpoint(ORIGIN, 0, EMPTY_ROOT), ORIGIN, LOG)

    statuses = [
        witness.add_checkpoint(Submission(0, (), note).text(), NOW_S).status
        for note in (wrong, right)
    ]

    assert statuses == [Status.INCONSISTENT, Status.COSIGNED]


def test_another_log_is_not_known(witness: Witness) -> None:
    other = Log(origin="other.example/log")

    assert witness.add_checkpoint(other.submit(3), NOW_S).status is Status.UNKNOWN_LOG


def test_a_checkpoint_by_a_stranger_is_not_trusted(witness: Witness) -> None:
    forged = Log(signer=Ed25519Signer.generate())

    assert witness.add_checkpoint(forged.submit(3), NOW_S).status is Status.UNTRUSTED


def test_a_bad_signature_beside_a_good_one_spoils_the_note(witness: Witness) -> None:
    note = Log().note(3)
    line = split_note(note)[1][0]
    spoiled = with_lines(note, [line._replace(signature=bytes(64))])

    answer = witness.add_checkpoint(Submission(0, (), spoiled).text(), NOW_S)

    assert answer.status is Status.UNTRUSTED


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "old 0",
        "old 00\n\n",
        "old -1\n\n",
        "old 1e3\n\n",
        "size 0\n\n",
        "old 0\nAAAA\n",
        "old 0\n" + "A" * 43 + "=\n" * 64 + "\n",
        "old 0\n\nx",
        "old 0\n\na\nb\nc\n",
    ],
)
def test_malformed_submissions_are_said_to_be_so(witness: Witness, text: str) -> None:
    note = Log().note(3) if text.endswith("\n\n") and len(text) > 2 else ""

    assert witness.add_checkpoint(text + note, NOW_S).status is Status.MALFORMED


def test_two_requests_that_race_do_not_both_win(home: WitnessHome, state: WitnessState) -> None:
    # Two views of one size, submitted at once, by threads and through two connections.
    other = home.state()
    answers: list[Status] = []

    def submit(held: WitnessState, salt: bytes) -> None:
        text = Log(salt).submit(7)
        answers.append(Witness(held, home.cosigners()).add_checkpoint(text, NOW_S).status)

    threads = [
        threading.Thread(target=submit, args=(each, b"%d" % number))
        for number, each in enumerate((state, other) * 4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers.count(Status.COSIGNED) == 1
    assert answers.count(Status.INCONSISTENT) == 7
    other.close()


def test_a_witness_put_back_to_an_older_state_goes_on_from_there(
    home: WitnessHome, state: WitnessState
) -> None:
    # It cannot know what it forgot: so a ledger asks several, of whom one was not put back.
    Witness(state, home.cosigners()).add_checkpoint(Log().submit(3), NOW_S)
    state.close()
    old = (home.path / "state.sqlite").read_bytes()
    again = home.state()
    Witness(again, home.cosigners()).add_checkpoint(Log().submit(9, 3), NOW_S)
    again.close()
    (home.path / "state.sqlite").write_bytes(old)

    forgetful = Witness(home.state(), home.cosigners())

    assert forgetful.add_checkpoint(Log(b"x").submit(9, 3), NOW_S).status is Status.INCONSISTENT
    assert forgetful.add_checkpoint(Log().submit(9, 3), NOW_S).status is Status.COSIGNED


def test_a_witness_has_a_folder_of_its_own(home: WitnessHome, tmp_path: Path) -> None:
    with pytest.raises(WitnessHomeTaken):
        home.create("audit.example/w2")
    with pytest.raises(WitnessMissing):
        WitnessHome(tmp_path / "none").state()
    with pytest.raises(NoteBroken):
        WitnessHome(tmp_path / "new").create("a name with spaces")
    assert home.path.stat().st_mode & 0o777 == 0o700
    assert all(each.stat().st_mode & 0o077 == 0 for each in home.path.iterdir())
