"""Checkpoint notes: the public format, strictly, and notes that must not open."""

import re
from base64 import b64decode, b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.evidence.checkpoint import (
    Checkpoint,
    open_note,
    sign_note,
)
from ledger.evidence.merkle import EMPTY_ROOT
from ledger.evidence.note import NoteBroken, NoteKey
from tests.evidence.sample_log import LOG_KEY, ORIGIN, SERVICE_SIGNER, STRANGER

CHECKPOINT = Checkpoint(ORIGIN, 7, EMPTY_ROOT)
NOTE = sign_note(CHECKPOINT, ORIGIN, SERVICE_SIGNER)
SIGNATURE = NOTE.split("\n\n")[1]
WITNESS = NoteKey("witness.example/w1", STRANGER.public_key)


def signed(body: str, name: str = ORIGIN) -> str:
    """Sign any text at all as a note, rightly."""
    key_hash = NoteKey(name, SERVICE_SIGNER.public_key).key_hash
    line = b64encode(key_hash + SERVICE_SIGNER.sign(body.encode())).decode()
    return f"{body}\n— {name} {line}\n"


def test_a_note_has_the_form_of_the_public_specification() -> None:
    body, signature = NOTE.split("\n\n")

    assert body.split("\n") == [ORIGIN, "7", b64encode(EMPTY_ROOT).decode()]
    found = re.fullmatch(rf"— {ORIGIN} (\S+)\n", signature)
    assert found
    raw = b64decode(found[1])
    assert len(raw) == 4 + 64
    assert raw[4:] == SERVICE_SIGNER.sign(f"{body}\n".encode())


@given(st.integers(0, 2**63 - 1), st.binary(min_size=32, max_size=32))
def test_a_note_opens_to_the_checkpoint_that_was_signed(size: int, root: bytes) -> None:
    checkpoint = Checkpoint(ORIGIN, size, root)

    assert open_note(sign_note(checkpoint, ORIGIN, SERVICE_SIGNER), [LOG_KEY]) == checkpoint


def test_a_verifier_key_reads_as_published_for_another_log() -> None:
    # The key and name of the Go checksum database, sum.golang.org.
    published = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"

    key = NoteKey.from_vkey(published)

    assert key.name == "sum.golang.org"
    assert key.vkey() == published


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "name+033de0ae",
        "sum.golang.org+033de0af+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8",
        "sum.golang.com+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8",
        "sum.golang.org+033DE0AE+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8",
        "sum.golang.org+033de0ae+As4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8",
        "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuA==",
        "sum.golang.org+033de0ae+Ac4zctda0e5eza HJyk9SxEdh+s3Ux18htTTAD8OuAn8",
        "a name+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8",
        "+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8",
    ],
)
def test_a_verifier_key_that_disagrees_with_itself_is_refused(text: str) -> None:
    with pytest.raises(NoteBroken):
        NoteKey.from_vkey(text)


def test_signatures_by_unknown_keys_do_not_matter() -> None:
    others = sign_note(CHECKPOINT, WITNESS.name, STRANGER).split("\n\n")[1]
    same_name = sign_note(CHECKPOINT, ORIGIN, STRANGER).split("\n\n")[1]

    for note in (NOTE + others, NOTE + same_name, NOTE.replace(SIGNATURE, others + SIGNATURE)):
        assert open_note(note, [LOG_KEY]) == CHECKPOINT


def test_a_known_witness_must_have_signed_truly() -> None:
    good = NOTE + sign_note(CHECKPOINT, WITNESS.name, STRANGER).split("\n\n")[1]
    other = Checkpoint(ORIGIN, 8, EMPTY_ROOT)
    bad = NOTE + sign_note(other, WITNESS.name, STRANGER).split("\n\n")[1]

    assert open_note(good, [LOG_KEY, WITNESS]) == CHECKPOINT
    with pytest.raises(NoteBroken):
        open_note(bad, [LOG_KEY, WITNESS])


def test_a_witness_alone_does_not_vouch_for_a_log() -> None:
    note = sign_note(CHECKPOINT, WITNESS.name, STRANGER)

    with pytest.raises(NoteBroken):
        open_note(note, [LOG_KEY, WITNESS])


def test_a_checkpoint_of_another_log_under_the_same_key_is_refused() -> None:
    other = Checkpoint("other.example/log", 7, EMPTY_ROOT)

    with pytest.raises(NoteBroken):
        open_note(sign_note(other, ORIGIN, SERVICE_SIGNER), [LOG_KEY])
    with pytest.raises(NoteBroken):
        open_note(sign_note(other, other.origin, SERVICE_SIGNER), [LOG_KEY])


def test_a_key_of_the_same_name_cannot_stand_in() -> None:
    forged = sign_note(CHECKPOINT, ORIGIN, STRANGER)

    with pytest.raises(NoteBroken):
        open_note(forged, [LOG_KEY])
    with pytest.raises(NoteBroken):
        open_note(NOTE, [])


@given(st.data())
def test_a_changed_character_of_the_text_or_signature_is_refused(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(NOTE) - 1))
    char = data.draw(st.characters().filter(lambda char: char != NOTE[at]))

    with pytest.raises(NoteBroken):
        open_note(NOTE[:at] + char + NOTE[at + 1 :], [LOG_KEY])


@given(st.integers(0, len(NOTE) - 1))
def test_a_note_cut_short_is_refused(length: int) -> None:
    with pytest.raises(NoteBroken):
        open_note(NOTE[:length], [LOG_KEY])


@given(st.text(max_size=80))
def test_random_text_is_refused(text: str) -> None:
    with pytest.raises(NoteBroken):
        open_note(text, [LOG_KEY])


ROOT = b64encode(EMPTY_ROOT).decode()


@pytest.mark.parametrize(
    "body",
    [
        f"{ORIGIN}\n-1\n{ROOT}\n",
        f"{ORIGIN}\n+7\n{ROOT}\n",
        f"{ORIGIN}\n07\n{ROOT}\n",
        f"{ORIGIN}\n 7\n{ROOT}\n",
        f"{ORIGIN}\n7_0\n{ROOT}\n",
        f"{ORIGIN}\n７\n{ROOT}\n",
        f"{ORIGIN}\n0x7\n{ROOT}\n",
        f"{ORIGIN}\n9223372036854775808\n{ROOT}\n",
        f"{ORIGIN}\n{'9' * 5000}\n{ROOT}\n",
        f"{ORIGIN}\n7\n{ROOT[:-1]}\n",
        f"{ORIGIN}\n7\n{ROOT[:-2]}V=\n",
        f"{ORIGIN}\n7\n{b64encode(bytes(31)).decode()}\n",
        f"{ORIGIN}\n7\n{b64encode(bytes(33)).decode()}\n",
        f"{ORIGIN}\n7\n",
        f"{ORIGIN}\n7\n{ROOT}\n\nmore\n",
        f"\n7\n{ROOT}\n",
        f"{ORIGIN}\r\n7\r\n{ROOT}\r\n",
        f"{ORIGIN}\n7\n{ROOT}\nextension\x00\n",
    ],
)
def test_a_text_that_was_truly_signed_but_is_no_checkpoint_is_refused(body: str) -> None:
    with pytest.raises(NoteBroken):
        open_note(signed(body), [LOG_KEY])


def test_extension_lines_are_signed_too_and_otherwise_ignored() -> None:
    note = signed(f"{ORIGIN}\n7\n{ROOT}\nextension 1\n")

    assert open_note(note, [LOG_KEY]) == CHECKPOINT
    with pytest.raises(NoteBroken):
        open_note(note.replace("extension 1", "extension 2"), [LOG_KEY])


@pytest.mark.parametrize(
    "line",
    [
        SIGNATURE.replace("— ", "- "),
        SIGNATURE.replace("— ", "—  "),
        SIGNATURE.replace("\n", "\r\n"),
        SIGNATURE.replace("\n", " \n"),
        SIGNATURE.replace("=\n", "\n"),
        SIGNATURE.rstrip("\n"),
        "— x AAAA\n" + SIGNATURE,
        "— x+y AAAAAAAAAAAA\n" + SIGNATURE,
        "— x AAAAAAB=\n" + SIGNATURE,
        "garbage\n" + SIGNATURE,
        SIGNATURE + "\n",
        SIGNATURE + "— w AAAAAAAA\n" * 100,
    ],
)
def test_a_malformed_signature_line_spoils_the_note(line: str) -> None:
    assert line != SIGNATURE
    with pytest.raises(NoteBroken):
        open_note(NOTE.replace(SIGNATURE, line), [LOG_KEY])


@pytest.mark.parametrize("name", ["", "two words", "a+b", "a\nb", "a\u3000b", "a\x00b", "\ud800"])
def test_nobody_signs_under_a_name_that_would_break_the_note(name: str) -> None:
    with pytest.raises(NoteBroken):
        sign_note(CHECKPOINT, name, SERVICE_SIGNER)


@pytest.mark.parametrize("origin", ["", "a\n9\nb", "a\x00"])
def test_nobody_signs_for_an_origin_that_would_forge_lines(origin: str) -> None:
    with pytest.raises(NoteBroken):
        sign_note(Checkpoint(origin, 7, EMPTY_ROOT), ORIGIN, SERVICE_SIGNER)
