"""The public formats over HTTP: tiles, bundles, checkpoint, proofs; and nothing beyond them."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from ledger.anchoring.publications import require_latest
from ledger.anchoring.static_log import write_static_log
from ledger.evidence.proofs import verify_receipt
from ledger.evidence.tlog_proof import read_tlog_proof
from ledger.evidence.tlog_tiles import read_bundle, tiles_of
from ledger.store.application import Ledger
from ledger.store.home import Home


def test_what_is_served_is_what_is_written_as_files(
    client: TestClient, campaign: tuple[Home, Ledger], tmp_path: Path
) -> None:
    ledger = campaign[1]
    published = require_latest(ledger)
    write_static_log(ledger, published, published.note, tmp_path / "log")

    for tile in tiles_of(published.size):
        served = client.get(f"/tlog/{tile.path()}")
        assert served.content == (tmp_path / "log" / tile.path()).read_bytes(), tile
        assert served.headers["content-type"] == "application/octet-stream"
        assert "immutable" in served.headers["cache-control"]
    checkpoint = client.get("/tlog/checkpoint")
    assert checkpoint.text == (tmp_path / "log" / "checkpoint").read_text()
    assert checkpoint.headers["content-type"] == "text/plain; charset=utf-8"
    assert checkpoint.headers["cache-control"] == "no-cache"


def test_bundles_are_compressed_for_who_accepts_it(client: TestClient) -> None:
    plain = client.get("/tlog/tile/entries/000", headers={"Accept-Encoding": "identity"})
    packed = client.get("/tlog/tile/entries/000", headers={"Accept-Encoding": "gzip"})

    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == plain.content
    assert len(read_bundle(plain.content)) == 256
    assert packed.headers["etag"] != plain.headers["etag"]
    assert packed.headers["vary"] == "Accept-Encoding"


def test_a_tile_one_has_is_not_sent_again(client: TestClient) -> None:
    first = client.get("/tlog/tile/0/000")
    again = client.get("/tlog/tile/0/000", headers={"If-None-Match": first.headers["etag"]})
    head = client.head("/tlog/tile/0/000")

    assert (again.status_code, again.content) == (304, b"")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["etag"] == first.headers["etag"]


@pytest.mark.parametrize(
    "path",
    [
        "0/019",
        "0/999",
        "0/x999/x999/x999/999",
        "1/000",
        "1/000.p/200",
        "2/000.p/1",
        "63/000",
        "entries/019",
        "entries/019.p/200",
        "0/000.p/0",
        "0/-01",
        "00/000",
        "0/%2e%2e/000",
        "0/..%2f000",
        "0/000.p/256",
        "x",
    ],
)
def test_nothing_is_served_beyond_the_checkpoint(client: TestClient, path: str) -> None:
    answer = client.get(f"/tlog/tile/{path}")

    assert answer.status_code == 404


def test_partial_tiles_of_earlier_checkpoints_are_still_served(client: TestClient) -> None:
    whole = client.get("/tlog/tile/0/003").content

    assert client.get("/tlog/tile/0/003.p/7").content == whole[: 7 * 32]


def test_a_proof_over_http_proves_its_entry(
    client: TestClient, campaign: tuple[Home, Ledger]
) -> None:
    home, ledger = campaign

    text = client.get("/tlog/proof/17").text

    [(_, _, _, envelope)] = ledger.log.select_entries(17, 1)
    checkpoint = verify_receipt(read_tlog_proof(text), envelope, [home.note_key()])
    assert checkpoint.size == require_latest(ledger).size


@pytest.mark.parametrize(
    ("path", "code"),
    [("proof/999999", "log.no_such_position"), ("proof/1?checkpoint=5", "publication.none")],
)
def test_what_was_not_published_has_no_proof(client: TestClient, path: str, code: str) -> None:
    answer = client.get(f"/tlog/{path}")

    assert answer.status_code == 404
    assert answer.json()["code"] == code
