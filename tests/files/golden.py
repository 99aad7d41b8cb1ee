"""One made-up batch of four, as each bank format writes it and as each bank answers it."""

from datetime import date
from pathlib import Path

from ledger.files.bank import InstructionLine

FOLDER = Path(__file__).parent.parent / "data" / "bank-formats"

BATCH = "SWN20170099"
DAY = date(2017, 1, 9)

PAYER = {
    "payer_account": "6222000000000000009",
    "payer_name": "示范市总工会",
    "payer_bank": "104361000016",
    "payer_branch": "工商银行示范支行",
    "login_name": "示范工会1",
    "mode": "00001",
    "kind": "BYBK",
    "branch": "55",
    "card_kind": "5",
    "unit": "U01",
    "merchant": "001053110000001",
    "business": "04900",
}

_PEOPLE = ((1, "张试验"), (2, "欧阳·试验"), (4, "李喆堃"), (7, "阿依·古丽"))
LINES = [
    InstructionLine(
        number,
        f"62999{number:014d}",
        name,
        f"34010119780307{number:03d}X",
        f"138000000{number:02d}",
        60_000 + number,
        "送温暖慰问金",
    )
    for number, name in _PEOPLE
]
