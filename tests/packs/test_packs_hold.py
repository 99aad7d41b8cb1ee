"""Packs of every kind hold for both verifiers, and say what the read models say."""

import subprocess
import sys
from pathlib import Path

import pytest

from ledger.domain.batch import Batch
from ledger.domain.events import committing_topics
from ledger.evidence.figures import BATCH, FUND_BALANCE, PAYMENT, SURPLUS
from ledger.evidence.pack_check import FIGURE_OF, SHOWN_OF
from ledger.evidence.verify import KEY_TOPICS
from ledger.packs import contents
from ledger.packs import verify_pack as plain
from projections.balances import balances, fund_accounts
from projections.runner import catch_up
from projections.surplus import surplus
from tests.packs.packing import Packing, judged, judged_plainly, unzipped


def subject(packing: Packing, kind: str) -> str:
    match kind:
        case "fund":
            return "X01/送温暖"
        case "organisation":
            return "C01"
        case "batch":
            return batch_code(packing)
        case "payment":
            return str(packing.first("disbursement.returned").originator_id)
        case _:
            return str(packing.first("disbursement.instructed").person_id)


def batch_code(packing: Packing) -> str:
    approved = packing.first("batch.approved").originator_id
    drafted = next(
        each.event
        for each in packing.ledger.read(0, 100_000)
        if each.event.TOPIC == "batch.drafted" and each.event.originator_id == approved
    )
    assert isinstance(drafted, Batch.Drafted)
    return drafted.code


KINDS = ("fund", "batch", "payment", "person", "organisation")


@pytest.mark.parametrize("opened", [False, True], ids=["masked", "opened"])
@pytest.mark.parametrize("kind", KINDS)
def test_both_verifiers_accept_a_pack(
    packing: Packing, tmp_path: Path, kind: str, opened: bool
) -> None:
    data = packing.write(kind, subject(packing, kind), opened=opened)

    assert judged(data, packing.rules) is None
    status, printed = judged_plainly(data, packing.rules.founding_key_id, tmp_path)
    assert status == 0, printed
    assert printed.splitlines()[-1].startswith("HOLDS")


@pytest.mark.parametrize("kind", KINDS)
def test_a_masked_pack_holds_no_personal_data(packing: Packing, kind: str) -> None:
    name = subject(packing, kind)
    opened = packing.make(kind, name, opened=True)
    secrets = {
        value
        for opening in opened.openings
        for field, value in opening.fields.items()
        if field in ("name", "id_number", "phone", "card_number") and len(value) > 2
    }

    files = unzipped(packing.write(kind, name))

    assert secrets or kind == "organisation"
    for file, content in files.items():
        assert not [each for each in secrets if each.encode() in content], file


def test_the_second_verifier_stands_alone(packing: Packing, tmp_path: Path) -> None:
    # As somebody would run it: out of the pack, by a Python that knows nothing of us.
    data = packing.write("payment", subject(packing, "payment"))
    (tmp_path / "p.zip").write_bytes(data)
    (tmp_path / "v.py").write_bytes(unzipped(data)["verify_pack.py"])

    ran = subprocess.run(
        [sys.executable, "-P", "v.py", "p.zip", str(packing.rules.founding_key_id)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    source = (tmp_path / "v.py").read_text()
    assert not [
        line for line in source.splitlines() if line.startswith(("from ledger", "import l"))
    ]


def test_the_second_verifier_knows_the_same_rules() -> None:
    assert committing_topics() == plain.SIGNED_BY_OFFICERS
    assert set(KEY_TOPICS) == set(plain.KEY_EVENTS)
    assert SHOWN_OF == plain.SHOWN_OF
    assert FIGURE_OF == plain.FIGURE_OF
    assert SHOWN_OF.keys() == contents.KINDS.keys()


def test_proved_balances_are_those_of_the_read_model(packing: Packing) -> None:
    with catch_up(packing.ledger, packing.home.read_models).asking() as connection:
        accounts = fund_accounts(connection)
        held = balances(connection)
    expected: dict[str, int] = {}
    for each in held:
        expected[str(each.fund_id)] = expected.get(str(each.fund_id), 0) + each.in_hand_fen
    assert len(accounts) > 5

    for union in {each.organisation_id for each in accounts}:
        code = union_code(packing, str(union))
        for figure in packing.make("organisation", code).figures:
            if figure.formula == FUND_BALANCE:
                assert figure.value["in_hand_fen"] == expected.pop(figure.subject)
    assert expected == {}


def test_proved_surplus_is_that_of_the_read_model(packing: Packing) -> None:
    seen = 0
    with catch_up(packing.ledger, packing.home.read_models).asking() as connection:
        for event in [each.event for each in packing.ledger.read(0, 100_000)]:
            if event.TOPIC != "fiscal_year.opened":
                continue
            union, year = event.organisation_id, event.year  # type: ignore[attr-defined]
            expected = surplus(connection, [union], year)
            pack = packing.make("organisation", union_code(packing, str(union)))
            [figure] = [
                each
                for each in pack.figures
                if each.formula == SURPLUS and each.arguments == {"year": year}
            ]
            assert figure.value["opening_fen"] == expected.opening_fen
            assert figure.value["consumed_fen"] == expected.consumed_fen
            assert figure.value["in_transit_fen"] == expected.consumed_in_transit_fen
            assert figure.value["in_hand_fen"] == expected.unconsumed_fen
            assert figure.value["ratio_basis_points_floor"] == expected.ratio_basis_points
            assert figure.value["first_year_minimum_bp"] == expected.first_year_minimum_bp
            assert figure.value["all_within_years"] == expected.all_within_years
            seen += 1
    assert seen > 3


def union_code(packing: Packing, union: str) -> str:
    for each in packing.ledger.read(0, 100_000):
        event = each.event
        if event.TOPIC == "organisation.registered" and str(event.originator_id) == union:
            return str(event.code)  # type: ignore[attr-defined]
    raise AssertionError(union)


def test_a_balance_costs_what_its_own_account_has(packing: Packing) -> None:
    pack = packing.make("fund", "X01/送温暖")

    [figure] = pack.figures
    stream = next(each for each in pack.listings if each.of == "stream")
    assert stream.subject == figure.subject
    assert len(pack.entries) < packing.ledger.size() / 10


def test_a_batch_and_its_payments_add_up(packing: Packing) -> None:
    pack = packing.make("batch", batch_code(packing))

    [figure] = [each for each in pack.figures if each.formula == BATCH]
    value = figure.value
    assert value["payments"] == value["paid"] + value["returned"] + value["in_transit"] > 1
    assert value["instructed_fen"] == (
        value["paid_fen"] + value["returned_fen"] + value["in_transit_fen"]
    )


def test_a_payment_shows_the_way_of_its_money(packing: Packing) -> None:
    pack = packing.make("payment", subject(packing, "payment"))

    [figure] = [each for each in pack.figures if each.formula == PAYMENT]
    assert figure.value["status"] == "returned"
    from ledger.evidence.canonical import parse_canonical
    from ledger.evidence.envelope import payload_of

    types = {parse_canonical(payload_of(each))["type"] for each in pack.entries.values()}
    assert {"fund.received", "batch.approved", "policy.adopted", "organisation.registered"} <= types
