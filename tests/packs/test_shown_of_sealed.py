"""What a pack shows of sealed data is proved, or is masked and said to be so: never in between."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.commands.sealing import MASKS
from ledger.evidence import pack_check
from ledger.packs import verify_pack as plain
from tests.packs.packing import Packing, altered, judged, judged_plainly
from tests.packs.test_packs_hold import batch_code

LI_SI = {"name": "李四", "card_number": "6222020200112345678"}
LI_SI_MASKED = {"name": "李*", "card_number": "**** 5678"}


@pytest.fixture(scope="module")
def opened(packing: Packing) -> bytes:
    return packing.write("batch", batch_code(packing), opened=True)


@pytest.fixture(scope="module")
def masked(packing: Packing) -> bytes:
    return packing.write("batch", batch_code(packing))


def assert_refused(packing: Packing, data: bytes, folder: Path, cause: str) -> None:
    """Both verifiers refuse at what is shown, though the operator signed the files anew."""
    said = judged(data, packing.rules)
    status, printed = judged_plainly(data, packing.rules.founding_key_id, folder)

    assert said is not None
    assert cause in said
    assert not [value for value in LI_SI.values() if value in said + printed]
    assert status == 1
    assert printed.splitlines()[-1].startswith("8. BROKEN"), printed


@pytest.mark.parametrize("fields", [LI_SI, LI_SI_MASKED], ids=["in clear", "in masked form"])
def test_nobody_is_slipped_in_among_who_was_sealed(
    packing: Packing, opened: bytes, tmp_path: Path, fields: dict[str, str]
) -> None:
    # For one payment the opening is left out, and somebody else's name put beside the honest ones.
    def forge(said: Any) -> None:
        assert len(said["openings"]) > 1
        place = said["openings"].pop()
        said["masked"] = [
            {"position": place["position"], "member": place["member"], "fields": fields}
        ]

    data = altered(opened, forge, packing.ledger.signer)

    assert_refused(packing, data, tmp_path, "in clear and masked")


def in_clear(said: Any) -> None:
    said["masked"][0]["fields"] = LI_SI


def one_field_in_clear(said: Any) -> None:
    said["masked"][0]["fields"]["name"] = LI_SI["name"]


def of_a_field_without_mask(said: Any) -> None:
    said["masked"][0]["fields"]["reason"] = "*"


def nothing_shown(said: Any) -> None:
    said["masked"][0]["fields"] = {}


def of_an_entry_outside_of_the_pack(said: Any) -> None:
    held = {each["position"] for each in said["entries"]}
    said["masked"][0]["position"] = next(at for at in range(1, 10_000) if at not in held)


def of_a_member_that_is_not_sealed(said: Any) -> None:
    said["masked"][0]["member"] = "amount_fen"


def of_an_event_that_seals_nothing(said: Any) -> None:
    said["masked"][0]["position"] = said["entries"][-1]["position"]


def shown_twice(said: Any) -> None:
    said["masked"].append({**said["masked"][0], "fields": LI_SI_MASKED})


@pytest.mark.parametrize(
    ("attack", "cause"),
    [
        (in_clear, "is not masked"),
        (one_field_in_clear, "is not masked"),
        (of_a_field_without_mask, "is not masked"),
        (nothing_shown, "nothing is shown"),
        (of_an_entry_outside_of_the_pack, "nothing sealed there"),
        (of_a_member_that_is_not_sealed, "nothing sealed there"),
        (of_an_event_that_seals_nothing, "nothing sealed there"),
        (shown_twice, "shown twice"),
    ],
)
def test_masked_data_is_masked_and_of_what_is_sealed(
    packing: Packing,
    masked: bytes,
    tmp_path: Path,
    attack: Callable[[Any], object],
    cause: str,
) -> None:
    assert_refused(packing, altered(masked, attack, packing.ledger.signer), tmp_path, cause)


def test_an_opening_stands_once(packing: Packing, opened: bytes, tmp_path: Path) -> None:
    def twice(said: Any) -> None:
        said["openings"].append(said["openings"][0])

    data = altered(opened, twice, packing.ledger.signer)

    assert_refused(packing, data, tmp_path, "shown twice")


def test_the_reader_is_told_how_much_is_not_shown(packing: Packing) -> None:
    pack = packing.make("batch", batch_code(packing), opened=True)
    *_, step, _ = pack_check.check_pack(pack, packing.rules)

    assert isinstance(step, pack_check.Step)
    shown = re.fullmatch(
        r"(\d+) openings are of what was sealed; (\d+) more are sealed and not shown", step.shown
    )
    assert shown is not None
    assert int(shown[1]) == len(pack.openings) > 1


@given(name=st.sampled_from(sorted(MASKS)), text=st.text(min_size=1))
def test_what_masking_writes_is_of_the_form_that_both_verifiers_ask_for(
    name: str, text: str
) -> None:
    # Refused rows of a roster hold whatever stood in the cell.
    shown = MASKS[name](text)

    assert pack_check.MASKED[name].fullmatch(shown)
    assert re.fullmatch(plain.MASKED[name], shown)
    assert pack_check.MASKED.keys() == plain.MASKED.keys() == MASKS.keys()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", "李四"),
        ("name", "李四*"),
        ("id_number", "340104196001010017"),
        ("id_number", "34010419600101****"),
        ("phone", "13800001234"),
        ("card_number", "6222020200112345678"),
        ("card_number", "**** 6222020200112345678"),
    ],
)
def test_what_is_in_clear_has_not_that_form(name: str, value: str) -> None:
    assert not pack_check.MASKED[name].fullmatch(value)
    assert not re.fullmatch(plain.MASKED[name], value)
