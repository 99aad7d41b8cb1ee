"""Public notices over HTTP: four people's parts in one, and nobody shown more than may hang."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest

from api.web.pages import notices
from ledger.domain.batch import batch_id
from tests.api.service import Service, service_at
from tests.api.staging import refusal
from tests.world import Person, roster_row

ONE, TWO = Person(1), Person(2)
FORM = {
    "batch_id": str(batch_id("B1")),
    "period_days": 5,
    "shown_days": 3,
    "place": "公告栏",
    "contact": "工会办公室",
    "source": "公示办法",
    "confidence": "stated",
}


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with service_at(tmp_path) as found:
        yield found


def test_a_notice_goes_its_way_over_http(service: Service) -> None:
    world = service.world
    world.file(ONE, TWO)
    world.draft("B1", roster_row(1, ONE, 60_000), roster_row(2, TWO, 70_000))

    put_up = service.done("H-X01", "/v1/notices", FORM, Idempotency_Key="n1")
    again = service.post("H-X01", "/v1/notices", FORM, Idempotency_Key="n1")
    assert again.headers["idempotency-replayed"] == "true"
    path = f"/v1/notices/{put_up['result']['notice_id']}"
    assert refusal(service.post("H-X01", "/v1/notices", FORM)) == (409, "notice.running")
    told = {"text": "有异议", "name": "李四", "row_number": 2}
    assert service.done("H-X01", f"{path}/objections", told)["result"] == {"number": 1}
    objection = f"{path}/objections/1"
    read = service.done("R-X01", f"{objection}/readings", {"reason": "答复"})
    assert (read["name"], read["text"]) == ("李四", "有异议")
    answered = {"upheld": True, "reason": "属实"}
    refused = service.post("H-X01", f"{objection}/answer", answered)
    assert refusal(refused) == (403, "access.post_missing")
    done = service.done("R-X01", f"{objection}/answer", answered)["result"]
    assert done == {"row_number": 2, "row_withdrawn": True, "payment": None}
    assert refusal(service.post("H-X01", f"{path}/closing")) == (409, "notice.period_runs")

    shown = service.get("U-C01", path)
    assert [row["number"] for row in shown["rows"]] == [1]
    assert shown["objections"][0]["upheld"] is True
    [listed] = service.get("U-C01", "/v1/notices", batch_id=FORM["batch_id"])["items"]
    assert listed["notice_id"] == shown["notice_id"]
    assert len(service.get("U-C01", f"{path}/history")["items"]) == 4

    service.done("H-X01", f"{path}/withdrawal", {"reason": "名单有误"})
    assert service.get("U-C01", path)["rows"] == []


def test_no_answer_about_a_notice_holds_what_must_not_hang(service: Service) -> None:
    world = service.world
    world.file(ONE)
    world.draft("B1", roster_row(1, ONE, 60_000))
    put_up = service.done("H-X01", "/v1/notices", FORM)
    path = f"/v1/notices/{put_up['result']['notice_id']}"

    for address in (path, "/v1/notices", f"{path}/history?envelopes=true"):
        body = service.browser("H-X01").get(address).text
        for word in (ONE.name, ONE.id_number[6:], ONE.phone[-8:], ONE.card[-10:], "大病"):
            assert word not in body, address


def test_what_hangs_is_shown_page_by_page_to_its_end(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = service.world
    world.file(ONE)
    hung = []
    for number, days in enumerate((9, 5, 7, 5, 5), 1):
        world.draft(f"B{number}", roster_row(1, ONE, 60_000))
        form = {**FORM, "batch_id": str(batch_id(f"B{number}")), "period_days": days}
        done = service.done("H-X01", "/v1/notices", form)
        hung.append((days, number, str(done["result"]["notice_id"])))
    monkeypatch.setattr(notices, "HANGING_SHOWN", 2)

    path, shown = "/notices", list[str]()
    while path:
        page = service.browser("H-X01").get(path).text
        shown += re.findall(r'data-open href="/notices/([0-9a-f-]+)"', page)
        further = re.search(r'href="([^"]*)">下一页', page)
        path = unescape(further[1]) if further else ""

    assert shown == [notice for _, _, notice in sorted(hung)]
