"""Attacks on access: stale secrets, pages from elsewhere, forged payloads, odd requests."""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from ledger.commands import officers
from ledger.domain.campaign import campaign_id
from ledger.domain.officer import officer_id
from ledger.domain.organisation import organisation_id
from ledger.evidence.envelope import PAYLOAD_TYPE, pae
from tests.api.service import EARLY, HOST, SECURITY, Service, service_at
from tests.world import CAMPAIGN, Person, roster_row

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


def refusal(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def end_post(service: Service, staff: str, code: str, role: str) -> None:
    form = {"organisation_id": str(organisation_id(code)), "role": role}
    service.done(SECURITY, f"/v1/officers/{officer_id(staff)}/post-endings", form)


def also(service: Service, staff: str, code: str, role: str) -> None:
    """Give an officer a further post."""
    world = service.world
    order = officers.Appointment(staff, "某某", code, role)
    officers.appoint_officer(world.ledger, world.act(day=EARLY), order)


def batch_for_approval(service: Service, code: str = "B1", serial: int = 1) -> str:
    world, person = service.world, Person(serial)
    if serial == 1:
        world.receive("C01", 1_000_000)
        world.allocate("C01", "X01", 1_000_000)
    world.file(person)
    world.draft(code, roster_row(1, person, 80_000))
    world.review(code)
    return batch_of(service, code)


def batch_of(service: Service, code: str) -> str:
    shown = service.get("A-X01", "/v1/batches")["items"]
    return next(str(each["batch_id"]) for each in shown if each["code"] == code)


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

        assert answer.headers.get("location", HOST).startswith((f"{HOST}/", HOST))
        assert (
            "evil.example" not in answer.headers.get("location", "").split("?")[0].split("/")[2:3]
        )
        assert answer.status_code < 500


# What was signed is what is stored, and nothing else.


def resigned(service: Service, staff: str, prepared: Any, **changes: Any) -> dict[str, str]:
    """Sign, with the officer's own key, a payload that was altered after its preparation."""
    payload = json.loads(b64decode(prepared["payload"]))
    text = json.dumps({**payload, **changes}, ensure_ascii=False, separators=(",", ":"))
    signer = service.world.officers[staff]
    return {
        "payload": b64encode(text.encode()).decode(),
        "key_id": signer.public_key.key_id,
        "signature": b64encode(signer.sign(pae(PAYLOAD_TYPE, text.encode()))).decode(),
    }


@pytest.mark.parametrize(
    "moment",
    [
        "2017-03-01T08:00:00Z",
        "2017-03-01T08:00:00.000+00:00",
        "20170301T080000Z",
        "2017-03-01T08:00:00.000000Z",
        "2017-03-01 08:00:00.000Z",
        "2017-03-01T16:00:00.000+08:00",
    ],
)
def test_no_officer_breaks_the_log_with_a_moment_of_their_own_spelling(
    service: Service, moment: str
) -> None:
    batch = batch_for_approval(service)
    path = f"/v1/batches/{batch}/approval"
    prepared = service.done("A-X01", f"{path}/preparation")

    odd = resigned(service, "A-X01", prepared, recorded_at=moment)
    refused = service.post("A-X01", path, {"signed": odd})
    unsigned = service.post("A-X01", path, {"signed": {**odd, "key_id": "k1"}})

    assert refusal(refused) == refusal(unsigned) == (422, "signature.unreadable")
    service.world.check_log()


def test_an_approver_whose_post_has_ended_does_not_approve_as_of_an_earlier_day(
    service: Service,
) -> None:
    also(service, "A-C01", "X02", "审批")
    batch = batch_for_approval(service)
    path = f"/v1/batches/{batch}/approval"
    prepared = service.done("A-C01", f"{path}/preparation")
    end_post(service, "A-C01", "C01", "审批")

    earlier = resigned(service, "A-C01", prepared, happened_on="2017-02-01")
    refused = service.post("A-C01", path, {"signed": earlier})

    assert refused.status_code in (403, 409, 422), refused.text
    assert "batch.approved" not in service.world.types()


def test_a_reviewer_whose_post_has_ended_does_not_review_as_of_an_earlier_day(
    service: Service,
) -> None:
    also(service, "R-C01", "X02", "复核")
    service.world.receive("X01", 100_000)
    service.world.file(Person(1))
    service.world.draft("B1", roster_row(1, Person(1), 80_000))
    end_post(service, "R-C01", "C01", "复核")

    path = f"/v1/batches/{batch_of(service, 'B1')}/review"
    refused = service.post("R-C01", path, {"happened_on": "2017-02-01"})

    assert refusal(refused) == (403, "duty.role_missing")
    assert "batch.reviewed" not in service.world.types()


def test_a_giver_whose_post_has_ended_does_not_allocate_as_of_an_earlier_day(
    service: Service,
) -> None:
    also(service, "A-C01", "X02", "审批")
    service.world.receive("C01", 100_000)
    order = {
        "from_code": "C01",
        "to_code": "X01",
        "earmark": "送温暖",
        "document": "下拨〔2017〕1号",
        "amount_fen": 100_000,
    }
    prepared = service.done("A-C01", "/v1/allocations/preparations", order)
    end_post(service, "A-C01", "C01", "审批")

    earlier = resigned(service, "A-C01", prepared, happened_on="2017-02-01")
    refused = service.post("A-C01", "/v1/allocations", {"allocation": order, "signed": earlier})

    assert refused.status_code in (403, 409, 422), refused.text
    assert "fund.allocated" not in service.world.types()


def test_a_signature_for_one_batch_approves_no_other(service: Service) -> None:
    first, second = batch_for_approval(service), batch_for_approval(service, "B2", 2)
    prepared = service.done("A-X01", f"/v1/batches/{first}/approval/preparation")
    signed = service.signed("A-X01", prepared)

    refused = service.post("A-X01", f"/v1/batches/{second}/approval", {"signed": signed})
    lent = service.post("A-C01", f"/v1/batches/{first}/approval", {"signed": signed})

    assert refusal(refused) == (409, "signature.prepared_differs")
    assert lent.status_code in (403, 409)
    assert "batch.approved" not in service.world.types()
    service.world.check_log()


def test_a_batch_of_a_closed_campaign_is_not_approved_however_one_asks(service: Service) -> None:
    batch = batch_for_approval(service)
    path = f"/v1/batches/{batch}/approval"
    before = service.done("A-X01", f"{path}/preparation")
    above = service.done("A-C01", f"{path}/preparation")
    closing = f"/v1/campaigns/{campaign_id(CAMPAIGN)}/closing"
    service.done("A-C01", closing, {"reason": "结束"})

    tries = [
        service.post("A-X01", f"{path}/preparation"),
        service.post("A-X01", path, {"signed": service.signed("A-X01", before)}),
        service.post("A-C01", path, {"signed": service.signed("A-C01", above)}),
        service.post(
            "A-X01", path, {"signed": service.signed("A-X01", before)}, idempotency_key="k"
        ),
        service.post("A-X01", path, {"signed": service.signed("A-X01", before)}, if_match='"3"'),
    ]
    backdated = resigned(service, "A-X01", before, happened_on="2017-01-10")
    late = service.post("A-X01", path, {"signed": backdated})

    assert {each.status_code for each in tries} <= {409, 412}
    assert {each.json()["code"] for each in tries} <= {"campaign.closed", "ledger.version_moved"}
    assert late.status_code in (403, 409, 422)
    assert "batch.approved" not in service.world.types()
    service.world.check_log()


# The same request again.


def receipt_form(**changes: Any) -> dict[str, Any]:
    form = {
        "organisation_code": "C01",
        "earmark": "送温暖",
        "source": "地方财政",
        "document": "拨〔2017〕1号",
        "vintage": 2017,
        "amount_fen": 100,
    }
    return {**form, **changes}


def test_a_repetition_is_flagged_and_writes_nothing(service: Service) -> None:
    first = service.post("K-C01", "/v1/appropriations", receipt_form(), idempotency_key="key-1")
    size = service.world.ledger.size()

    again = service.post("K-C01", "/v1/appropriations", receipt_form(), idempotency_key="key-1")

    assert (first.json()["replayed"], again.json()["replayed"]) == (False, True)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json()["result"] == first.json()["result"]
    assert service.world.ledger.size() == size


@pytest.mark.parametrize(
    "change",
    [
        {"amount_fen": 101},
        {"document": "拨〔2017〕2号"},
        {"vintage": 2016},
        {"earmark": "其他"},
        {"happened_on": "2017-02-01"},
    ],
)
def test_a_key_with_another_body_is_refused(service: Service, change: Any) -> None:
    service.done("K-C01", "/v1/appropriations", receipt_form(), idempotency_key="key-1")
    size = service.world.ledger.size()

    refused = service.post(
        "K-C01", "/v1/appropriations", receipt_form(**change), idempotency_key="key-1"
    )

    assert refusal(refused) == (409, "idempotency.key_reused")
    assert service.world.ledger.size() == size


def test_a_repetition_after_midnight_is_still_a_repetition(service: Service) -> None:
    service.done("K-C01", "/v1/appropriations", receipt_form(), idempotency_key="key-1")

    service.clock.today = service.clock.today.replace(day=2)
    again = service.done("K-C01", "/v1/appropriations", receipt_form(), idempotency_key="key-1")

    assert again["replayed"]


def test_another_officers_key_is_another_key(service: Service) -> None:
    form = receipt_form(organisation_code="X01")
    service.done("K-X01", "/v1/appropriations", form, idempotency_key="key-1")

    other = service.done("K-C01", "/v1/appropriations", receipt_form(), idempotency_key="key-1")
    same = service.done("B-X01", "/v1/appropriations", form, idempotency_key="key-1")

    assert (other["replayed"], same["replayed"]) == (False, False)


def test_a_refusal_that_is_on_record_is_repeated_and_flagged(service: Service) -> None:
    world = service.world
    also(service, "H-X01", "X01", "复核")
    world.file(Person(1))
    world.draft("B1", roster_row(1, Person(1), 80_000))
    path = f"/v1/batches/{batch_of(service, 'B1')}/review"

    first = service.post("H-X01", path, {}, idempotency_key="key-1")
    size = world.ledger.size()
    again = service.post("H-X01", path, {}, idempotency_key="key-1")

    assert refusal(first) == refusal(again) == (403, "duty.same_person")
    assert again.headers.get("idempotency-replayed") == "true"
    assert first.json()["position"] == again.json()["position"] == size - 1


def test_nobody_is_seen_in_clear_twice_for_one_event(service: Service) -> None:
    batch_for_approval(service)
    service.world.approve("B1")
    path = f"/v1/disbursements/{service.world.payment_id(Person(1))}/unmaskings"
    asked = {"fields": ["name"], "reason": "核查"}

    for _ in range(2):
        shown = service.done("U-C01", path, asked, idempotency_key="key-1")
        assert shown == {"fields": {"name": Person(1).name}}

    assert service.world.types().count("recipient.unmasked") == 2


# What is answered with a file.


def test_a_batch_of_any_name_has_a_file_that_can_be_sent(service: Service) -> None:
    """Batches of past campaigns are called what their papers called them."""
    code = '批次"一'
    batch_for_approval(service, code)
    service.world.approve(code)
    path = f"/v1/batches/{batch_of(service, code)}/bank-file"

    file = service.post("K-X01", path, {"reason": "代发", "made_for": "徽商银行"})

    assert file.status_code == 200
    named = file.headers["content-disposition"]
    assert named.startswith("attachment; filename*=UTF-8''%E6%89%B9%E6%AC%A1_%E4%B8%80")
    digest = b64encode(sha256(file.content).digest()).decode()
    assert file.headers["content-digest"] == f"sha-256=:{digest}:"
