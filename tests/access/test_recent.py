"""Whoever was recognised a moment ago is not looked up again, and is let in no longer for it."""

from collections.abc import Callable
from contextlib import closing
from datetime import date
from threading import Thread

import pytest
from httpx2 import Response

from api.access.door import Door
from api.access.passkeys import RelyingParty
from api.access.recent import POSTS_S, SHOWN_S, Holder, Recent, Shown
from api.access.sessions import IDLE_S
from ledger.commands import officers
from ledger.domain.officer import Role, officer_id
from tests.api.service import TODAY, Service
from tests.api.staging import end_post, refusal

WHO = "K-C01"
ME = "/v1/session"
NOT_SIGNED_IN = (401, "access.not_signed_in")


def seen(service: Service, **headers: str) -> Response:
    """Ask twice; the second time from what is kept."""
    for _ in range(2):
        answer = service.browser(WHO).get(ME, headers=headers)
        assert answer.status_code == 200, answer.text
    return answer


def elsewhere(service: Service) -> Door:
    """Return the door as another process has it."""
    return Door(service.world.home.access, RelyingParty("localhost", "http://localhost"))


@pytest.mark.parametrize("where", ["here", "another process"])
def test_who_is_signed_out_is_out_at_once(service: Service, where: str) -> None:
    seen(service)
    with closing(elsewhere(service)) as other:
        door = service.served.door if where == "here" else other
        door.sign_out_everywhere(officer_id(WHO), officer_id(WHO), service.clock.now_s)

    assert refusal(service.browser(WHO).get(ME)) == NOT_SIGNED_IN


def test_one_session_that_is_ended_is_ended_at_once(service: Service) -> None:
    seen(service)
    secret = service.browser(WHO).cookies["nuanzhang_session"]

    service.served.door.sign_out(secret, officer_id(WHO), service.clock.now_s)

    assert refusal(service.browser(WHO).get(ME)) == NOT_SIGNED_IN


def test_a_token_that_is_revoked_is_good_no_more(service: Service) -> None:
    door, now_s = service.served.door, service.clock.now_s
    text, token = door.issue_token(
        officer_id(WHO), label="t", read_only=False, ttl_s=3600, now_s=now_s
    )
    program = {"authorization": f"Bearer {text}"}
    for _ in range(2):
        assert service.browser().get(ME, headers=program).status_code == 200

    door.revoke_token(officer_id(WHO), token.token_id, now_s)

    assert refusal(service.browser().get(ME, headers=program)) == NOT_SIGNED_IN


def test_whose_last_post_ends_is_out_at_once(service: Service) -> None:
    seen(service)

    end_post(service, WHO, "C01", "出纳")

    assert refusal(service.browser(WHO).get(ME)) == (401, "access.post_ended")


def test_a_post_that_is_given_counts_at_once(service: Service) -> None:
    seen(service)
    order = officers.Appointment(WHO, "某某", "X01", Role.HANDLER)

    officers.appoint_officer(service.world.ledger, service.world.act(day=TODAY), order)

    posts = service.browser(WHO).get(ME).json()["posts"]
    assert sorted(each["role"] for each in posts) == sorted([Role.CASHIER, Role.HANDLER])


def test_a_session_ends_by_itself_as_before(service: Service) -> None:
    seen(service)
    for _ in range(3):
        service.clock.now_s += IDLE_S - 1
        seen(service)

    service.clock.now_s += IDLE_S

    assert refusal(service.browser(WHO).get(ME)) == NOT_SIGNED_IN


def test_a_token_ends_when_it_was_said_to(service: Service) -> None:
    text, _ = service.served.door.issue_token(
        officer_id(WHO), label="t", read_only=False, ttl_s=10, now_s=service.clock.now_s
    )
    program = {"authorization": f"Bearer {text}"}
    for _ in range(2):
        assert service.browser().get(ME, headers=program).status_code == 200

    service.clock.now_s += 10

    assert refusal(service.browser().get(ME, headers=program)) == NOT_SIGNED_IN


def test_a_token_that_reads_writes_nothing_after_it_read(service: Service) -> None:
    text, _ = service.served.door.issue_token(
        officer_id(WHO), label="t", read_only=True, ttl_s=3600, now_s=service.clock.now_s
    )
    program = {"authorization": f"Bearer {text}"}
    assert service.browser().get(ME, headers=program).status_code == 200

    answer = service.browser().post("/v1/appropriations", json={}, headers=program)

    assert refusal(answer) == (403, "access.token_reads_only")


def test_a_session_is_no_token_and_a_token_no_session(service: Service) -> None:
    seen(service)
    secret = service.browser(WHO).cookies["nuanzhang_session"]
    text, _ = service.served.door.issue_token(
        officer_id(WHO), label="t", read_only=False, ttl_s=3600, now_s=service.clock.now_s
    )
    assert service.browser().get(ME, headers={"authorization": f"Bearer {text}"}).is_success

    as_token = service.browser().get(ME, headers={"authorization": f"Bearer {secret}"})
    as_session = service.browser().get(ME, headers={"cookie": f"nuanzhang_session={text}"})

    assert refusal(as_token) == refusal(as_session) == NOT_SIGNED_IN


def test_while_somebody_writes_nobody_is_taken_at_their_word(service: Service) -> None:
    seen(service)

    assert service.served.door.endings() is not None
    with service.served.door.sessions._store.writing():
        told: list[int | None] = []
        in_a_thread(lambda: told.append(service.served.door.endings()))

    assert told == [None]


def in_a_thread(act: Callable[[], None]) -> None:
    thread = Thread(target=act)
    thread.start()
    thread.join()


# By itself.

SHOWN = Shown(officer_id(WHO), read_only=False, until_s=10_000)
HOLDER = Holder(officer_id(WHO), WHO, frozenset(), date(2017, 1, 1), 3)


def test_a_secret_is_kept_for_half_a_minute_and_as_long_as_it_is_good() -> None:
    recent = Recent()
    recent.keep_shown("session", "s", 7, 1_000, SHOWN)

    assert recent.shown("session", "s", 7, 1_000 + SHOWN_S - 1) == SHOWN
    assert recent.shown("session", "s", 7, 1_000 + SHOWN_S) is None
    assert recent.shown("session", "s", 7, 999) is None, "the clock was set back"
    assert recent.shown("session", "s", 8, 1_000) is None
    assert recent.shown("session", "s", None, 1_000) is None
    assert recent.shown("token", "s", 7, 1_000) is None
    recent.keep_shown("session", "s", None, 1_000, SHOWN)
    recent.keep_shown("session", "late", 7, 9_999, SHOWN)
    assert recent.shown("session", "late", 7, 9_999) == SHOWN
    assert recent.shown("session", "late", 7, 10_000) is None


def test_posts_are_kept_for_a_second() -> None:
    hands = [0.0]
    recent = Recent(lambda: hands[0])
    recent.keep_holder(HOLDER)

    assert recent.holder(HOLDER.officer_id) == HOLDER
    hands[0] += POSTS_S
    assert recent.holder(HOLDER.officer_id) is None
