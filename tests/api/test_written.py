"""What is answered once an act stands, whatever becomes of its receipt; and after a bug."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from fastapi import Response
from starlette.testclient import TestClient

from api.v1.written import NamedLot, Written, written
from ledger.evidence.proofs import Receipt
from ledger.postgresql import DatabaseUnreachable
from ledger.store.application import Answer, Ledger
from tests.api.service import HOST, Service, service_at

RECEIPT = {
    "organisation_code": "C01",
    "earmark": "送温暖",
    "source": "地方财政",
    "document": "文1",
    "vintage": 2017,
    "amount_fen": 100_000,
}


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with service_at(tmp_path) as found:
        yield found


class AwaySince(Ledger):
    """A ledger whose database went away after the act was stored."""

    def __init__(self) -> None:
        pass

    def receipt(self, position: int) -> Receipt:  # noqa: ARG002 - as it is asked
        raise DatabaseUnreachable


def test_an_act_that_stands_is_answered_though_its_receipt_cannot_be_read(
    caplog: pytest.LogCaptureFixture,
) -> None:
    lot = {"fund_id": "6d1f6b8e-2f0e-5f0e-9a55-6e75616e7a68"}
    stored = Answer(
        result={**lot, "lot_id": lot["fund_id"]},
        first_position=7,
        last_position=8,
    )
    response = Response()

    answer: Written[NamedLot] = written(AwaySince(), response, stored, NamedLot)

    assert (answer.last_position, answer.receipt) == (8, None)
    assert response.headers["link"] == '</v1/log/entries/8>; rel="describedby"'
    assert "the receipt of entry 8 cannot be read: database.unreachable" in caplog.text


def test_the_address_that_is_named_shows_the_receipt_later(service: Service) -> None:
    done = service.done("K-C01", "/v1/appropriations", RECEIPT, idempotency_key="a" * 20)

    entry = service.get("J-C01", f"/v1/log/entries/{done['last_position']}")

    assert entry["leaf_hash"] == done["receipt"]["leaf_hash"]


def test_a_bug_claims_nothing_of_what_was_written(service: Service) -> None:
    with closing(sqlite3.connect(service.world.home.events)) as connection:
        connection.execute("ALTER TABLE log_checkpoints RENAME TO gone")
    http = TestClient(service.app, HOST, raise_server_exceptions=False)
    http.cookies = service.browser("K-C01").cookies

    writes = http.post("/v1/appropriations", json=RECEIPT, headers={"origin": HOST})
    reads = http.get("/v1/log")

    assert (writes.status_code, reads.status_code) == (500, 500), (writes.text, reads.text)
    assert "it is not known whether what was asked for was written" in writes.json()["detail"]
    assert "written" not in reads.json()["detail"]
