"""A whole campaign, by officers who sign for themselves."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.domain.organisation import organisation_id
from tests.api.service import Service, service_at
from tests.world import CAMPAIGN, CARD_CLASS, EARMARK, Person

ONE, TWO = Person(1), Person(2)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with service_at(tmp_path) as found:
        yield found


def roster_csv(*people: Person, amount: str = "800") -> bytes:
    title = "序号,姓名,身份证号码,联系电话,类别,困难原因,开户行,银行卡号,金额(元)"
    rows = [
        f"{n},{p.name},{p.id_number},{p.phone},{CARD_CLASS},大病,徽商银行,{p.card},{amount}"
        for n, p in enumerate(people, 1)
    ]
    total = f"合计,,,,,,,,{int(amount) * len(people)}"
    return "\n".join((title, *rows, total, "")).encode()


def with_money(service: Service, amount: int = 1_000_000) -> None:
    receipt = {
        "organisation_code": "C01",
        "earmark": EARMARK,
        "source": "地方财政",
        "document": "拨〔2017〕1号",
        "vintage": 2017,
        "amount_fen": amount,
    }
    service.done("K-C01", "/v1/appropriations", receipt)
    order = {
        "from_code": "C01",
        "to_code": "X01",
        "earmark": EARMARK,
        "document": "下拨〔2017〕1号",
        "amount_fen": amount,
    }
    prepared = service.done("A-C01", "/v1/allocations/preparations", order)
    body = {"allocation": order, "signed": service.signed("A-C01", prepared)}
    service.done("A-C01", "/v1/allocations", body)


def on_file(service: Service, *people: Person) -> None:
    for person in people:
        form = {
            "file_number": f"DA{person.serial}",
            "organisation_code": "X01",
            "category": CARD_CLASS,
            "opened_on": "2016-12-02",
            "name": person.name,
            "id_number": person.id_number,
            "phone": person.phone,
            "card_number": person.card,
        }
        answer = service.done("H-X01", "/v1/archive/files", form)
        assert (answer["result"]["new"], answer["result"]["refused"]) == (1, [])


def draft(service: Service, code: str, *people: Person, staff: str = "H-X01", **more: str) -> Any:
    form = {
        "code": code,
        "campaign_code": CAMPAIGN,
        "organisation_code": "X01",
        "earmark": EARMARK,
        "channel": "银行卡",
        "bank_format": "unionpay-df",
        **more,
    }
    return service.browser(staff).post(
        "/v1/batches", data=form, files={"roster": ("名册.csv", roster_csv(*people))}
    )


def approve(service: Service, batch: str, staff: str = "A-X01") -> Any:
    prepared = service.done(staff, f"/v1/batches/{batch}/approval/preparation")
    body = {"signed": service.signed(staff, prepared)}
    return service.post(staff, f"/v1/batches/{batch}/approval", body)


def test_money_comes_in_goes_down_reaches_people_and_is_answered_for(service: Service) -> None:
    with_money(service)
    [allocation] = service.get("K-X01", "/v1/allocations")["items"]
    assert allocation["acknowledged_on"] is None
    path = f"/v1/allocations/{allocation['allocation_id']}"
    service.done("K-X01", f"{path}/acknowledgement")
    assert service.get("U-C01", path)["acknowledged_on"] == "2017-03-01"
    assert service.post("K-X01", f"{path}/acknowledgement").status_code == 409
    on_file(service, ONE, TWO)

    tried = draft(service, "B1", ONE, TWO, dry_run="true").json()
    assert "result" in tried, tried
    assert (tried["result"]["accepted"], tried["dry_run"], tried["receipt"]) == (2, True, None)
    drafted = draft(service, "B1", ONE, TWO).json()
    batch = drafted["result"]["batch_id"]
    path = f"/v1/batches/{batch}"
    service.done("R-X01", f"{path}/review")
    approved = approve(service, batch)
    assert approved.status_code == 201, approved.text
    assert approved.json()["result"] == {"paid": 2, "total_fen": 160_000, "withdrawn": []}
    order = {"reason": "代发", "made_for": "徽商银行"}
    refused = service.post("A-X01", f"{path}/bank-file", order)
    assert (refused.status_code, refused.json()["code"]) == (403, "access.post_missing")
    file = service.post("K-X01", f"{path}/bank-file", order)
    assert file.status_code == 200
    assert ONE.card.encode() in file.content
    assert service.world.types()[-2:] == ["batch.exported", "export.handed_over"]
    refused = service.post("K-X01", f"{path}/closing")
    assert refused.json()["code"] == "batch.payments_under_way"

    taken = service.browser("K-X01").post(
        f"{path}/returns", files={"file": ("回盘.txt", answered(file.content))}
    )
    assert taken.status_code == 201, taken.text
    assert taken.json()["result"]["settled"] == 2
    service.done("K-X01", f"{path}/closing")

    shown = service.browser("J-C01").get(path)
    assert shown.json()["state"] == "closed"
    history = service.get("J-C01", f"{path}/history")["items"]
    attested = {each["type"]: each["attestation"] for each in history}
    # Their keys are of before there was an administrator who could sign for them.
    assert attested["batch.approved"] == "unvouched_signature"
    assert attested["batch.reviewed"] == "service"
    verdict = service.world.check_log()
    assert verdict.attested["unvouched_signature"] == 3  # policy, allocation, approval
    held = service.get("J-C01", "/v1/balances", organisation_id=str(organisation_id("X01")))
    assert sum(each["paid_fen"] for each in held["items"]) == 160_000
    assert sum(held["trial_balance_fen"].values()) == 0
    service.world.check_log()


def answered(instruction: bytes) -> bytes:
    """Answer a payment file as the bank does: every line a success."""
    control, titles, *rows = instruction.decode().splitlines()
    lines = [control, f"{titles}|respCode|respMsg", *(f"{row}|00|成功" for row in rows), ""]
    return "\n".join(lines).encode()
