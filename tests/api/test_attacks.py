"""Attacks on access: stale secrets, guesses, pages from elsewhere, ways that lead elsewhere."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from fastapi.testclient import TestClient

from ledger.domain.officer import officer_id
from tests.api.service import HOST, Service, service_at
from tests.api.staging import end_post, refusal

DAY_S = 24 * 3600
PASSWORD = "correct horse battery"
COOKIE = "nuanzhang_session"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with service_at(tmp_path) as found:
        yield found


def program(service: Service, token: str) -> TestClient:
    """Return a program that sends a token, and no cookie."""
    return TestClient(service.app, base_url=HOST, headers={"authorization": f"Bearer {token}"})


def token_of(service: Service, staff: str, *, read_only: bool = False) -> dict[str, Any]:
    form = {"label": "每日对账", "read_only": read_only, "days": 1}
    issued: dict[str, Any] = service.done(staff, "/v1/tokens", form)
    return issued


# Secrets that have had their time.


def test_a_token_past_its_day_opens_nothing(service: Service) -> None:
    http = program(service, token_of(service, "K-X01")["token"])
    assert http.get("/v1/batches").status_code == 200

    service.clock.now_s += DAY_S

    assert refusal(http.get("/v1/batches")) == (401, "access.not_signed_in")


def test_a_revoked_token_opens_nothing_and_nobody_revokes_anothers(service: Service) -> None:
    issued = token_of(service, "K-X01")
    http, path = program(service, issued["token"]), f"/v1/tokens/{issued['token_id']}"

    assert refusal(service.browser("K-C01").delete(path)) == (404, "access.token_unknown")
    assert http.get("/v1/batches").status_code == 200
    assert service.browser("K-X01").delete(path).status_code == 204

    assert refusal(http.get("/v1/batches")) == (401, "access.not_signed_in")


@pytest.mark.parametrize(
    "altered",
    [
        lambda token: token[:-1],
        lambda token: token + "A",
        lambda token: token.replace("nz_", "nz__", 1),
        lambda token: "_".join(token.split("_")[:2]),
        lambda _: "nz_%_%",
        lambda _: "nz_' OR 1=1 --_x",
    ],
)
def test_a_token_that_is_almost_right_opens_nothing(service: Service, altered: Any) -> None:
    http = program(service, altered(token_of(service, "K-X01")["token"]))

    assert refusal(http.get("/v1/batches")) == (401, "access.not_signed_in")


def test_what_an_officer_held_falls_with_their_last_post(service: Service) -> None:
    http = program(service, token_of(service, "K-X01")["token"])

    end_post(service, "K-X01", "X01", "出纳")

    for client in (http, service.browser("K-X01")):
        assert refusal(client.get("/v1/batches")) == (401, "access.post_ended")
        assert refusal(client.post("/v1/appropriations", json={})) == (401, "access.post_ended")


def test_a_token_for_reading_writes_nothing_and_no_token_makes_another(service: Service) -> None:
    reading = program(service, token_of(service, "K-X01", read_only=True)["token"])
    writing = program(service, token_of(service, "K-X01")["token"])
    size = service.world.ledger.size()

    assert refusal(reading.post("/v1/appropriations", json={}))[1] == "access.token_reads_only"
    assert refusal(reading.delete("/v1/sessions"))[1] == "access.token_reads_only"
    made = writing.post("/v1/tokens", json={"label": "another"})
    added = writing.post("/v1/passkeys", json={"credential": {}})

    assert refusal(made) == refusal(added) == (401, "access.not_signed_in")
    assert service.world.ledger.size() == size


def test_signing_out_everywhere_ends_tokens_and_every_session(service: Service) -> None:
    http = program(service, token_of(service, "K-X01")["token"])
    other = TestClient(service.app, base_url=HOST, headers={"origin": HOST})
    secret = service.served.door.sessions.open(officer_id("K-X01"), "test", service.clock.now_s)
    other.cookies.set(COOKIE, secret)
    assert other.get("/v1/session").status_code == 200

    assert service.browser("K-X01").delete("/v1/sessions").status_code == 204

    assert {http.get("/v1/session").status_code, other.get("/v1/session").status_code} == {401}


@pytest.mark.parametrize("passed_s", [30 * 60, 12 * 3600])
def test_a_session_ends_when_idle_and_at_last_in_any_case(service: Service, passed_s: int) -> None:
    browser = service.browser("K-X01")
    for _ in range(passed_s // 1700 if passed_s > 3600 else 0):
        service.clock.now_s += 1700
        browser.get("/v1/session")

    service.clock.now_s += 30 * 60 if passed_s == 30 * 60 else 1700

    assert refusal(browser.get("/v1/session")) == (401, "access.not_signed_in")


def test_a_session_planted_before_signing_in_is_worth_nothing_after(service: Service) -> None:
    door, now_s = service.served.door, service.clock.now_s
    planted = door.sessions.open(officer_id("H-X01"), "test", now_s)
    victim = TestClient(service.app, base_url=HOST)
    victim.cookies.set(COOKIE, planted)
    code = door.invite(officer_id("K-X01"), "K-X01", None, now_s)

    accepted = victim.post("/v1/session/invitation", json={"code": code, "password": PASSWORD})
    first = accepted.cookies[COOKIE]
    again = victim.post("/v1/session", json={"staff_number": "K-X01", "password": PASSWORD})

    assert len({planted, first, again.cookies[COOKIE]}) == 3
    assert door.sessions.find(planted, now_s) is None
    assert "httponly" in again.headers["set-cookie"].lower()
    assert "samesite=strict" in again.headers["set-cookie"].lower()


def guess(service: Service, number: int, staff: str, password: str) -> Any:
    """Try a password from an address of its own."""
    elsewhere = (f"10.1.{number // 250}.{number % 250}", 50_000)
    http = TestClient(service.app, base_url=HOST, client=elsewhere)
    return http.post("/v1/session", json={"staff_number": staff, "password": password})


def test_guessing_makes_the_guesser_wait_and_locks_nobody_out(service: Service) -> None:
    code = service.served.door.invite(officer_id("K-X01"), "K-X01", None, service.clock.now_s)
    owner = TestClient(service.app, base_url=HOST)
    owner.post("/v1/session/invitation", json={"code": code, "password": PASSWORD})

    same = [guess(service, 0, "K-X01", f"guess {n}") for n in range(10)]
    many = [guess(service, n, "K-X01", f"guess {n}") for n in range(1, 61)]
    right = guess(service, 100, "K-X01", PASSWORD)
    signed_in = owner.post("/v1/session", json={"staff_number": "K-X01", "password": PASSWORD})

    assert refusal(same[0]) == (401, "access.sign_in_failed")
    for waiting in (same[-1], many[-1], right):
        assert refusal(waiting) == (429, "access.wait")
        assert 0 < int(waiting.headers["retry-after"]) <= 900
    assert signed_in.status_code == 200


def test_signing_in_does_not_say_who_has_an_account(service: Service) -> None:
    code = service.served.door.invite(officer_id("K-X01"), "K-X01", None, service.clock.now_s)
    service.served.door.accept(code, PASSWORD, None, "", service.clock.now_s)
    service.served.door.invite(officer_id("B-X01"), "B-X01", None, service.clock.now_s)

    answers = [
        guess(service, n, staff, "no password of theirs")
        for n, staff in enumerate(("K-X01", "B-X01", "A-X01", "NOBODY"))
    ]

    assert {refusal(each) for each in answers} == {(401, "access.sign_in_failed")}
    assert len({each.text for each in answers}) == 1


# Pages from elsewhere.


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "null"},
        {"origin": "https://evil.example"},
        {"origin": "http://127.0.0.1.evil.example"},
        {"origin": "http://127.0.0.1@evil.example"},
        {"origin": "http://127.0.0.1:81"},
        {"origin": HOST, "sec-fetch-site": "cross-site"},
        {"origin": HOST, "sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"referer": HOST},
    ],
)
def test_a_page_from_elsewhere_changes_nothing(service: Service, headers: Any) -> None:
    page = TestClient(service.app, base_url=HOST, headers=headers)
    page.cookies.set(COOKIE, service.browser("K-C01").cookies[COOKIE])
    size = service.world.ledger.size()

    answers = [
        page.post("/v1/appropriations", json={}),
        page.post("/v1/batches", data={"code": "B1"}),
        page.post("/v1/tokens", json={"label": "mine"}),
        page.delete("/v1/sessions"),
    ]

    assert {refusal(each) for each in answers} == {(403, "access.cross_site")}
    assert service.world.ledger.size() == size
    assert page.get("/v1/session").status_code == 200


@pytest.mark.parametrize("path", ["", "/invitation", "/passkey", "/demo"])
def test_a_page_from_elsewhere_signs_nobody_in(service: Service, path: str) -> None:
    body = {"staff_number": "K-X01", "code": "x", "password": "x", "credential": {}}
    asked = {
        "": {"staff_number", "password"},
        "/invitation": {"code", "password"},
        "/passkey": {"credential"},
    }
    form = {name: value for name, value in body.items() if name in asked.get(path, set())}

    answer = TestClient(service.app, base_url=HOST).post(
        f"/v1/session{path}", json=form, headers={"origin": "https://evil.example"}
    )

    assert refusal(answer) == (403, "access.cross_site")
    assert COOKIE not in answer.cookies


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example/",
        "//evil.example/v1/batches/",
        "/v1/batches/?next=https://evil.example",
        "/v1/session/?next=//evil.example",
        "/%2F%2Fevil.example/",
        "/\\evil.example/",
        "/demo?next=https://evil.example",
        "/v1/batches/%0d%0aLocation:%20https://evil.example/",
    ],
)
def test_nobody_is_led_elsewhere(service: Service, path: str) -> None:
    for method in ("GET", "POST"):
        answer = service.browser("K-X01").request(
            method,
            HOST + path,
            headers={"x-forwarded-host": "evil.example", "x-forwarded-proto": "https"},
            follow_redirects=False,
        )

        led_to = urlsplit(answer.headers.get("location", ""))
        assert led_to.netloc in {"", "127.0.0.1"}
        assert answer.status_code < 500
