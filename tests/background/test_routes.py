"""Jobs, webhooks and events over HTTP, by officers who are signed in."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Response

from ledger.domain.batch import Batch, batch_id
from tests.api.service import SYSTEM, Service, service_at
from tests.api.test_campaign_over_http import on_file, roster_csv
from tests.world import CAMPAIGN, EARMARK, Person

HANDLER = "H-X01"
HOOK = {"url": "https://hooks.example.org/nuanzhang", "topics": ["batch"]}


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with service_at(tmp_path) as found:
        yield found


def submit(
    service: Service, code: str, *people: Person, staff: str = HANDLER, key: str = "", **more: str
) -> Response:
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
        "/v1/jobs/roster",
        data=form,
        files={"roster": ("名单.csv", roster_csv(*people))},
        headers={"idempotency-key": key} if key else {},
    )


def ended(service: Service, answer: Response, staff: str = HANDLER) -> Any:
    assert answer.status_code == 202, answer.text
    end = time.monotonic() + 20
    while True:
        job = service.get(staff, answer.headers["location"])
        if job["state"] not in ("waiting", "running"):
            return job
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_roster_is_drafted_while_nobody_waits(service: Service) -> None:
    on_file(service, Person(1), Person(2))

    job = ended(service, submit(service, "B1", Person(1), Person(2), Person(3)))

    assert (job["state"], job["kind"], job["refusal_code"]) == ("done", "roster", None)
    drafted = job["result"]["result"]
    assert (drafted["batch_id"], drafted["accepted"]) == (str(batch_id("B1")), 2)
    [refused] = drafted["refused"]
    assert (refused["number"], refused["code"]) == (3, "archive.not_on_file")
    batch = service.world.ledger.load(Batch, batch_id("B1"))
    assert batch is not None
    assert len(batch.rows) == 2
    [event] = service.world.ledger.read(job["result"]["first_position"], 1)
    assert event.event.TOPIC == "batch.drafted"
    assert event.event.actor == job["officer_id"]
    service.world.check_log()


def test_an_archive_is_entered_while_nobody_waits(service: Service) -> None:
    one = Person(1)
    titles = "档案编号,单位编码,类别,建档日期,姓名,身份证号码,联系电话"
    row = f"DA1,X01,建档困难职工,2016-12-02,{one.name},{one.id_number},{one.phone}"
    foreign = f"DA2,X02,建档困难职工,2016-12-02,{one.name},{Person(2).id_number},{one.phone}"
    workbook = f"{titles}\n{row}\n{foreign}\n".encode()

    answer = service.browser(HANDLER).post(
        "/v1/jobs/archive", files={"workbook": ("档案.csv", workbook)}
    )

    job = ended(service, answer)
    assert job["state"] == "done", job
    assert job["result"]["result"]["entered"] == 1
    assert job["result"]["result"]["refused"][0]["code"] == "duty.role_missing"


def test_a_refused_job_says_why_and_writes_nothing(service: Service) -> None:
    size = service.world.ledger.size()

    job = ended(service, submit(service, "B1", Person(1), campaign_code="none"))
    torn = service.browser(HANDLER).post(
        "/v1/jobs/archive", files={"workbook": ("档案.xlsx", b"PK\x03\x04 torn")}
    )

    assert (job["state"], job["refusal_code"]) == ("failed", "ledger.not_on_record")
    broken = ended(service, torn)
    assert broken["state"] == "failed"
    assert broken["faults"][0]["code"] == broken["refusal_code"]
    assert service.world.ledger.size() == size
    again = service.post(HANDLER, f"/v1/jobs/{job['job_id']}/retry")
    assert again.status_code == 200, again.text


def test_a_repetition_is_the_same_job_and_a_dry_run_writes_nothing(service: Service) -> None:
    on_file(service, Person(1))
    size = service.world.ledger.size()
    tried = ended(service, submit(service, "B1", Person(1), dry_run="true"))
    assert (tried["state"], tried["result"]["dry_run"]) == ("done", True)
    assert service.world.ledger.size() == size

    first = submit(service, "B1", Person(1), key="k1")
    ended(service, first)

    assert submit(service, "B1", Person(1), key="k1").json()["job_id"] == first.json()["job_id"]
    other = submit(service, "B2", Person(1), key="k1")
    assert (other.status_code, other.json()["code"]) == (409, "job.key_reused")


def test_jobs_are_seen_by_who_submitted_them_and_by_system_administrators(
    service: Service,
) -> None:
    job = ended(service, submit(service, "B1", Person(1)))
    path = f"/v1/jobs/{job['job_id']}"

    for staff, seen in ((HANDLER, True), (SYSTEM, True), ("R-X01", False), ("H-X02", False)):
        listed = [each["job_id"] for each in service.get(staff, "/v1/jobs")["items"]]
        assert listed == ([job["job_id"]] if seen else []), staff
        assert service.browser(staff).get(path).status_code == (200 if seen else 404), staff
    for staff in (SYSTEM, "H-X02"):
        assert service.post(staff, f"{path}/retry").json()["code"] == "job.unknown"
    assert service.post("H-X02", f"{path}/cancellation").json()["code"] == "job.unknown"
    assert service.post(SYSTEM, f"{path}/cancellation").json()["code"] == "job.ended"


def test_jobs_come_in_pages(service: Service) -> None:
    for code in ("B1", "B2", "B3"):
        ended(service, submit(service, code, Person(1)))

    first = service.get(HANDLER, "/v1/jobs", limit=2)
    second = service.get(HANDLER, "/v1/jobs", limit=2, before=first["next"])

    assert len({each["job_id"] for each in first["items"] + second["items"]}) == 3
    assert second["next"] is None


def test_nobody_hands_in_rosters_for_others(service: Service) -> None:
    answer = submit(service, "B1", Person(1), staff="H-X02")
    assert (answer.status_code, answer.json()["code"]) == (403, "access.outside_reach")


def test_a_webhook_shows_its_secret_once_and_nobody_elses_affair(service: Service) -> None:
    made = service.done(SYSTEM, "/v1/webhooks", HOOK)
    assert made["secret"].startswith("whsec_")
    assert made["next_position"] == service.world.ledger.size()
    path = f"/v1/webhooks/{made['subscription_id']}"

    for shown in (service.get(SYSTEM, path), service.get(SYSTEM, "/v1/webhooks")["items"][0]):
        assert shown["url"] == HOOK["url"]
        assert made["secret"] not in json.dumps(shown)
    assert service.done(SYSTEM, f"{path}/resumption")["paused_because"] is None
    assert service.browser(SYSTEM).delete(path).status_code == 204
    assert service.browser(SYSTEM).get(path).json()["code"] == "webhook.unknown"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"url": "https://127.0.0.1/"}, "webhook.url_refused"),
        ({"url": "http://hooks.example.org/"}, "webhook.url_refused"),
        ({"topics": ["batch.burnt"]}, "event.topic_unknown"),
        ({"from_position": 10**6}, "log.no_such_position"),
    ],
)
def test_a_webhook_that_cannot_be_is_refused(
    service: Service, change: dict[str, Any], code: str
) -> None:
    assert service.post(SYSTEM, "/v1/webhooks", HOOK | change).json()["code"] == code


def test_events_are_told_from_a_position_or_from_where_one_was(service: Service) -> None:
    browser = service.browser("J-C01")
    size = service.world.ledger.size()

    answer = browser.get("/v1/events", params={"after": -1, "seconds": 0})
    rest = browser.get(
        "/v1/events", params={"seconds": 0, "after": -1}, headers={"last-event-id": str(size - 3)}
    )
    chosen = browser.get("/v1/events", params={"after": -1, "seconds": 0, "topics": "policy"})

    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.text.count("\ndata: ") == size
    assert rest.text.count("\ndata: ") == 2
    assert chosen.text.count("\ndata: ") == chosen.text.count("event: policy.adopted") == 1


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"after": 10**6}, "log.no_such_position"),
        ({"topics": "none"}, "event.topic_unknown"),
        ({"seconds": 10**6}, "request.invalid"),
    ],
)
def test_events_that_cannot_be_told_are_refused(
    service: Service, params: dict[str, Any], code: str
) -> None:
    answer = service.browser("J-C01").get("/v1/events", params={"seconds": 0, **params})
    assert answer.json()["code"] == code
