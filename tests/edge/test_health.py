"""Whether it lives, whether it is ready, and what it counted, for those who may see that."""

import re
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from anyio.to_thread import current_default_thread_limiter
from starlette.testclient import TestClient

from api.callers import ASIDE
from tests.api.service import ADMINISTRATORS, HOST, POSTS, SYSTEM, Service, service_at
from tests.api.staging import refusal
from tests.postgresql import KEEPS_WHAT_IS_COMMITTED, running
from tests.world import Person

WITHIN_S = 15
UUIDS = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-")


def test_it_lives_and_is_ready(service: Service) -> None:
    assert service.get("", "/livez") == {"status": "live"}
    size = service.world.ledger.size()

    assert service.get("", "/readyz") == {"status": "ready", "log_events": size, "demo": False}
    service.world.receive("C01", 1_000_000)
    assert service.get("", "/readyz")["log_events"] == service.world.ledger.size() > size


def test_probes_may_ask_for_the_head_alone(service: Service) -> None:
    http = TestClient(service.app, HOST)
    for path in ("/livez", "/readyz"):
        answer = http.head(path)
        assert (answer.status_code, answer.text) == (200, "")


def test_it_lives_and_is_not_ready_when_its_log_cannot_be_read(service: Service) -> None:
    with closing(sqlite3.connect(service.world.home.events)) as connection:
        connection.execute("ALTER TABLE log_events RENAME TO gone")
    http = TestClient(service.app, HOST, raise_server_exceptions=False)

    assert http.get("/livez").status_code == 200
    assert http.get("/readyz").status_code == 500


@pytest.mark.parametrize("staff", ["", "H-X01", *POSTS, *sorted(set(ADMINISTRATORS) - {SYSTEM})])
def test_metrics_are_for_system_administrators_alone(service: Service, staff: str) -> None:
    answer = service.browser(staff).get("/metrics")

    expected = (403, "access.post_missing") if staff else (401, "access.not_signed_in")
    assert refusal(answer) == expected


def test_metrics_count_by_route_and_hold_no_ids(service: Service) -> None:
    person = Person(9)
    http = service.browser("J-C01")
    ids = [str(service.get("J-C01", "/v1/session")["officer_id"]), person.id_number]
    for each in ids:
        http.get(f"/v1/batches/{each}", params={"q": each})
        http.get(f"/v1/{each}")
        http.request(person.phone, "/v1/batches")

    program = service.done(SYSTEM, "/v1/tokens", {"label": "Prometheus"})["token"]
    answer = service.browser().get("/metrics", headers={"authorization": f"Bearer {program}"})

    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    text = answer.text
    assert 'nuanzhang_requests_total{method="GET",route="/v1/session",status="200"} 1.0' in text
    assert 'route="/v1/batches/{batch_id}"' in text
    assert 'nuanzhang_requests_total{method="OTHER"' in text
    assert f"nuanzhang_log_events {float(service.world.ledger.size())}" in text
    assert not UUIDS.search(text)
    for each in (*ids, person.phone, "J-C01", SYSTEM, program):
        assert each not in text


def test_an_outage_that_every_thread_waits_for_is_seen_from_outside(tmp_path: Path) -> None:
    with (
        running(KEEPS_WHAT_IS_COMMITTED) as server,
        service_at(tmp_path, database=server.fresh()) as service,
    ):
        keeper = service.browser(SYSTEM)
        size = service.world.ledger.size()
        assert keeper.get("/metrics").status_code == 200
        limiter = service.loop.call(current_default_thread_limiter)
        held = [object() for _ in range(int(limiter.total_tokens))]
        for each in held:
            service.loop.call(limiter.acquire_on_behalf_of_nowait, each)
        server.kill()
        began = time.monotonic()

        with ThreadPoolExecutor(2) as threads:
            lives = threads.submit(service.browser().get, "/livez")
            counted = threads.submit(keeper.get, "/metrics")
            try:
                told = lives.result(WITHIN_S), counted.result(WITHIN_S)
            finally:
                for each in held:
                    service.loop.call(limiter.release_on_behalf_of, each)

        assert [each.status_code for each in told] == [200, 200], told[1].text
        assert f"nuanzhang_log_events {float(size)}" in told[1].text
        assert time.monotonic() - began < WITHIN_S
        server.start()


def test_a_token_is_looked_up_while_all_aside_wait_for_the_log(service: Service) -> None:
    keeper = service.browser(SYSTEM)
    assert keeper.get("/metrics").status_code == 200
    program = service.done(SYSTEM, "/v1/tokens", {"label": "Prometheus"})["token"]
    back = threading.Event()
    waiting = [ASIDE.submit(back.wait, 2 * WITHIN_S) for _ in range(ASIDE._max_workers)]
    began = time.monotonic()

    try:
        answer = service.browser().get("/metrics", headers={"authorization": f"Bearer {program}"})
    finally:
        back.set()

    assert answer.status_code == 200, answer.text
    assert time.monotonic() - began < WITHIN_S
    assert all(each.result() for each in waiting)
