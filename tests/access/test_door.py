"""Signing in: passwords, invitations, waiting, sessions, tokens, and what the journal keeps."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from api.access.door import Door
from api.access.lockout import FREE_TRIES, FREE_TRIES_ELSEWHERE
from api.access.passkeys import RelyingParty
from api.access.refusals import InvitationUnknown, PasswordWeak, SignInFailed, TooManyTries
from api.access.sessions import IDLE_S, LONGEST_S
from tests.api.service import CHEAP

NOW = 1_700_000_000
STAFF, PASSWORD, HERE = "S0001", "correct horse battery", "10.0.0.1"
PARTY = RelyingParty("localhost", "http://localhost")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "access.sqlite"


@pytest.fixture
def door(path: Path) -> Iterator[Door]:
    found = Door(path, PARTY, CHEAP)
    yield found
    found.close()


def invited(door: Door, staff: str = STAFF, password: str = PASSWORD) -> UUID:
    officer = uuid4()
    door.accept(door.invite(officer, staff, None, NOW), password, None, HERE, NOW)
    return officer


def fail(door: Door, times: int, device: str | None = None, address: str = "10.6.6.6") -> None:
    for _ in range(times):
        with pytest.raises(SignInFailed):
            door.sign_in(STAFF, "wrong", device, address, NOW)


def test_a_code_is_good_once_within_a_day(door: Door) -> None:
    officer = uuid4()
    code = door.invite(officer, STAFF, None, NOW)
    with pytest.raises(PasswordWeak):
        door.accept(code, "short", None, HERE, NOW)
    with pytest.raises(PasswordWeak):
        door.accept(code, f"my-number-{STAFF}", None, HERE, NOW)
    with pytest.raises(InvitationUnknown):
        door.accept(code, PASSWORD, None, HERE, NOW + 24 * 3600)

    signed_in = door.accept(code, PASSWORD, None, HERE, NOW)

    assert signed_in.officer_id == officer
    with pytest.raises(InvitationUnknown):
        door.accept(code, PASSWORD, None, HERE, NOW)
    assert door.sign_in(STAFF, PASSWORD, None, HERE, NOW).officer_id == officer


def test_a_new_password_ends_what_was_signed_in_under_the_old_one(door: Door) -> None:
    officer = invited(door)
    secret = door.sign_in(STAFF, PASSWORD, None, HERE, NOW).secret
    token, _ = door.issue_token(officer, label="t", read_only=True, ttl_s=60, now_s=NOW)

    door.accept(door.invite(officer, STAFF, None, NOW), "another long one", None, HERE, NOW)

    assert door.sessions.find(secret, NOW) is None
    assert door.tokens.find(token, NOW) is None
    with pytest.raises(SignInFailed):
        door.sign_in(STAFF, PASSWORD, None, HERE, NOW)


def test_unknown_accounts_and_wrong_passwords_are_told_alike(door: Door) -> None:
    invited(door)
    said = []
    for staff, password in ((STAFF, "wrong"), ("NOBODY", PASSWORD), (STAFF, "x" * 10_000)):
        with pytest.raises(SignInFailed) as refused:
            door.sign_in(staff, password, None, HERE, NOW)
        said.append(str(refused.value))

    assert len(set(said)) == 1


def test_whoever_guesses_waits_and_locks_out_neither_known_devices_nor_other_addresses(
    door: Door,
) -> None:
    invited(door)
    device = door.sign_in(STAFF, PASSWORD, None, HERE, NOW).device
    fail(door, FREE_TRIES)
    with pytest.raises(TooManyTries) as refused:
        door.sign_in(STAFF, PASSWORD, None, "10.6.6.6", NOW)
    assert refused.value.retry_after_s >= 1

    assert door.sign_in(STAFF, PASSWORD, None, "10.7.7.7", NOW)
    for each in range(FREE_TRIES_ELSEWHERE - FREE_TRIES):
        fail(door, 1, address=f"10.8.0.{each}")
    with pytest.raises(TooManyTries):
        door.sign_in(STAFF, PASSWORD, None, "10.9.9.9", NOW)
    assert door.sign_in(STAFF, PASSWORD, device, "10.9.9.9", NOW)
    assert door.sign_in(STAFF, PASSWORD, None, "10.9.9.9", NOW + 16 * 60)


def test_a_device_that_was_stolen_waits_by_itself(door: Door) -> None:
    invited(door)
    device = door.sign_in(STAFF, PASSWORD, None, HERE, NOW).device
    fail(door, FREE_TRIES, device=device)

    with pytest.raises(TooManyTries):
        door.sign_in(STAFF, PASSWORD, device, HERE, NOW)
    assert door.sign_in(STAFF, PASSWORD, None, HERE, NOW)


def test_sessions_are_short_and_new_at_each_sign_in(door: Door) -> None:
    invited(door)
    first, second = (door.sign_in(STAFF, PASSWORD, None, HERE, NOW).secret for _ in range(2))
    assert first != second
    assert door.sessions.find(first, NOW + IDLE_S - 1)
    assert door.sessions.find(first, NOW + 2 * IDLE_S - 2)
    assert door.sessions.find(second, NOW + IDLE_S) is None
    seen = NOW
    while seen < NOW + LONGEST_S - IDLE_S:
        seen += IDLE_S - 1
        door.sessions.find(first, seen)
    assert door.sessions.find(first, NOW + LONGEST_S) is None
    assert door.sessions.find("made-up", NOW) is None


def test_signing_out_everywhere_ends_sessions_and_tokens(door: Door) -> None:
    officer = invited(door)
    secret = door.sign_in(STAFF, PASSWORD, None, HERE, NOW).secret
    token, _ = door.issue_token(officer, label="t", read_only=True, ttl_s=60, now_s=NOW)

    assert door.sign_out_everywhere(officer, officer, NOW) == 3

    assert door.sessions.find(secret, NOW) is None
    assert door.tokens.find(token, NOW) is None


def test_a_token_is_good_for_its_time_as_it_was_shown(door: Door) -> None:
    officer = invited(door)
    text, token = door.issue_token(officer, label="t", read_only=True, ttl_s=60, now_s=NOW)

    found = door.tokens.find(text, NOW)
    assert found is not None
    assert (found.officer_id, found.read_only) == (officer, True)
    assert door.tokens.find(text, NOW + 60) is None
    assert door.tokens.find(text[:-1] + ("a" if text[-1] != "a" else "b"), NOW) is None
    for odd in ("", "nz", "nz__", f"nz_{token.token_id}_", "xx_" + text):
        assert door.tokens.find(odd, NOW) is None


def test_no_secret_stands_in_the_file(door: Door, path: Path) -> None:
    officer = uuid4()
    code = door.invite(officer, STAFF, None, NOW)
    signed_in = door.accept(code, PASSWORD, None, HERE, NOW)
    text, _ = door.issue_token(officer, label="t", read_only=False, ttl_s=60, now_s=NOW)

    kept = b"".join(each.read_bytes() for each in path.parent.iterdir())

    for secret in (code, PASSWORD, signed_in.secret, signed_in.device, text.split("_", 2)[2]):
        assert secret.encode() not in kept
    assert path.stat().st_mode & 0o077 == 0


def test_the_journal_says_what_happened_and_to_whom(door: Door) -> None:
    officer = invited(door)
    fail(door, 1)
    with pytest.raises(SignInFailed):
        door.sign_in("NOBODY", "wrong", None, HERE, NOW)

    said = [(each.what, each.officer_id) for each in door.journal.entries()]

    assert said == [
        ("invited", officer),
        ("password.set", officer),
        ("sign_in.invitation", officer),
        ("sign_in.failed", officer),
        ("sign_in.failed", None),
    ]
    assert [each.number for each in door.journal.entries(after=3)] == [4, 5]
