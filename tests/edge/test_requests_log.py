"""One line of JSON for each request, an id for each answer, and nobody's data in either."""

import json
import logging
import re
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.edge.requests_log import JsonLines
from ledger.domain.officer import officer_id
from tests.api.service import HOST, Service
from tests.world import Person

FIELDS = {
    "at",
    "level",
    "logger",
    "message",
    "request_id",
    "method",
    "route",
    "status",
    "duration_ms",
    "bytes",
    "officer_id",
}
PERSON = Person(7)


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "nuanzhang.requests")
    return caplog


def written(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """Return the lines as the service writes them."""
    made = [
        JsonLines().format(each) for each in caplog.records if each.name == "nuanzhang.requests"
    ]
    assert all("\n" not in line for line in made)
    return [json.loads(line) for line in made]


def test_each_request_has_one_line_with_these_fields(
    service: Service, lines: pytest.LogCaptureFixture
) -> None:
    answer = service.browser("H-X01").get("/v1/session")
    service.browser().get("/livez")

    first, second = written(lines)
    assert set(first) == FIELDS
    assert (first["method"], first["route"], first["status"]) == ("GET", "/v1/session", 200)
    assert first["officer_id"] == str(officer_id("H-X01"))
    assert first["bytes"] == len(answer.content)
    assert first["duration_ms"] >= 0
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", first["at"])
    assert (second["route"], second["officer_id"]) == ("/livez", None)


def test_neither_path_nor_query_nor_body_nor_a_made_up_method_is_written(
    service: Service, lines: pytest.LogCaptureFixture
) -> None:
    http = service.browser("J-C01")
    sent = (PERSON.id_number, PERSON.name, PERSON.card, "3f333df6-90a4-4fda-8dd3-9485d27cee36")
    for each in sent:
        http.get(f"/v1/batches/{each}")
        http.get(f"/v1/no-such/{each}")
        http.get("/v1/batches", params={"cursor": each, each: "x"})
        said = each.encode()
        http.get("/livez", headers={b"x-request-id": said, b"user-agent": said, b"referer": said})
        http.post("/v1/session", json={"staff_number": each, "password": each})
        http.post("/v1/session", json={each: each})
    http.request("PROPFIND", "/v1/batches")

    assert len(written(lines)) == len(sent) * 6 + 1
    kept = json.dumps(written(lines), ensure_ascii=False)
    # The last one is no number of anybody's, and was given as the id of a request.
    for each in sent[:3]:
        assert each not in kept
    assert {each["route"] for each in written(lines)} == {
        "/v1/batches/{batch_id}",
        "/v1/batches",
        "/livez",
        "/v1/session",
        "none",
    }


@pytest.mark.parametrize("given", ["9f8e7d6c", "4bf92f35-77b3-4da6", "A" * 64])
def test_the_id_of_a_request_is_taken_over(
    service: Service, lines: pytest.LogCaptureFixture, given: str
) -> None:
    answer = service.browser().get("/livez", headers={"x-request-id": given})

    assert answer.headers["x-request-id"] == given
    assert written(lines)[0]["request_id"] == given


@pytest.mark.parametrize(
    "given",
    ["", "short", "A" * 65, "with space in it", 'quote"quote"', "new\tline123", "<b>bold</b>"],
)
def test_an_odd_id_or_none_is_replaced(
    service: Service, lines: pytest.LogCaptureFixture, given: str
) -> None:
    first, second = (
        service.browser().get("/livez", headers={"x-request-id": given}) for _ in range(2)
    )

    made = [each.headers["x-request-id"] for each in (first, second)]
    assert all(re.fullmatch("[0-9a-f]{16}", each) for each in made)
    assert made[0] != made[1]
    assert [each["request_id"] for each in written(lines)] == made


@pytest.mark.parametrize("number", [PERSON.id_number, PERSON.card, PERSON.phone])
def test_an_id_that_could_be_somebodys_number_is_replaced(
    service: Service, lines: pytest.LogCaptureFixture, number: str
) -> None:
    answer = service.browser().get("/livez", headers={"x-request-id": number})

    assert answer.headers["x-request-id"] != number
    assert number not in json.dumps(written(lines))


def test_a_bug_is_written_as_what_it_is_without_what_it_says(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    service.served.door.close()
    http = TestClient(service.app, HOST, raise_server_exceptions=False)
    http.cookies.set("nuanzhang_session", "a-secret")

    answer = http.get("/v1/session")

    [line] = written(caplog)
    assert (answer.status_code, line["status"]) == (500, 500)
    assert line["request_id"] == answer.headers["x-request-id"]
    [said] = [each for each in caplog.records if each.name == "nuanzhang"]
    assert said.getMessage() == "unexpected ProgrammingError"
    assert said.exc_info is None
    assert "a-secret" not in caplog.text
