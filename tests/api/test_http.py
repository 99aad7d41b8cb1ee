"""The read interface over the real 2017 campaign."""

import csv
import io
import json
from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import pytest
from fastapi.testclient import TestClient

from ledger.evidence.note import NoteKey
from ledger.evidence.proofs import Receipt, verify_receipt
from ledger.store.application import Ledger
from ledger.store.home import Home
from tests.campaign import SCENARIO

EXPECTED = json.loads((SCENARIO / "expected.json").read_text())


def get(client: TestClient, address: str, **params: Any) -> Any:
    response = client.get(address, params=params)
    assert response.status_code == 200, response.text
    return response.json()


def all_pages(client: TestClient, address: str, **params: Any) -> list[Any]:
    items: list[Any] = []
    cursor: str | None = None
    while True:
        page = get(client, address, **params, **({"cursor": cursor} if cursor else {}))
        items += page["items"]
        cursor = page["next"]
        if cursor is None:
            return items


def organisation_ids(client: TestClient) -> dict[str, str]:
    return {
        each["code"]: each["organisation_id"] for each in all_pages(client, "/v1/organisations")
    }


def test_organisations_stand_under_their_parents(client: TestClient) -> None:
    listed = {each["code"]: each for each in all_pages(client, "/v1/organisations", limit=5)}

    assert len(listed) == 28
    assert listed["X01-01"]["parent_id"] == listed["X01"]["organisation_id"]
    assert listed["C01"]["parent_id"] is None


def test_balances_are_those_of_an_independent_reckoning(client: TestClient) -> None:
    codes = {id_: code for code, id_ in organisation_ids(client).items()}

    answer = get(client, "/v1/balances", as_of=EXPECTED["as_of"])

    found: dict[str, dict[str, int]] = {}
    for each in answer["items"]:
        found.setdefault(codes[each["organisation_id"]], {})[str(each["vintage"])] = each[
            "in_hand_fen"
        ]
    assert found == EXPECTED["balances_fen_by_organisation_and_vintage"]
    assert sum(answer["trial_balance_fen"].values()) == 0


def test_before_the_first_day_there_was_no_money(client: TestClient) -> None:
    assert get(client, "/v1/balances", as_of="2016-12-31")["items"] == []


def test_a_figure_can_be_asked_for_as_known_at_a_position(client: TestClient) -> None:
    now = get(client, "/v1/balances")
    first = get(client, "/v1/appropriations", limit=1)["items"][0]

    then = get(client, "/v1/balances", at=first["position"])

    assert sum(each["in_hand_fen"] for each in then["items"]) == first["amount_fen"]
    assert sum(each["in_hand_fen"] for each in now["items"]) > first["amount_fen"]


@pytest.mark.parametrize("code", ["C01", "X03", "I03-02"])
def test_surplus_is_that_of_an_independent_reckoning(client: TestClient, code: str) -> None:
    organisation = organisation_ids(client)[code]
    expected = EXPECTED["surplus_2017"][code]

    found = get(
        client,
        f"/v1/organisations/{organisation}/surplus",
        year=2017,
        as_of=EXPECTED["as_of"],
    )

    assert found["opening_fen"] == expected["subtree_opening_fen"]
    assert found["paid_fen"] == expected["subtree_paid_from_earlier_vintages_fen"]
    assert found["in_hand_fen"] == expected["subtree_in_hand_fen"]
    assert found["in_transit_fen"] == expected["subtree_in_transit_fen"]
    if "ratio_basis_points_floor" in expected:
        assert found["ratio_basis_points"] == expected["ratio_basis_points_floor"]


def test_nothing_brought_forward_has_no_ratio(client: TestClient) -> None:
    organisation = organisation_ids(client)["X01-01"]

    found = get(client, f"/v1/organisations/{organisation}/surplus", year=2017)

    assert (found["opening_fen"], found["ratio_basis_points"]) == (0, None)


def test_every_payment_traces_back_to_sources_that_add_up(client: TestClient) -> None:
    organisation = organisation_ids(client)["I01-02"]
    payments = all_pages(client, "/v1/disbursements", organisation_id=organisation)
    assert payments

    for payment in payments:
        trace = get(client, f"/v1/disbursements/{payment['disbursement_id']}/trace")
        assert trace["amount_fen"] == payment["amount_fen"]
        for strand in trace["strands"]:
            assert strand["steps"][0]["organisation_id"] == organisation
            assert strand["steps"][-1]["parent_id"] is None
            assert {step["vintage"] for step in strand["steps"]} == {strand["steps"][0]["vintage"]}


def test_every_appropriation_is_accounted_for_to_the_fen(client: TestClient) -> None:
    for lot in all_pages(client, "/v1/appropriations"):
        trace = get(client, f"/v1/appropriations/{lot['lot_id']}/trace", limit=500)
        parts = (trace["in_hand_fen"], trace["in_transit_fen"], trace["paid_fen"])
        assert sum(parts) == trace["received_fen"] == lot["amount_fen"]
        if trace["next"] is None:
            assert sum(each["paid_fen"] for each in trace["payments"]) == trace["paid_fen"]


def test_a_history_proves_each_of_its_events(
    client: TestClient, campaign: tuple[Home, Ledger]
) -> None:
    key = NoteKey.from_vkey(get(client, "/v1/log")["vkey"])
    assert key == campaign[0].note_key()
    payment = get(client, "/v1/disbursements", status="returned", limit=1)["items"][0]

    history = get(client, f"/v1/disbursements/{payment['disbursement_id']}/history", envelopes=True)

    types = [each["type"] for each in history["items"]]
    assert types == [
        "fund.drawn",
        "disbursement.instructed",
        "statement.line_matched",
        "disbursement.returned",
        "fund.restored",
    ] or set(types) >= {"fund.drawn", "disbursement.instructed", "disbursement.returned"}
    for each in history["items"]:
        receipt = Receipt(
            each["position"],
            b64decode(each["leaf_hash"]),
            tuple(map(b64decode, each["inclusion_path"])),
            history["checkpoint"],
        )
        checkpoint = verify_receipt(receipt, each["envelope"].encode(), [key])
        assert checkpoint.size > each["position"]


def test_an_approval_shows_the_officers_own_signature(client: TestClient) -> None:
    batch = get(client, "/v1/batches", limit=1)["items"][0]

    events = all_history(client, f"/v1/batches/{batch['batch_id']}/history")

    [approval] = [each for each in events if each["type"] == "batch.approved"]
    service, officer = approval["signatures"]
    assert service["owner"] == "service"
    assert officer["owner"] == approval["actor"]
    assert officer["custody"] == "operator_keyring"
    assert officer["staff_number"] == approval["staff_number"] == "S0019"


def all_history(client: TestClient, address: str) -> list[Any]:
    return all_pages(client, address, limit=200)


@pytest.mark.parametrize(
    ("noun", "id_field"),
    [
        ("organisations", "organisation_id"),
        ("fund-accounts", "fund_id"),
        ("appropriations", "lot_id"),
        ("batches", "batch_id"),
    ],
)
def test_every_noun_has_a_history(client: TestClient, noun: str, id_field: str) -> None:
    first = get(client, f"/v1/{noun}", limit=1)["items"][0]

    events = get(client, f"/v1/{noun}/{first[id_field]}/history", limit=3)["items"]

    assert events
    assert [each["position"] for each in events] == sorted(each["position"] for each in events)


def test_a_fund_accounts_lots_are_listed_as_they_are_drawn(client: TestClient) -> None:
    fund = get(client, "/v1/fund-accounts", limit=1)["items"][0]

    lots = get(client, f"/v1/fund-accounts/{fund['fund_id']}/lots")

    assert [lot["vintage"] for lot in lots] == sorted(lot["vintage"] for lot in lots)
    assert get(client, f"/v1/fund-accounts/{fund['fund_id']}") == fund


def test_refused_rows_of_a_batch_are_shown_with_their_rule(client: TestClient) -> None:
    refused = {
        (each["code"], row["number"], row["code"])
        for each in all_pages(client, "/v1/batches")
        for row in get(client, f"/v1/batches/{each['batch_id']}")["rows"]
        if row["code"]
    }

    assert refused == {
        (each["batch"], each["number"], each["code"]) for each in EXPECTED["refused_rows"]
    }


def test_pages_follow_one_another_without_gap_or_repetition(client: TestClient) -> None:
    whole = all_pages(client, "/v1/disbursements", limit=500)
    paged = all_pages(client, "/v1/disbursements", limit=37)

    assert paged == whole
    assert len({each["disbursement_id"] for each in paged}) == len(paged)


def test_an_entry_comes_with_its_receipt(client: TestClient) -> None:
    key = NoteKey.from_vkey(get(client, "/v1/log")["vkey"])

    entry = get(client, "/v1/log/entries/1000")

    envelope = entry.pop("envelope").encode()
    assert verify_receipt(Receipt.from_json(entry), envelope, [key]).size > 4000


@pytest.mark.parametrize(
    ("address", "status", "code"),
    [
        ("/v1/batches/6d1f6b8e-2f0e-5f0e-9a55-6e75616e7a68", 404, "ledger.not_on_record"),
        ("/v1/batches/6d1f6b8e-2f0e-5f0e-9a55-6e75616e7a68/history", 404, "ledger.not_on_record"),
        ("/v1/batches/not-an-id", 422, "request.invalid"),
        ("/v1/batches?limit=0", 422, "request.invalid"),
        ("/v1/batches?cursor=%21%21", 422, "cursor.invalid"),
        ("/v1/balances?as_of=yesterday", 422, "request.invalid"),
        ("/v1/balances?at=1000000000000000000000000", 422, "request.invalid"),
        ("/v1/log/entries/1000000000000000000000000", 422, "request.invalid"),
        ("/v1/log/entries/99999999", 404, "log.no_such_position"),
        ("/v1/nothing", 404, "request.no_such_address"),
    ],
)
def test_what_cannot_be_answered_is_a_problem_with_a_code(
    client: TestClient, address: str, status: int, code: str
) -> None:
    response = client.get(address)

    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert (body["status"], body["code"]) == (status, code)
    assert body["type"] == f"urn:nuanzhang:problem:{code}"


def test_a_cursor_of_another_question_is_refused(client: TestClient) -> None:
    cursor = get(client, "/v1/batches", limit=1)["next"]

    response = client.get("/v1/disbursements", params={"cursor": cursor})

    assert response.json()["code"] == "cursor.invalid"


def test_a_cursor_made_up_by_somebody_else_is_refused(client: TestClient) -> None:
    cursor = get(client, "/v1/batches", limit=1)["next"]
    told = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    for change in ({"after": 10**30}, {"at": 10**30}, {"after": -5}, {"after": "x"}, {"at": None}):
        forged = urlsafe_b64encode(json.dumps({**told, **change}).encode()).decode().rstrip("=")

        response = client.get("/v1/batches", params={"cursor": forged})

        assert (response.status_code, response.json()["code"]) == (422, "cursor.invalid")


def test_what_was_sent_is_not_repeated_in_a_problem(client: TestClient) -> None:
    response = client.get("/v1/batches/34010119600302548X")

    assert "340101" not in response.text


def test_one_question_is_listed_summed_up_and_exported_alike(client: TestClient) -> None:
    for question in ({}, {"status": "returned"}, {"status": "settled", "as_of": "2017-01-20"}):
        listed = all_pages(client, "/v1/disbursements", **question)
        totals = get(client, "/v1/disbursements/totals", **question)
        table = client.get("/v1/disbursements/export", params=question)

        assert listed
        assert totals["count"] == len(listed)
        assert totals["total_fen"] == sum(each["amount_fen"] for each in listed)
        assert table.content.startswith(b"\xef\xbb\xbf")
        rows = list(csv.DictReader(io.StringIO(table.content.decode("utf-8-sig"))))
        assert [(row["disbursement_id"], int(row["amount_fen"])) for row in rows] == [
            (each["disbursement_id"], each["amount_fen"]) for each in listed
        ]


def test_an_inspector_writes_nothing(client: TestClient) -> None:
    origin = {"origin": "http://127.0.0.1"}
    response = client.post("/v1/fiscal-years", json={}, headers=origin)
    unknown = client.put("/v1/batches", json={}, headers=origin)

    assert (response.status_code, response.json()["code"]) == (403, "access.post_missing")
    assert (unknown.status_code, unknown.json()["code"]) == (405, "request.method_not_allowed")
    assert unknown.headers["allow"] == "GET, POST"
    assert client.put("/v1/organisations/bulk", headers=origin).headers["allow"] == "POST"


def test_another_hosts_name_for_this_address_is_turned_away(client: TestClient) -> None:
    assert client.get("/v1/log", headers={"host": "ledger.example"}).status_code == 421


def test_the_description_has_an_example_for_every_answer(client: TestClient) -> None:
    description = get(client, "/openapi.json")

    assert len(description["paths"]) >= 20
    for name, schema in description["components"]["schemas"].items():
        if "amount_fen" in schema.get("properties", {}) and name != "BatchRow":
            told = schema["properties"]["amount_fen"]
            assert told.get("examples") or "maximum" in told, name


def test_the_first_page_leads_officers_to_the_overview(client: TestClient) -> None:
    page = client.get("/")

    assert page.status_code == 200
    assert page.url.path == "/overview"
    assert "总览" in page.text
