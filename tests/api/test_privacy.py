"""No HTTP answer holds a name, ID number, phone or card of the campaign."""

import csv
import re
from pathlib import Path

import openpyxl
from fastapi.testclient import TestClient

from tests.campaign import SCENARIO

NAME_COLUMNS = ("姓名", "签字姓名")
# Every quotation mark up to the next: a name that stands between any two of them is among these.
QUOTED = re.compile(r'(?="([^"]*)")')
LONG_DIGITS = re.compile(r"(?<![0-9a-f-])[0-9]{11,19}X?(?![0-9a-f-])")


def personal_words() -> set[str]:
    """Collect all names, and all numbers of eleven digits and more, of the whole folder."""
    words: set[str] = set()
    for path in sorted(SCENARIO.rglob("*.xlsx")):
        sheet = openpyxl.load_workbook(path).worksheets[0]
        for row in sheet.iter_rows(values_only=True):
            words.update(str(cell) for cell in row if cell and len(str(cell)) in (11, 18, 19))
            if len(row) > 2 and isinstance(row[1], str) and row[1] not in NAME_COLUMNS:
                words.add(row[1])
    for path in sorted(SCENARIO.rglob("*.csv")):
        words |= words_of_csv(path)
    return {word for word in words if not word.startswith("SWN")}


def words_of_csv(path: Path) -> set[str]:
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("gb18030")
    words: set[str] = set()
    for row in csv.DictReader(text.splitlines()):
        words.update(row[column] for column in NAME_COLUMNS if row.get(column))
        words.update(row[c] for c in ("身份证号码", "联系电话") if row.get(c))
    return words


def addresses(client: TestClient) -> list[str]:
    found = ["/", "/openapi.json", "/v1/log", "/v1/balances", "/v1/log/entries/0"]
    for noun, id_field, parts in (
        ("organisations", "organisation_id", ("", "/history", "/surplus?year=2017")),
        ("fund-accounts", "fund_id", ("", "/history?envelopes=true", "/lots")),
        ("appropriations", "lot_id", ("/history", "/trace")),
        ("batches", "batch_id", ("", "/history?envelopes=true")),
        ("disbursements", "disbursement_id", ("", "/history?envelopes=true", "/trace")),
    ):
        found.append(f"/v1/{noun}?limit=500")
        items = client.get(f"/v1/{noun}", params={"limit": 30}).json()["items"]
        found += [f"/v1/{noun}/{each[id_field]}{part}" for each in items for part in parts]
    return found


def test_no_answer_names_a_person(client: TestClient) -> None:
    words = personal_words()
    assert len(words) > 2000
    # Two-character names may stand inside other words (示范交通); what people write is asked for.
    names = {word for word in words if not word[0].isdigit()}
    numbers = words - names

    for address in addresses(client):
        body = client.get(address).text
        found = {match.group() for match in LONG_DIGITS.finditer(body)}
        assert not found & numbers, address
        assert not names.intersection(QUOTED.findall(body)), address
