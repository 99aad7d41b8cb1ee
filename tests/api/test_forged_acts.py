"""Attacks on acts: payloads altered after their preparation, days dated back, requests repeated."""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from ledger.domain.campaign import campaign_id
from ledger.evidence.envelope import PAYLOAD_TYPE, pae
from tests.api.service import Service, service_at
from tests.api.staging import also, batch_for_approval, batch_of, end_post, refusal
from tests.world import CAMPAIGN, Person, roster_row


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with service_at(tmp_path) as found:
        yield found


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
