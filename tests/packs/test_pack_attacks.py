"""What somebody might do to a pack, on the way or in the ledger's own house, and that it shows."""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.evidence.canonical import canonical_json
from ledger.evidence.checkpoint import Checkpoint, sign_note
from ledger.evidence.keys import Ed25519Signer
from ledger.evidence.pack import Pack, PackBroken
from ledger.evidence.verify import Rules
from ledger.packs.file import HTML, NAMES, PACK, PDF, PackUnreadable, read_pack, write_pack
from tests.packs.packing import (
    Packing,
    altered,
    judged,
    judged_plainly,
    signed_anew,
    unzipped,
    zipped,
)
from tests.packs.test_packs_hold import batch_code, subject


@pytest.fixture(scope="module")
def payment(packing: Packing) -> bytes:
    return packing.write("payment", subject(packing, "payment"), opened=True)


@pytest.fixture(scope="module")
def fund(packing: Packing) -> bytes:
    return packing.write("fund", "X01/送温暖")


def assert_refused(packing: Packing, data: bytes, tmp_path: Path) -> str:
    """Both verifiers refuse; return what ours says."""
    said = judged(data, packing.rules)
    status, printed = judged_plainly(data, packing.rules.founding_key_id, tmp_path)
    assert said is not None
    assert status == 1, printed
    assert "BROKEN" in printed
    return said


def one_figure_changed(said: Any) -> None:
    said["figures"][0]["value"]["amount_fen"] += 1


def another_formula_named(said: Any) -> None:
    said["figures"][0]["formula"] = "batch/1"


def last_event_omitted(said: Any) -> None:
    for listing in said["listings"]:
        if listing["of"] == "stream" and listing["subject"] == said["subject"]:
            listing["positions"].pop()
            listing["proof"] = said["listings"][0]["proof"]


def last_position_omitted(said: Any) -> None:
    for listing in said["listings"]:
        if listing["subject"] == said["subject"]:
            listing["positions"].pop()


def revocations_left_out(said: Any) -> None:
    said["listings"] = [each for each in said["listings"] if each["topic"] != "officer.key_revoked"]


def entry_taken_out(said: Any) -> None:
    said["entries"].pop(len(said["entries"]) // 2)


def entry_moved(said: Any) -> None:
    said["entries"][3]["position"] += 1


def entry_from_elsewhere(said: Any) -> None:
    said["entries"][2]["envelope"] = said["entries"][4]["envelope"]


def hash_of_a_leaf_for_a_node(said: Any) -> None:
    said["nodes"][0][0] += 1


def node_altered(said: Any) -> None:
    raw = bytearray(b64decode(said["nodes"][0][2]))
    raw[0] ^= 1
    said["nodes"][0][2] = b64encode(raw).decode()


def opening_of_another(said: Any) -> None:
    said["openings"][0]["fields"]["name"] = "别人"


def salt_altered(said: Any) -> None:
    said["openings"][0]["salt"] = "AAAA"


def title_altered(said: Any) -> None:
    said["title"] = "another"


def of_another_log(said: Any) -> None:
    said["origin"] = "other.example/log"


def member_of_another_name(said: Any) -> None:
    said["timestampz"] = said.pop("timestamps")


def masked_without_fields(said: Any) -> None:
    said["masked"] = [{"member": "payee", "position": 0}]


def absence_of_what_is_there(said: Any) -> None:
    for listing in said["listings"]:
        if listing["of"] == "stream" and listing["subject"] == said["subject"]:
            listing["positions"] = []
            listing["proof"]["head"] = None


def kind_that_nobody_knows(said: Any) -> None:
    said["kind"] = "card"


def figure_left_out(said: Any) -> None:
    said["figures"] = [each for each in said["figures"] if each["subject"] != said["subject"]]


def list_of_its_subject_left_out(said: Any) -> None:
    figure_left_out(said)
    said["listings"] = [
        each
        for each in said["listings"]
        if (each["subject"], each["of"]) != (said["subject"], "all")
    ]


ATTACKS: tuple[Callable[[Any], object], ...] = (
    one_figure_changed,
    another_formula_named,
    last_event_omitted,
    last_position_omitted,
    revocations_left_out,
    entry_taken_out,
    entry_moved,
    entry_from_elsewhere,
    hash_of_a_leaf_for_a_node,
    node_altered,
    opening_of_another,
    salt_altered,
    of_another_log,
    absence_of_what_is_there,
    member_of_another_name,
    kind_that_nobody_knows,
    figure_left_out,
    list_of_its_subject_left_out,
)


@pytest.mark.parametrize("attack", [*ATTACKS, title_altered], ids=lambda each: each.__name__)
def test_an_altered_pack_is_refused(
    packing: Packing, payment: bytes, tmp_path: Path, attack: Callable[[Any], object]
) -> None:
    assert_refused(packing, altered(payment, attack), tmp_path)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda each: each.__name__)
def test_the_operator_cannot_sign_it_right(
    packing: Packing, payment: bytes, tmp_path: Path, attack: Callable[[Any], object]
) -> None:
    assert_refused(packing, altered(payment, attack, packing.ledger.signer), tmp_path)


def test_masked_data_of_another_form_is_refused_and_not_stumbled_over(
    packing: Packing, payment: bytes
) -> None:
    # Nothing proves masked data, but the readable page is made from it.
    said = judged(altered(payment, masked_without_fields, packing.ledger.signer), packing.rules)

    assert said is not None
    assert said.startswith("pack.broken")


def test_a_statement_that_says_more_than_the_events_is_refused(
    packing: Packing, payment: bytes
) -> None:
    files = unzipped(payment)
    files[HTML] = files[HTML].replace("退回".encode(), "入账".encode())

    said = judged(zipped(signed_anew(files, packing.ledger.signer)), packing.rules)

    assert said is not None
    assert HTML in said


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_file_altered_on_the_way_is_noticed(
    packing: Packing, payment: bytes, tmp_path: Path, name: str
) -> None:
    files = unzipped(payment)
    files[name] = files[name][:-2] + bytes([files[name][-2] ^ 1]) + files[name][-1:]

    assert_refused(packing, zipped(files), tmp_path)


def test_a_pack_by_another_key_than_the_pinned_one_is_refused(
    packing: Packing, payment: bytes, tmp_path: Path
) -> None:
    other = Ed25519Signer.generate().public_key.key_id

    said = judged(payment, Rules(packing.rules.origin, packing.rules.officer_signed, other))
    status, printed = judged_plainly(payment, other, tmp_path)

    assert said is not None
    assert "founding key" in said
    assert status == 1
    assert "ANOTHER KEY" in printed


def test_a_pack_is_not_trusted_on_its_own_word(payment: bytes, tmp_path: Path) -> None:
    status, printed = judged_plainly(payment, None, tmp_path)

    assert status == 1
    assert "NOT PINNED" in printed


def test_a_checkpoint_by_a_stranger_is_refused(
    packing: Packing, payment: bytes, tmp_path: Path
) -> None:
    stranger = Ed25519Signer.generate()

    def forge(said: Any) -> None:
        body = said["checkpoint"].partition("\n\n")[0] + "\n"
        said["checkpoint"] = sign_note(Checkpoint.from_body(body), said["origin"], stranger)

    assert_refused(packing, altered(payment, forge, packing.ledger.signer), tmp_path)


def test_an_unpublished_checkpoint_carries_no_pack(
    packing: Packing, payment: bytes, tmp_path: Path
) -> None:
    # Another checkpoint of this very ledger, rightly signed, whose last entry is no announcement.
    earlier = packing.ledger.log.select_checkpoint(packing.published.size - 1)
    assert earlier is not None

    def step_back(said: Any) -> None:
        said["checkpoint"] = earlier[1]
        said["entries"].pop()

    assert_refused(packing, altered(payment, step_back, packing.ledger.signer), tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b'{"format":"nuanzhang pack 1","format":"nuanzhang pack 1"}', id="twice"),
        pytest.param(b'{"format": "nuanzhang pack 1"}', id="white space"),
        pytest.param(b'{"format":"nuanzhang pack 2"}', id="another format"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"", id="nothing"),
        pytest.param(b'{"format":"\\ud800"}', id="a lone surrogate"),
        pytest.param(b'{"format":1e3}', id="a number not whole"),
    ],
)
def test_canonicalisation_tricks_are_refused(
    packing: Packing, payment: bytes, tmp_path: Path, text: bytes
) -> None:
    files = {**unzipped(payment), PACK: text}

    assert_refused(packing, zipped(files), tmp_path)


@pytest.mark.parametrize("member", ["entries", "figures", "listings", "openings", "checkpoint"])
@pytest.mark.parametrize("value", [None, 1, "x", [1], [{}], {}])
def test_members_of_another_kind_are_refused(
    packing: Packing, payment: bytes, tmp_path: Path, member: str, value: Any
) -> None:
    assert_refused(packing, altered(payment, lambda said: said.update({member: value})), tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        lambda files: {**files, "more.txt": b""},
        lambda files: {name: files[name] for name in files if name != PDF},
        lambda _: {},
    ],
    ids=["a file more", "a file less", "no files"],
)
def test_other_files_are_no_pack(
    payment: bytes, change: Callable[[dict[str, bytes]], dict[str, bytes]]
) -> None:
    with pytest.raises(PackUnreadable):
        read_pack(zipped(change(unzipped(payment))))


@pytest.mark.parametrize("cut", [0, 1, 100, -1])
def test_a_file_cut_off_is_no_pack(payment: bytes, cut: int) -> None:
    with pytest.raises((PackUnreadable, PackBroken)):
        read_pack(payment[:cut])


leaves = st.integers(0, 1 << 30)


@dataclass(frozen=True)
class Written:
    """A file whose bytes nobody wants to see in a report."""

    data: bytes = field(repr=False)


@pytest.fixture(scope="module")
def written(fund: bytes) -> Written:
    return Written(fund)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(choice=leaves, how=st.integers(0, 5))
def test_no_value_of_a_pack_can_be_altered(
    packing: Packing, written: Written, tmp_path: Path, choice: int, how: int
) -> None:
    """Any one value, with the operator's own signature over the files: someone notices.

    What the ledger says without proof (the title, masked fields) the operator may say otherwise.
    """
    fund = written.data
    said = json.loads(unzipped(fund)[PACK])
    places = [place for place in paths(said) if place[0] not in ("title", "masked", "kind")]
    place = places[choice % len(places)]

    def change(whole: Any) -> None:
        holder = whole
        for step in place[:-1]:
            holder = holder[step]
        holder[place[-1]] = other(holder[place[-1]], how)

    data = altered(fund, change, packing.ledger.signer)

    assert judged(data, packing.rules) is not None, place
    if place[0] != "timestamps":
        status, printed = judged_plainly(data, packing.rules.founding_key_id, tmp_path)
        assert status == 1, (place, printed)


def paths(value: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [each for name in value for each in paths(value[name], (*before, name))]
    if isinstance(value, list) and value:
        return [each for at in range(len(value)) for each in paths(value[at], (*before, at))]
    return [before]


def other(value: Any, how: int) -> Any:
    if isinstance(value, bool) or value is None:
        return 1
    if isinstance(value, int):
        return value + 1 if how else -value - 1
    if isinstance(value, str):
        at = how * len(value) // 6
        swapped = "A" if value[at : at + 1] != "A" else "B"
        return value[:at] + swapped + value[at + 1 :]
    return [1]


def test_a_pack_that_the_log_does_not_bear_out_is_not_written(packing: Packing) -> None:
    pack = packing.make("batch", batch_code(packing))
    said = json.loads(canonical_json(pack.to_json()))
    said["figures"][0]["value"]["paid_fen"] += 1

    with pytest.raises(PackBroken):
        write_pack(Pack.from_json(said), packing.rules, packing.ledger.signer)
    write_pack(pack, packing.rules, packing.ledger.signer)
