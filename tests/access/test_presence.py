"""Who has somebody's session makes nothing of it that lasts longer."""

from typing import Any

import pytest

from api.access.sessions import PRESENT_S
from ledger.domain.officer import officer_id
from tests.access.ceremonies import OTHER, OURS, WHO, added, sign_in, to_sign_in
from tests.api.service import SECURITY, Service
from tests.api.staging import refusal

PASSWORD = "seven quiet herons at dawn"
ASKED = (403, "access.presence_not_proved")
HTML = {"accept": "text/html"}


def let_in(service: Service, staff: str = WHO) -> None:
    """Have an officer set a password; whatever they had before ends with it."""
    code = service.served.door.invite(officer_id(staff), staff, None, service.clock.now_s)
    service.browsers.pop(staff, None)
    answer = service.browser("").post(
        "/v1/session/invitation", json={"code": code, "password": PASSWORD}
    )
    assert answer.is_success, answer.text
    service.browsers.pop("", None)


def prove(service: Service, staff: str = WHO, **shown: Any) -> Any:
    return service.post(staff, "/v1/session/presence", shown)


def tries(service: Service, passkey_id: str) -> list[Any]:
    """Return what comes of all that lets in for longer than a session, over both ways."""
    http = service.browser(WHO)
    return [
        service.post(WHO, "/v1/tokens", {"label": "mine"}),
        service.post(WHO, "/v1/passkeys/options"),
        service.post(WHO, "/v1/passkeys", {"credential": {}}),
        http.delete(f"/v1/passkeys/{passkey_id}"),
        http.delete("/v1/sessions", params={"passkeys": "true"}),
        http.post("/my-account/tokens", data={"key": "k1", "label": "t", "days": "1"}),
        http.post(f"/my-account/passkeys/{passkey_id}/removal", data={"key": "k2"}),
        http.post("/my-account/sessions/ending", data={"key": "k3", "passkeys": "yes"}),
    ]


def journal(service: Service) -> list[str]:
    return [each.what for each in service.served.door.journal.entries()]


def test_a_session_of_a_while_ago_makes_no_token_and_touches_no_passkey(service: Service) -> None:
    let_in(service)
    added(service)
    [passkey] = service.get(WHO, "/v1/passkeys")
    service.clock.now_s += PRESENT_S

    refused = tries(service, passkey["passkey_id"])
    page = service.browser(WHO).get("/my-account", headers=HTML).text

    assert [refusal(each) for each in refused] == [ASKED] * len(refused)
    assert service.get(WHO, "/v1/passkeys") == [passkey]
    assert service.get(WHO, "/v1/tokens") == []
    assert ("data-presence" in page, "data-add-passkey" in page) == (True, False)
    assert PRESENT_S == 600


def test_the_password_shows_it_anew_for_ten_minutes_and_that_session_alone(
    service: Service,
) -> None:
    let_in(service)
    other = service.browser(WHO)
    service.browsers.pop(WHO)
    service.browser(WHO)
    service.clock.now_s += PRESENT_S

    wrong = prove(service, password="seven quiet herons at dusk")
    still = service.post(WHO, "/v1/tokens", {"label": "mine"})
    right = prove(service, password=PASSWORD)
    made = service.post(WHO, "/v1/tokens", {"label": "mine"})
    elsewhere = other.post("/v1/tokens", json={"label": "mine"})
    service.clock.now_s += PRESENT_S
    later = service.post(WHO, "/v1/tokens", {"label": "mine"})

    assert refusal(wrong) == (401, "access.sign_in_failed")
    assert (right.status_code, made.status_code) == (204, 201)
    assert [refusal(each) for each in (still, elsewhere, later)] == [ASKED] * 3
    assert journal(service)[-3:] == ["presence.failed", "presence.password", "token.issued"]


def test_a_passkey_of_ones_own_shows_it_anew_and_nobody_elses(service: Service) -> None:
    own, others = added(service), added(service, OTHER)
    service.clock.now_s += PRESENT_S

    of_another = prove(service, credential=others.get(to_sign_in(service), OURS))
    nothing = prove(service, credential={})
    still = service.post(WHO, "/v1/tokens", {"label": "mine"})
    right = prove(service, credential=own.get(to_sign_in(service), OURS))
    made = service.post(WHO, "/v1/tokens", {"label": "mine"})

    assert refusal(of_another) == refusal(nothing) == (401, "access.passkey_refused")
    assert refusal(still) == ASKED
    assert (right.status_code, made.status_code) == (204, 201)


def test_a_token_shows_nobody_and_one_thing_is_shown(service: Service) -> None:
    let_in(service)
    token = service.done(WHO, "/v1/tokens", {"label": "p", "read_only": False})["token"]
    program = service.browser("")
    program.headers["authorization"] = f"Bearer {token}"

    refused = program.post("/v1/session/presence", json={"password": PASSWORD})

    assert refusal(refused) == (401, "access.not_signed_in")
    both: dict[str, Any] = {"password": PASSWORD, "credential": {}}
    for shown in ({}, both):
        assert prove(service, **shown).status_code == 422


def test_whoever_guesses_passwords_in_a_session_waits_as_at_the_door(service: Service) -> None:
    let_in(service)

    answers = [prove(service, password=f"heron {number}") for number in range(7)]

    assert refusal(answers[-1]) == (429, "access.wait")
    assert answers[0].status_code == 401


@pytest.mark.parametrize(("passkeys", "lets_in"), [("", 200), ("?passkeys=true", 401)])
def test_who_ends_all_is_told_which_passkeys_stay_and_may_end_them(
    service: Service, passkeys: str, lets_in: int
) -> None:
    passkey = added(service)
    page = service.browser(WHO).get("/my-account", headers=HTML).text
    service.done(WHO, "/v1/tokens", {"label": "p"})

    ended = service.browser(WHO).delete(f"/v1/sessions{passkeys}")

    assert "仍能登录的有 1 个：</p>" not in page
    assert "仍能登录的有 1 个：办公室" in page
    assert ended.status_code == 204
    assert service.served.door.tokens.list_of(officer_id(WHO)) == []
    assert sign_in(service, passkey.get(to_sign_in(service), OURS)).status_code == lets_in


def test_whoever_an_administrator_signs_out_comes_back_by_no_passkey(service: Service) -> None:
    passkey = added(service)

    service.post(SECURITY, f"/v1/officers/{officer_id(WHO)}/sign-outs")

    assert sign_in(service, passkey.get(to_sign_in(service), OURS)).status_code == 401
    assert journal(service)[-3:] == ["sign_out.everywhere", "passkey.removed", "passkey.failed"]
