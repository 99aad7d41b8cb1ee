"""What people read beside the proof is made anew, or the verdict says that it was not."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.cli.main import app
from ledger.packs.file import HTML, PDF, README, VERIFIER
from ledger.packs.typesetting import EDITION
from tests.packs.packing import Packing, judged_plainly, signed_anew, unzipped, zipped
from tests.packs.test_packs_hold import subject


@pytest.fixture(scope="module")
def payment(packing: Packing) -> bytes:
    return packing.write("payment", subject(packing, "payment"))


def replaced(packing: Packing, data: bytes, **contents: bytes) -> bytes:
    """Do as an operator would: put other files in, and sign the list of them anew."""
    names = {"html": HTML, "pdf": PDF, "verifier": VERIFIER, "readme": README}
    files = unzipped(data) | {names[which]: content for which, content in contents.items()}
    return zipped(signed_anew(files, packing.ledger.signer))


def checked(packing: Packing, data: bytes, folder: Path, *words: str) -> tuple[int, str]:
    path = folder / "pack.zip"
    path.write_bytes(data)
    key = packing.ledger.founding_key_id()
    ran = CliRunner().invoke(app, ["verify-pack", str(path), "--key", key, *words])
    return ran.exit_code, ran.output


def test_all_that_is_read_is_made_anew(packing: Packing, payment: bytes, tmp_path: Path) -> None:
    status, printed = checked(packing, payment, tmp_path)

    assert status == 0
    assert printed.splitlines()[-1].startswith("HOLDS as of ")
    assert "NOT" not in printed
    assert f"{HTML} and {PDF} say what the events say" in printed


@pytest.mark.parametrize("edition", ["nuanzhang statement 999", "", "statement"])
def test_a_page_of_another_edition_does_not_pass_unnoticed(
    packing: Packing, payment: bytes, tmp_path: Path, edition: str
) -> None:
    page = unzipped(payment)[HTML].replace(EDITION.encode(), edition.encode())
    data = replaced(packing, payment, html=page.replace("退回".encode(), "入账".encode()))

    status, printed = checked(packing, data, tmp_path)
    as_json = json.loads(checked(packing, data, tmp_path, "--json")[1])
    accepted, told = checked(packing, data, tmp_path, "--accept-pages")

    assert status == 1
    assert printed.splitlines()[-1].startswith("NOT ALL CHECKED")
    assert HTML in printed.splitlines()[-1]
    assert (as_json["holds"], as_json["unchecked"]) == (False, [HTML])
    assert accepted == 0
    assert told.splitlines()[-1].startswith("HOLDS")
    assert told.endswith(f"NOT checked 未核对: {HTML}.\n")


def test_a_pdf_that_says_something_else_does_not_pass_unnoticed(
    packing: Packing, payment: bytes, tmp_path: Path
) -> None:
    # A good one, of another payment: only the bytes tell.
    other = unzipped(packing.write("fund", "X01/送温暖"))[PDF]
    data = replaced(packing, payment, pdf=other)

    status, printed = checked(packing, data, tmp_path)
    as_json = json.loads(checked(packing, data, tmp_path, "--json")[1])

    assert status == 1
    assert printed.splitlines()[-1].startswith("NOT ALL CHECKED")
    assert (as_json["holds"], as_json["unchecked"]) == (False, [PDF])
    assert checked(packing, data, tmp_path, "--accept-pages")[0] == 0


def test_another_program_than_ours_is_named_and_not_recommended(
    packing: Packing, payment: bytes, tmp_path: Path
) -> None:
    data = replaced(
        packing, payment, verifier=b"print('HOLDS')\n", readme="只需运行程序。".encode()
    )

    status, printed = checked(packing, data, tmp_path)
    as_json = json.loads(checked(packing, data, tmp_path, "--json")[1])
    plainly, printed_plainly = judged_plainly(data, packing.rules.founding_key_id, tmp_path)

    assert (status, plainly) == (0, 0)
    assert printed.endswith(f"NOT checked 未核对: {VERIFIER}, {README}.\n")
    assert as_json["unchecked"] == [VERIFIER, README]
    assert "verify_pack.py is ANOTHER program than this" in printed_plainly


def test_the_second_verifier_says_that_it_compares_no_pages(
    packing: Packing, payment: bytes, tmp_path: Path
) -> None:
    founding = packing.rules.founding_key_id
    for key in (founding, None):
        _, printed = judged_plainly(payment, key, tmp_path)

        assert f"{HTML} and {PDF} were NOT compared" in printed.splitlines()[-1]
    assert "verify_pack.py is this very program" in printed


def test_unpinned_says_what_was_not_checked_too(
    packing: Packing, payment: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "pack.zip"
    path.write_bytes(replaced(packing, payment, html=b"<p>-</p>"))

    ran = CliRunner().invoke(app, ["verify-pack", str(path), "--accept-pages"])

    assert ran.exit_code == 1
    assert "NOT PINNED" in ran.output
    assert ran.output.endswith(f"NOT checked 未核对: {HTML}.\n")
