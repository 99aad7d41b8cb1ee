"""Files cut off, mangled or made up: every one is read or refused with a code, never a crash."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.files.archive import read_archive
from ledger.files.banks import read_return
from ledger.files.campaign import read_campaign
from ledger.files.faults import TEXTS, FileRefused
from ledger.files.registers import (
    read_allocations,
    read_batches,
    read_funds,
    read_officers,
    read_organisations,
)
from ledger.files.roster import read_roster
from ledger.files.signatures import read_signatures
from tests.files.sample_returns import RETURNS, returned
from tests.files.samples import SCENARIO, csv_bytes, person, roster_rows, xlsx_bytes

Read = Callable[[str, bytes], object]


def _return_reader(bank_format: str) -> Read:
    return lambda name, data: read_return(bank_format, name, data)


READERS: dict[str, Read] = {
    "roster": read_roster,
    "archive": read_archive,
    "organisations": read_organisations,
    "officers": read_officers,
    "funds": read_funds,
    "allocations": read_allocations,
    "batches": read_batches,
    "campaign": read_campaign,
    "signatures": read_signatures,
    **{bank_format: _return_reader(bank_format) for bank_format in RETURNS},
}
SIGNATURES = (SCENARIO / "signatures" / "SWN20170055.csv").read_bytes()
ROSTER = roster_rows(person(), person("李试验", amount="700.50"))
WHOLE: dict[str, bytes] = {
    "roster": csv_bytes(ROSTER),
    "organisations": (SCENARIO / "organisations.csv").read_bytes(),
    "funds": (SCENARIO / "funds.csv").read_bytes(),
    "batches": (SCENARIO / "batches.csv").read_bytes(),
    "campaign": (SCENARIO / "campaign.toml").read_bytes(),
    "signatures": SIGNATURES,
    **{bank_format: make(returned()) for bank_format, make in RETURNS.items()},
}
WORKBOOKS: dict[str, bytes] = {
    "roster": xlsx_bytes(ROSTER),
    "archive": xlsx_bytes([("档案编号", "姓名", "身份证号码", "单位编码", "类别", "建档日期")]),
}

whole = st.sampled_from(sorted(WHOLE))


WRITTEN_DOWN = {None, *TEXTS}
"""The codes a reader may refuse with; None is for a file that it read."""


def _code(kind: str, data: bytes) -> str | None:
    try:
        READERS[kind]("f", data)
    except FileRefused as refusal:
        return refusal.code
    return None


@pytest.mark.parametrize("bank_format", RETURNS)
def test_a_bank_file_cut_off_at_any_byte_is_refused(bank_format: str) -> None:
    data = RETURNS[bank_format](returned())
    lines_end = {at + 1 for at, byte in enumerate(data) if byte == ord("\n")}

    for length in range(len(data)):
        if bank_format == "netbank-txt" and length in lines_end:
            # Only the batch can tell that lines are missing: this format counts nothing.
            assert _lines_of(data[:length]) < _lines_of(data)
            continue
        with pytest.raises(FileRefused):
            read_return(bank_format, "cut", data[:length])


def test_a_bank_file_with_a_total_cut_off_inside_it_is_refused() -> None:
    data = RETURNS["netbank-txt"](returned())[:-1]

    with pytest.raises(FileRefused) as refusal:
        read_return("netbank-txt", "cut", data)

    assert refusal.value.code == "bank_file.truncated"


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted((SCENARIO / "bank").iterdir()), ids=lambda path: path.name)
def test_every_bank_file_of_the_scenario_cut_off_at_any_byte_is_refused(path: Path) -> None:
    suffixes = {".xml": "failures-xml", "gbk.txt": "netbank-txt", "return.txt": "unionpay-df"}
    bank_format = next(each for end, each in suffixes.items() if path.name.endswith(end))
    data = path.read_bytes()
    lines_end = {at + 1 for at, byte in enumerate(data) if byte == ord("\n")}

    for length in range(len(data)):
        if bank_format == "netbank-txt" and length in lines_end:
            continue
        with pytest.raises(FileRefused):
            read_return(bank_format, "cut", data[:length])


@pytest.mark.parametrize("kind", ["roster", "signatures"])
def test_a_sheet_cut_off_inside_a_line_is_refused(kind: str) -> None:
    data = WHOLE[kind]
    lines_end = {at + 1 for at, byte in enumerate(data) if byte == ord("\n")}

    for length in set(range(len(data))) - lines_end:
        with pytest.raises(FileRefused):
            READERS[kind]("cut", data[:length])


@pytest.mark.parametrize("kind", WORKBOOKS)
def test_a_workbook_cut_off_anywhere_is_refused(kind: str) -> None:
    data = WORKBOOKS[kind]

    for length in range(0, len(data), 37):
        with pytest.raises(FileRefused):
            READERS[kind]("cut", data[:length])


@given(kind=st.sampled_from(sorted(READERS)), data=st.binary(max_size=600))
def test_made_up_bytes_are_refused_with_a_code(kind: str, data: bytes) -> None:
    assert _code(kind, data) in WRITTEN_DOWN


@settings(max_examples=400)
@given(kind=whole, at=st.integers(0, 2**32), removed=st.integers(0, 4), put=st.binary(max_size=4))
def test_a_mangled_file_is_read_or_refused_with_a_code(
    kind: str, at: int, removed: int, put: bytes
) -> None:
    data = WHOLE[kind]
    at %= len(data)

    assert _code(kind, data[:at] + put + data[at + removed :]) in WRITTEN_DOWN


@settings(max_examples=200)
@given(
    kind=st.sampled_from(sorted(WORKBOOKS)),
    at=st.integers(0, 2**32),
    put=st.binary(min_size=1, max_size=3),
)
def test_a_mangled_workbook_is_read_or_refused_with_a_code(kind: str, at: int, put: bytes) -> None:
    data = WORKBOOKS[kind]
    at %= len(data)

    assert _code(kind, data[:at] + put + data[at + len(put) :]) in WRITTEN_DOWN


@given(kind=whole, reader=st.sampled_from(sorted(READERS)))
def test_a_file_of_one_kind_given_as_another_is_refused_with_a_code(kind: str, reader: str) -> None:
    code = _code(reader, WHOLE[kind])

    assert code in TEXTS or kind == reader


def _lines_of(data: bytes) -> int:
    try:
        return len(read_return("netbank-txt", "cut", data).lines)
    except FileRefused:
        return -1
