"""Proofs over HTTP, checked by whoever asked for them."""

from base64 import b64decode
from datetime import date
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api import bootstrap
from api.app import Serving, create_app
from ledger.commands.officers import Appointment, appoint_officer
from ledger.commands.organisations import Registration, register_organisation
from ledger.domain.aggregate import OPERATOR
from ledger.domain.events import committing_topics
from ledger.domain.fund import fund_id
from ledger.domain.organisation import organisation_id
from ledger.evidence.canonical import parse_canonical
from ledger.evidence.figures import SURPLUS
from ledger.evidence.pack import Pack
from ledger.evidence.pack_check import CheckedPack, check_pack
from ledger.evidence.verifiable_map import MapProof, subject_key, verify_head
from ledger.evidence.verify import Rules
from ledger.store.act import CommandAct
from ledger.store.application import Ledger
from ledger.store.home import Home
from tests.api.conftest import CHEAP, CLOCK


def test_published_checkpoints_are_listed(
    client: TestClient, campaign: tuple[Home, Ledger]
) -> None:
    [only] = client.get("/v1/evidence/publications").json()

    assert only["size"] == campaign[1].size()
    assert only["checkpoint"].startswith(campaign[1].origin)


@pytest.mark.parametrize("topic", [None, "fund.opened"])
def test_all_events_of_a_union_are_proved(client: TestClient, topic: str | None) -> None:
    union = str(organisation_id("C01"))
    query = {} if topic is None else {"topic": topic}

    found = client.get(f"/v1/evidence/subjects/{union}", params=query).json()

    head = verify_head(
        b64decode(found["map_root"]),
        subject_key(union, topic),
        MapProof.from_json(found["proof"]),
    )
    assert head is not None
    assert head.count == found["count"] == len(found["positions"]) > 0


def test_what_is_not_there_is_proved_absent(client: TestClient) -> None:
    nobody = "00000000-0000-0000-0000-000000000123"

    found = client.get(f"/v1/evidence/subjects/{nobody}").json()

    assert found["count"] == 0
    root = b64decode(found["map_root"])
    assert verify_head(root, subject_key(nobody), MapProof.from_json(found["proof"])) is None


@pytest.mark.parametrize(
    ("kind", "subject"),
    [
        ("fund", fund_id(organisation_id("X01"), "送温暖")),
        ("organisation", organisation_id("C01")),
    ],
)
def test_figures_come_with_all_that_proves_them(
    client: TestClient, campaign: tuple[Home, Ledger], kind: str, subject: object
) -> None:
    answer = client.get(f"/v1/evidence/packs/{kind}/{subject}")

    pack = Pack.from_json(parse_canonical(answer.content))
    ledger = campaign[1]
    rules = Rules(ledger.origin, committing_topics(), ledger.founding_key_id())
    *_, checked = check_pack(pack, rules)
    assert isinstance(checked, CheckedPack)
    assert (pack.masked, pack.openings) == ((), ())
    assert kind == "fund" or SURPLUS in {each.formula for each in pack.figures}


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("packs/card/00000000-0000-0000-0000-000000000123", 422, "pack.kind_unknown"),
        ("packs/batch/00000000-0000-0000-0000-000000000123", 404, "ledger.not_on_record"),
        ("packs/person/00000000-0000-0000-0000-000000000123", 404, "ledger.not_on_record"),
        (f"packs/batch/{organisation_id('C01')}", 404, "ledger.not_on_record"),
        (f"subjects/{organisation_id('C01')}?checkpoint=17", 404, "publication.none"),
    ],
)
def test_what_cannot_be_proved_is_refused(
    client: TestClient, path: str, status: int, code: str
) -> None:
    answer = client.get(f"/v1/evidence/{path}")

    assert answer.status_code == status
    assert answer.json()["code"] == code


def test_a_ledger_that_was_never_published_says_so(tmp_path: Path) -> None:
    home = Home(tmp_path / "data")
    with (
        bootstrap.opened(home, create=True) as ledger,
        TestClient(
            create_app(home, ledger, Serving(CLOCK, demo="D1", passwords=CHEAP)),
            base_url="http://127.0.0.1",
        ) as http,
    ):
        act = CommandAct(OPERATOR, date(2017, 1, 1), "2017-01-01T00:00:00.000Z")
        register_organisation(ledger, act, Registration("C01", "市总工会", "市", None))
        appoint_officer(ledger, act, Appointment("D1", "某某", "C01", "纪检"))
        http.post("/v1/session/demo")
        answer = http.get(f"/v1/evidence/subjects/{organisation_id('C01')}")

    assert answer.status_code == 404
    assert answer.json()["code"] == "publication.none"
