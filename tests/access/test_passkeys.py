"""Passkeys over the routes, answered by an authenticator in software: what does not let in."""

import pytest

from api.access.passkeys import CHALLENGE_TTL_S
from ledger.domain.officer import officer_id
from tests.access.authenticator import (
    EDDSA,
    ES256,
    Authenticator,
    Page,
    client_data,
    padless,
    unpadded,
)
from tests.access.ceremonies import (
    OTHER,
    OURS,
    REFUSED,
    WHO,
    add,
    added,
    sign_in,
    to_add,
    to_sign_in,
)
from tests.api.service import Service
from tests.api.staging import end_post, refusal


def journal(service: Service) -> list[str]:
    return [each.what for each in service.served.door.journal.entries()]


@pytest.mark.parametrize("algorithm", [ES256, EDDSA])
def test_a_passkey_that_was_added_signs_in_again_and_again(
    service: Service, algorithm: int
) -> None:
    passkey = added(service, algorithm=algorithm)

    for _ in range(2):
        answer = sign_in(service, passkey.get(to_sign_in(service), OURS))

        assert answer.status_code == 200, answer.text
        assert answer.json()["staff_number"] == WHO
        assert service.get("", "/v1/session")["officer_id"] == str(officer_id(WHO))
    assert journal(service) == ["passkey.added", "sign_in.passkey", "sign_in.passkey"]


def test_an_authenticator_that_does_not_count_may_stay_at_nought(service: Service) -> None:
    passkey = added(service)

    for _ in range(2):
        passkey.sign_count = -1
        answer = sign_in(service, passkey.get(to_sign_in(service), OURS))
        assert answer.status_code == 200, answer.text


def test_the_options_ask_for_the_user_and_do_not_say_who_has_a_passkey(service: Service) -> None:
    passkey = added(service)

    adding, signing_in = to_add(service), to_sign_in(service)

    assert adding["authenticatorSelection"]["userVerification"] == "required"
    assert adding["authenticatorSelection"]["residentKey"] == "required"
    assert [each["id"] for each in adding["excludeCredentials"]] == [padless(passkey.credential_id)]
    assert (adding["rp"]["id"], signing_in["rpId"]) == ("localhost", "localhost")
    assert signing_in["userVerification"] == "required"
    assert not signing_in.get("allowCredentials")
    assert to_sign_in(service)["challenge"] != signing_in["challenge"]


@pytest.mark.parametrize(
    "elsewhere",
    [
        Page("http://localhost:8018", "localhost"),
        Page("https://localhost:8017", "localhost"),
        Page("http://localhost.evil.example", "localhost"),
        Page("http://localhost:8017", "evil.example"),
    ],
)
def test_another_origin_and_another_relying_party_are_refused(
    service: Service, elsewhere: Page
) -> None:
    passkey = added(service)

    signing_in = sign_in(service, passkey.get(to_sign_in(service), elsewhere))
    adding = add(service, Authenticator().create(to_add(service), elsewhere))

    assert refusal(signing_in) == REFUSED
    assert refusal(adding) == REFUSED
    assert service.browser("").get("/v1/session").status_code == 401
    assert len(to_add(service)["excludeCredentials"]) == 1


def test_a_challenge_is_good_once_also_when_its_answer_was_refused(service: Service) -> None:
    passkey = added(service)
    options = to_sign_in(service)
    used = passkey.get(options, OURS)
    assert sign_in(service, used).status_code == 200

    replayed = sign_in(service, used)
    afresh = sign_in(service, passkey.get(options, OURS))
    spoilt = to_sign_in(service)
    assert refusal(sign_in(service, Authenticator().get(spoilt, OURS))) == REFUSED
    second = sign_in(service, passkey.get(spoilt, OURS))

    assert [refusal(each) for each in (replayed, afresh, second)] == [REFUSED] * 3
    assert journal(service).count("passkey.failed") == 4


def test_an_answer_to_adding_is_good_once(service: Service) -> None:
    credential = Authenticator().create(to_add(service), OURS)
    assert add(service, credential).status_code == 204

    assert refusal(add(service, credential)) == REFUSED


def test_a_challenge_is_good_for_five_minutes(service: Service) -> None:
    passkey = added(service)
    signing_in, adding = to_sign_in(service), to_add(service)
    service.clock.now_s += CHALLENGE_TTL_S - 1
    assert sign_in(service, passkey.get(signing_in, OURS)).status_code == 200
    signing_in = to_sign_in(service)
    service.clock.now_s += 1
    assert refusal(add(service, Authenticator().create(adding, OURS))) == REFUSED

    service.clock.now_s += CHALLENGE_TTL_S - 1

    assert CHALLENGE_TTL_S == 300
    assert refusal(sign_in(service, passkey.get(signing_in, OURS))) == REFUSED


def test_challenges_for_adding_and_for_signing_in_do_not_stand_for_one_another(
    service: Service,
) -> None:
    passkey = added(service)
    fresh = Authenticator()
    for_signing_in = {**to_add(service), "challenge": to_sign_in(service)["challenge"]}

    assert refusal(sign_in(service, passkey.get(to_add(service), OURS))) == REFUSED
    assert refusal(add(service, fresh.create(for_signing_in, OURS))) == REFUSED


def test_an_answer_of_the_other_kind_is_refused(service: Service) -> None:
    passkey = added(service)
    options = to_sign_in(service)
    answer = passkey.get(options, OURS)
    answer["response"]["clientDataJSON"] = padless(client_data("webauthn.create", options, OURS))

    assert refusal(sign_in(service, answer)) == REFUSED


def test_nobody_answers_for_somebody_else(service: Service) -> None:
    passkey, others = added(service), added(service, OTHER)
    stranger = Authenticator()
    forged = stranger.passing_for(passkey)

    assert refusal(sign_in(service, stranger.get(to_sign_in(service), OURS))) == REFUSED
    assert refusal(sign_in(service, forged.get(to_sign_in(service), OURS))) == REFUSED
    others.user_handle = passkey.user_handle
    assert refusal(sign_in(service, others.get(to_sign_in(service), OURS))) == REFUSED
    others.user_handle = b""
    assert refusal(sign_in(service, others.get(to_sign_in(service), OURS))) == REFUSED


def test_nobody_adds_with_the_challenge_of_another_or_what_another_holds(service: Service) -> None:
    passkey = added(service)

    theirs = add(service, Authenticator().create(to_add(service), OURS), OTHER)
    known = add(service, passkey.create(to_add(service, OTHER), OURS), OTHER)

    assert refusal(theirs) == REFUSED
    assert refusal(known) == REFUSED
    passkey.user_handle = officer_id(WHO).bytes
    answer = sign_in(service, passkey.get(to_sign_in(service), OURS))
    assert answer.json()["staff_number"] == WHO


def test_a_device_that_does_not_verify_its_user_is_refused(service: Service) -> None:
    passkey = added(service)
    passkey.verifies_user = False
    careless = Authenticator(verifies_user=False)

    assert refusal(sign_in(service, passkey.get(to_sign_in(service), OURS))) == REFUSED
    assert refusal(add(service, careless.create(to_add(service), OURS))) == REFUSED


@pytest.mark.parametrize("back", [1, 2, 5])
def test_a_copied_authenticator_shows_by_its_count(service: Service, back: int) -> None:
    passkey = added(service)
    passkey.sign_count = 4
    assert sign_in(service, passkey.get(to_sign_in(service), OURS)).status_code == 200

    passkey.sign_count -= back

    assert refusal(sign_in(service, passkey.get(to_sign_in(service), OURS))) == REFUSED
    passkey.sign_count = 5
    assert sign_in(service, passkey.get(to_sign_in(service), OURS)).status_code == 200


def test_a_signature_covers_what_the_authenticator_said(service: Service) -> None:
    passkey = added(service)
    answer = passkey.get(to_sign_in(service), OURS)
    data = bytearray(unpadded(answer["response"]["authenticatorData"]))
    data[-1] += 1

    answer["response"]["authenticatorData"] = padless(bytes(data))

    assert refusal(sign_in(service, answer)) == REFUSED


def test_a_new_password_ends_passkeys_too(service: Service) -> None:
    passkey, door, now_s = added(service), service.served.door, service.clock.now_s
    code = door.invite(officer_id(WHO), WHO, None, now_s)

    door.accept(code, "correct horse battery", None, "10.0.0.1", now_s)

    assert refusal(sign_in(service, passkey.get(to_sign_in(service), OURS))) == REFUSED


def test_a_passkey_lets_in_nobody_whose_last_post_has_ended(service: Service) -> None:
    passkey = added(service)
    end_post(service, WHO, "X01", "经办")

    answer = sign_in(service, passkey.get(to_sign_in(service), OURS))

    assert refusal(answer) == (401, "access.post_ended")
    assert "set-cookie" not in answer.headers


def test_a_page_from_elsewhere_and_a_token_get_no_further(service: Service) -> None:
    passkey = added(service)
    issued = service.done(WHO, "/v1/tokens", {"label": "对账", "read_only": False})
    program = {"authorization": f"Bearer {issued['token']}"}

    answer = passkey.get(to_sign_in(service), OURS)
    elsewhere = service.post(
        "", "/v1/session/passkey", {"credential": answer}, origin="http://evil.example"
    )
    fresh = Authenticator().create(to_add(service), OURS)
    by_token = service.post("", "/v1/passkeys", {"credential": fresh}, **program)

    assert refusal(elsewhere) == (403, "access.cross_site")
    assert refusal(by_token) == (401, "access.not_signed_in")


def test_the_session_from_before_is_not_taken_on(service: Service) -> None:
    passkey = added(service)
    before = service.browser(OTHER)
    planted = before.cookies["nuanzhang_session"]

    answer = before.post(
        "/v1/session/passkey", json={"credential": passkey.get(to_sign_in(service), OURS)}
    )

    assert answer.json()["staff_number"] == WHO
    assert answer.cookies["nuanzhang_session"] != planted
    assert service.served.door.sessions.find(planted, service.clock.now_s) is None
