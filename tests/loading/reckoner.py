"""An independent reckoning of a scenario folder, written from its README alone.

It shares nothing with the project: plain lists, openpyxl for workbooks, no events. Where both agree
on folders that nobody tuned for, neither is likely to be wrong.
"""

import csv
import json
import re
import tomllib
import unicodedata
from collections import Counter, defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
REASONS = (
    ("户名不符", "NAME_MISMATCH"),
    ("销户", "ACCT_CLOSED"),
    ("无效卡号", "ACCT_INVALID"),
    ("不动户", "DORMANT"),
)


def reckon(folder: Path) -> dict[str, Any]:
    return Reckoning(folder).run()


class Reckoning:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.terms = tomllib.loads((folder / "campaign.toml").read_text(encoding="utf-8"))
        self.year = self.terms["campaign"]["fiscal_year"]
        self.rules = self.terms["policy"]["categories"]
        self.archive = {plain(row["身份证号码"]): row for row in sheet(folder / "archive.xlsx")}
        self.lots: dict[str, list[list[Any]]] = defaultdict(
            list
        )  # vintage, arrival, left, whose it was first
        self.arrivals = 0
        self.passed: list[dict[str, str]] = []
        self.paid: dict[tuple[str, int], dict[str, Any]] = {}
        self.live: set[str] = set()
        self.refused_rows: list[dict[str, Any]] = []
        self.refused_batches: list[dict[str, Any]] = []

    def run(self) -> dict[str, Any]:
        funds = table(self.folder / "funds.csv")
        batches = table(self.folder / "batches.csv")
        steps: list[tuple[str, int, Any]] = [(row["日期"], 0, row) for row in funds]
        steps += [(row["日期"], 1, row) for row in table(self.folder / "allocations.csv")]
        steps += [(row["审批日期"], 2, row) for row in batches]
        steps += [(r["回盘或签字日期"], 3, r) for r in batches if r["回盘或签字文件"]]
        take = (self.receive, self.allocate, self.approve, self.answer)
        for _, rank, row in sorted(steps, key=lambda step: step[:2]):
            take[rank](row)
        return self.figures(funds)

    def receive(self, row: dict[str, str]) -> None:
        self.add(row["单位编码"], int(row["年度"]), fen(row["金额(元)"]))

    def allocate(self, row: dict[str, str]) -> None:
        amount = fen(row["金额(元)"])
        if amount <= self.held(row["拨出单位"]):
            self.passed.append(row)
            for lot, taken in self.draw(row["拨出单位"], amount):
                self.add(row["接收单位"], lot[0], taken, lot[3])

    def approve(self, batch: dict[str, str]) -> None:
        card = batch["方式"] == "银行卡"
        path = self.folder / batch["花名册"]
        rows = (sheet(path) if path.suffix == ".xlsx" else table(path))[:-1]
        standing: list[tuple[int, str, int, dict[str, Any]]] = []
        seen = set(self.live)
        for number, row in enumerate(rows, 1):
            amount = fen(row.get("慰问金额(元)") or row.get("金额(元)") or 0)
            code = self.fault(row, amount, batch["审批日期"], seen, card=card)
            if code:
                self.refused_rows.append({"batch": batch["批次号"], "number": number, "code": code})
            else:
                seen.add(plain(row["身份证号码"]))
                standing.append((number, plain(row["身份证号码"]), amount, row))
        people = {batch["编制人"], batch["复核人"], batch["审批人"]}
        union, code = batch["单位编码"], None
        if len(people) < 3:
            code = "duty.same_person"
        elif sum(each[2] for each in standing) > self.held(union):
            code = "fund.insufficient"
        if code:
            self.refused_batches.append({"batch": batch["批次号"], "code": code})
            return
        self.live = seen
        for number, person, amount, row in standing:
            self.paid[batch["批次号"], number] = {
                "person": person,
                "amount": amount,
                "union": union,
                "card": card,
                "row": row,
                "parts": self.draw(union, amount),
                "status": "transit",
                "reason": None,
            }

    def answer(self, batch: dict[str, str]) -> None:
        code, path = batch["批次号"], self.folder / batch["回盘或签字文件"]
        payments = {number: each for (name, number), each in self.paid.items() if name == code}
        if not payments:
            return
        if batch["方式"] != "银行卡":
            for row in table(path):
                payment = payments.get(int(row["序号"]))
                if payment and payment["row"]["姓名"] == row["签字姓名"]:
                    payment["status"] = "paid"
            return
        failures = failures_of(path, payments)
        for number, payment in payments.items():
            payment["status"] = "returned" if number in failures else "paid"
            payment["reason"] = failures.get(number)
            if number in failures:
                for lot, taken in payment["parts"]:
                    lot[2] += taken

    def fault(
        self, row: dict[str, Any], amount: int, day: str, seen: set[str], *, card: bool
    ) -> str | None:
        rule = self.rules[row.get("困难类别") or row.get("类别")]
        number = row["身份证号码"]
        required = ["姓名", "身份证号码", *(["银行卡号"] if card else [])]
        if any(not row.get(field) for field in [*required, *rule.get("required_fields", [])]):
            return "field.missing"
        if not isinstance(number, str):
            return "id.not_text"
        if not sound(plain(number)):
            return "id.invalid"
        if rule["channel"] == "银行卡" and not card:
            return "channel.card_required"
        person = self.archive.get(plain(number))
        if rule.get("archive_required"):
            if person is None:
                return "archive.not_on_file"
            if person["退档日期"] and person["退档日期"] <= day:
                return "archive.closed"
        line = rule.get("monthly_income_below_yuan")
        if line and person and person["月人均收入(元)"] >= line:
            return "model_worker.income_above_line"
        if amount < rule.get("minimum_yuan", 0) * 100:
            return "amount.below_minimum"
        if amount > rule.get("maximum_yuan", 10**12) * 100:
            return "amount.above_maximum"
        return "person.duplicate_in_campaign" if plain(number) in seen else None

    def add(self, union: str, vintage: int, amount: int, first: str = "") -> None:
        self.arrivals += 1
        self.lots[union].append([vintage, self.arrivals, amount, first or union])

    def held(self, union: str) -> int:
        return sum(lot[2] for lot in self.lots[union])

    def draw(self, union: str, amount: int) -> list[tuple[list[Any], int]]:
        parts = []
        for lot in sorted(self.lots[union]):
            taken = min(amount, lot[2])
            if taken:
                lot[2] -= taken
                amount -= taken
                parts.append((lot, taken))
        return parts

    def figures(self, funds: list[dict[str, str]]) -> dict[str, Any]:
        def total(status: str) -> int:
            return sum(each["amount"] for each in self.paid.values() if each["status"] == status)

        unions = table(self.folder / "organisations.csv")
        paid = [each for each in self.paid.values() if each["status"] == "paid"]
        return {
            "received_fen": sum(fen(row["金额(元)"]) for row in funds),
            "settled_fen": total("paid"),
            "returned_fen": total("returned"),
            "unsigned_fen": sum(
                each["amount"]
                for each in self.paid.values()
                if each["status"] == "transit" and not each["card"]
            ),
            "balances_fen_by_organisation_and_vintage": {
                union: {
                    str(vintage): sum(lot[2] for lot in lots if lot[0] == vintage)
                    for vintage in sorted({lot[0] for lot in lots})
                }
                for union, lots in sorted(self.lots.items())
                if lots
            },
            f"surplus_{self.year}": {
                row["编码"]: self.surplus(
                    self.below(row["编码"], unions), funds, not row["上级编码"]
                )
                for row in unions
            },
            "refused_rows": self.refused_rows,
            "refused_batches": self.refused_batches,
            "returned_by_reason": dict(
                sorted(Counter(p["reason"] for p in self.paid.values() if p["reason"]).items())
            ),
            "people_paid": len({each["person"] for each in paid}),
        }

    def below(self, union: str, unions: list[dict[str, str]]) -> set[str]:
        found = {union}
        for row in unions:
            if row["上级编码"] == union:
                found |= self.below(row["编码"], unions)
        return found

    def surplus(self, unions: set[str], funds: list[dict[str, str]], root: bool) -> dict[str, Any]:
        def from_earlier(status: str) -> int:
            return sum(
                taken
                for each in self.paid.values()
                if each["status"] == status and each["union"] in unions
                for lot, taken in each["parts"]
                if lot[0] < self.year
            )

        opening = sum(
            fen(row["金额(元)"])
            for row in funds
            if row["单位编码"] in unions and int(row["年度"]) < self.year
        )
        paid = from_earlier("paid")
        figures: dict[str, Any] = {
            "subtree_opening_fen": opening,
            "subtree_paid_from_earlier_vintages_fen": paid,
            "subtree_in_hand_fen": sum(
                lot[2] for union in unions for lot in self.lots[union] if lot[0] < self.year
            ),
            "subtree_in_transit_fen": from_earlier("transit"),
        }
        if root:
            figures["ratio_basis_points_floor"] = paid * 10_000 // opening if opening else None
        return figures


def failures_of(path: Path, payments: dict[int, dict[str, Any]]) -> dict[int, str]:
    raw = path.read_bytes()
    if path.suffix == ".xml":
        text = raw.decode("gb18030")
        listed = re.findall(r"<ACCOUNT>(.*?)</ACCOUNT>.*?<MESSAGE>(.*?)</MESSAGE>", text)
        by_card = {each["row"]["银行卡号"]: number for number, each in payments.items()}
        return {by_card[card]: reason(message) for card, message in listed}
    if raw.startswith(b"5."):
        lines = [line.split("|") for line in raw.decode().splitlines()[2:]]
        return {int(c[0][-6:]): reason(c[7]) for c in lines if c[6] != "00"}
    lines = [line.split("|") for line in raw.decode("gb18030").splitlines()[1:]]
    return {int(c[1]): reason(c[0]) for c in lines if c[0] != "成功"}


def reason(message: str) -> str:
    return next(code for words, code in REASONS if words in message)


def sound(number: str) -> bool:
    if not re.fullmatch(r"[0-9]{17}[0-9X]", number):
        return False
    try:
        date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    total = sum(int(d) * w for d, w in zip(number, WEIGHTS, strict=False))
    return "10X98765432"[total % 11] == number[17]


def plain(number: Any) -> str:
    return unicodedata.normalize("NFKC", str(number)).strip().upper()


def fen(yuan: Any) -> int:
    return int(Decimal(str(yuan)) * 100)


def table(path: Path) -> list[dict[str, str]]:
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("gb18030")
    return list(csv.DictReader(text.splitlines()))


def sheet(path: Path) -> list[dict[str, Any]]:
    rows = list(openpyxl.load_workbook(path).worksheets[0].iter_rows(values_only=True))
    at = next(i for i, row in enumerate(rows) if "姓名" in row)
    return [dict(zip(map(str, rows[at]), row, strict=True)) for row in rows[at + 1 :]]


if __name__ == "__main__":
    import sys

    print(json.dumps(reckon(Path(sys.argv[1])), ensure_ascii=False, indent=1))  # noqa: T201
