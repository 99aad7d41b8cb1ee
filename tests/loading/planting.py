"""Plants faults in a scenario folder, and writes the bank's statements that go with it.

What was planted is known from the making and from the independent reckoning alone: nothing here is
asked of the project.
"""

import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from tests.loading.bank_files import Booked, write_statement
from tests.loading.folders import CARD_TITLES, Maker
from tests.loading.reckoner import Reckoning, fen, sheet, table

FORMATS = ("camt-053", "mt940", "statement-list")
YEARLY_MAXIMUM_FEN = 600_000
"""What one person may get in a year where no policy says otherwise."""

Fault = tuple[str, str | None, int, int | None]
"""A rule, the organisation's code, how many, and how much in fen."""


@dataclass
class BankSide:
    """A union's account: its statements, and what has to stay open when all rules were applied."""

    union: str
    number: str
    bank_format: str
    begins_on: date
    closes_on: date
    opening: int
    files: list[Path] = field(default_factory=list)
    lines: list[Booked] = field(default_factory=list)
    charges: list[Booked] = field(default_factory=list)
    unknown: list[Booked] = field(default_factory=list)
    late: list[Booked] = field(default_factory=list)
    open_items: list[tuple[date, int]] = field(default_factory=list)
    never_booked: list[int] = field(default_factory=list)

    @property
    def proved_to(self) -> date:
        firsts = [each.day for each in self.unknown] + [day for day, _ in self.open_items]
        return min([self.closes_on, *(day - timedelta(days=1) for day in firsts)])


@dataclass
class Planted:
    """What an auditor who reads everything would find, at severity E and nothing else."""

    folder: Path
    year: int
    accounts: dict[str, BankSide]
    faults: Counter[Fault]
    surplus_left: dict[str, int]
    surplus_over_half: dict[str, int]
    """What of it was more than half of it: nobody is paid after the first year."""
    deceased: list[tuple[str, date]]
    staff_cards: list[str]
    rows: int

    def kinds(self) -> set[str]:
        return {rule for rule, *_ in self.faults}


def plant_folder(folder: Path, seed: int, unions: int = 5, people: int = 10) -> Planted:
    """Make a folder with faults of every kind that it can hold, at places drawn from the seed."""
    maker = _Planter(folder, random.Random(f"planted {seed}"), unions, people)
    maker.make()
    return _Truth(maker).planted()


class _Planter(Maker):
    def __init__(self, folder: Path, chance: random.Random, unions: int, people: int) -> None:
        super().__init__(folder, chance, unions, people)
        self.cards: list[tuple[int, str]] = []

    def row(self, union: str, number: int, card: bool) -> list[Any]:
        row = super().row(union, number, card)
        luck = self.chance.random()
        at = len(self.batches)
        if card and luck < 0.08:
            row[8] = self.chance.randint(6001, 6900)
        elif card and luck < 0.2:
            # Another list's card: of one list the bank could not tell the two apart.
            elsewhere = [each for each in self.cards if each[0] != at]
            if elsewhere:
                taken = self.chance.choice(elsewhere)
                self.cards.remove(taken)
                row[7] = taken[1]
        elif card:
            self.cards.append((at, row[7]))
        return row

    def plant(self) -> None:
        chance, end = self.chance, date(self.year, 3, 1)
        for batch in chance.sample(self.batches, max(1, len(self.batches) // 12)):
            batch[8] = end + timedelta(days=chance.randint(1, 9))
            batch[11] = batch[8] + timedelta(days=chance.randint(3, 10))
        places = list(self.parents)
        for row in chance.sample(self.archive, max(2, len(self.archive) // 25)):
            if row[9] is None:
                union = chance.choice(places)
                self.archive.append([f"DB{len(self.archive)}", *row[1:4], union, *row[5:]])
        for union in chance.sample(places, max(1, len(places) // 4)):
            self.one_list_twice(union)

    def one_list_twice(self, union: str) -> None:
        """Have one file approved as a sheet, and then for cards: each takes other rows of it.

        Nobody is paid twice, so nothing is to be found.
        """
        roster = f"rosters/twice-{union}.xlsx"
        rows = [Maker.row(self, union, number, card=True) for number in range(1, 9)]
        for row in rows[:4]:
            row[4], row[8] = "一线职工", self.high
        total = ["合计", *[None] * 7, sum(row[8] for row in rows), None]
        self.write_sheet(roster, f"花名册({union})", CARD_TITLES, [*rows, total])
        people = [f"{letter}{union}" for letter in "HRA"]
        day = self.first + timedelta(days=self.chance.randint(9, 12))
        for channel, bank in (("签字表", ""), ("银行卡", self.chance.choice(("unionpay-df",)))):
            code = f"B{len(self.batches):04d}"
            day += timedelta(days=2)
            answer = day + timedelta(days=6)
            self.batches.append(
                [code, union, channel, roster, "送温暖", *people, day, bank, "", answer]
            )


class _Truth:
    """Writes the statements of a made folder, and reckons what is wrong in it."""

    def __init__(self, maker: _Planter) -> None:
        self.maker, self.folder, self.chance = maker, maker.folder, maker.chance
        self.reckoning = Reckoning(maker.folder)
        self.figures = self.reckoning.run()
        self.paid = self.reckoning.paid
        self.batches = {row["批次号"]: row for row in table(maker.folder / "batches.csv")}
        self.faults: Counter[Fault] = Counter()
        self.year = maker.year
        self.closes_on = date(self.year, 5, 31)
        self.accounts = {
            union: BankSide(
                union,
                f"13400170501{number:06d}",
                self.chance.choice(FORMATS),
                maker.first,
                self.closes_on,
                0,
            )
            for number, union in enumerate(maker.parents)
        }

    def planted(self) -> Planted:
        self.money()
        for code in self.batches:
            payments = {n: p for (of, n), p in self.paid.items() if of == code}
            if payments:
                self.book(code, payments)
        self.charges()
        for account in self.accounts.values():
            if account.never_booked:
                amounts = account.never_booked
                self.faults["F6", account.union, len(amounts), sum(amounts)] += 1
            self.write(account)
        deceased, cards = self.listed()
        self.of_payments()
        self.of_lists()
        return Planted(
            self.folder,
            self.year,
            self.accounts,
            self.faults,
            self.surplus_left(),
            self.surplus_over_half(),
            deceased,
            cards,
            sum(len(_rows(self.folder / row["花名册"])) for row in self.batches.values()),
        )

    # What the bank books.

    def money(self) -> None:
        for row in table(self.folder / "funds.csv"):
            account, amount = self.accounts[row["单位编码"]], fen(row["金额(元)"])
            if int(row["年度"]) < self.year:
                account.opening += amount
            else:
                day = date.fromisoformat(row["日期"])
                account.lines.append(Booked(day, amount, row["文号"], "拨入送温暖资金"))
        for row in self.reckoning.passed:
            amount, day = fen(row["金额(元)"]), date.fromisoformat(row["日期"])
            sender, taker = self.accounts[row["拨出单位"]], self.accounts[row["接收单位"]]
            sender.lines.append(Booked(day, -amount, row["文号"], "拨付"))
            later = day + timedelta(days=self.chance.randint(0, 1))
            taker.lines.append(Booked(later, amount, row["文号"], "拨入"))

    def book(self, code: str, payments: dict[int, dict[str, Any]]) -> None:
        batch, chance = self.batches[code], self.chance
        account = self.accounts[batch["单位编码"]]
        approved = date.fromisoformat(batch["审批日期"])
        answered = date.fromisoformat(batch["回盘或签字日期"])
        total = sum(each["amount"] for each in payments.values())
        failed = {n: each for n, each in payments.items() if each["status"] == "returned"}
        if batch["方式"] != "银行卡":
            day = approved + timedelta(days=1)
            account.lines.append(
                Booked(day, -total, code, "提现发放", batch=True, count=len(payments))
            )
            return
        if len(failed) < len(payments) and batch["回盘或签字文件"] and chance.random() < 0.2:
            # The return file says that it was paid: the account never was debited.
            account.never_booked.append(total)
            account.open_items.append((approved, -total))
            account.open_items += [(answered, each["amount"]) for each in failed.values()]
            return
        day = approved + timedelta(days=chance.randint(0, 2))
        style = chance.choice(("whole", "net", "singles"))
        back = sum(each["amount"] for each in failed.values())
        if style == "net" and back < total:
            count = len(payments) - len(failed)
            account.lines.append(
                Booked(answered, back - total, code, "代发", batch=True, count=count)
            )
        elif style == "singles":
            for number, each in payments.items():
                account.lines.append(Booked(day, -each["amount"], f"{code}-{number:06d}", "代发"))
        else:
            account.lines.append(
                Booked(day, -total, code, "批量代发", batch=True, count=len(payments))
            )
        if style != "net" or back == total:
            for number, each in failed.items():
                later = answered + timedelta(days=chance.randint(0, 3))
                account.lines.append(Booked(later, each["amount"], f"{code}-{number:06d}", "退票"))
        if batch["回盘或签字文件"]:
            self.come_back_late(account, code, payments, answered)

    def come_back_late(
        self, account: BankSide, code: str, payments: dict[int, dict[str, Any]], answered: date
    ) -> None:
        """Send some back weeks after the bank said that they were paid."""
        for number, each in payments.items():
            if each["status"] == "paid" and self.chance.random() < 0.06:
                day = answered + timedelta(days=self.chance.randint(9, 30))
                line = Booked(day, each["amount"], f"{code}-{number:06d}", "退票")
                account.lines.append(line)
                account.late.append(line)
                each["status"] = "returned"

    def charges(self) -> None:
        """Book fees, interest, and money out that is nobody's: some of it looks like a payout."""
        for account in self.accounts.values():
            said = [Booked(date(self.year, 5, 21), self.chance.randint(1, 900), "", "利息")]
            said += [
                Booked(
                    self.maker.first + timedelta(days=self.chance.randint(9, 60)),
                    -500,
                    "",
                    "手续费",
                )
                for _ in range(self.chance.randint(0, 2))
            ]
            account.charges += said
            debits = [each for each in account.lines if each.batch]
            for _ in range(self.chance.randint(0, 2)):
                like = self.chance.choice(debits) if debits and self.chance.random() < 0.5 else None
                day = self.maker.first + timedelta(days=self.chance.randint(20, 90))
                amount = -self.chance.randint(100, 90_000)
                if like is not None:
                    day, amount = like.day, like.amount
                account.unknown.append(Booked(day, amount, "", "转账"))
            account.lines += [*account.charges, *account.unknown]
            if account.unknown:
                total = -sum(each.amount for each in account.unknown)
                self.faults["F4", account.union, len(account.unknown), total] += 1

    def write(self, account: BankSide) -> None:
        """Write two or three statements, each going on from the one before."""
        (self.folder / "statements").mkdir(exist_ok=True)
        lines = sorted(account.lines, key=lambda each: each.day)
        days = sorted({each.day for each in lines})[:-1]
        cuts = sorted(self.chance.sample(days, min(len(days), self.chance.randint(1, 2))))
        first, balance = account.begins_on, account.opening
        for last in [*cuts, account.closes_on]:
            part = [each for each in lines if first <= each.day <= last]
            suffix = {"camt-053": "xml", "mt940": "sta", "statement-list": "csv"}
            name = f"{account.union}-{last}.{suffix[account.bank_format]}"
            path = self.folder / "statements" / name
            path.write_bytes(
                write_statement(account.bank_format, account.number, first, last, balance, part)
            )
            account.files.append(path)
            balance += sum(each.amount for each in part)
            first = last + timedelta(days=1)

    # What is wrong.

    def listed(self) -> tuple[list[tuple[str, date]], list[str]]:
        """Draw some of the people who were paid as dead, and some cards as those of staff."""
        stands = [each for each in self.paid.values() if each["status"] != "returned"]
        dead = self.chance.sample(stands, min(2, len(stands)))
        cards = [each["row"]["银行卡号"] for each in stands if each["card"]]
        staff = self.chance.sample(sorted(set(cards)), min(2, len(cards)))
        died = self.maker.first - timedelta(days=40)
        deceased = sorted({each["person"] for each in dead})
        self._by_place("A3", [each for each in stands if each["person"] in deceased])
        at_staff = [e for e in stands if e["card"] and e["row"]["银行卡号"] in staff]
        self._by_place("C4", at_staff)
        return [(each, died) for each in deceased], staff

    def of_payments(self) -> None:
        every = list(self.paid.values())
        self._by_place("C2", [each for each in every if each["reason"] == "NAME_MISMATCH"])
        self._by_place("G5", [each for each in every if each["status"] == "returned"])
        stands = [each for each in every if each["status"] != "returned"]
        for each in stands:
            if each["amount"] > YEARLY_MAXIMUM_FEN:
                self.faults["B3", each["union"], 1, each["amount"]] += 1
        by_card: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for each in stands:
            if each["card"]:
                by_card[each["row"]["银行卡号"]].append(each)
        for payments in by_card.values():
            people = {each["person"] for each in payments}
            if len(people) > 1:
                total = sum(each["amount"] for each in payments)
                for union in {each["union"] for each in payments}:
                    self.faults["C3", union, len(people), total] += 1

    def of_lists(self) -> None:
        ends = date(self.year, 3, 1).isoformat()
        in_order = sorted(self.batches.items(), key=lambda each: each[1]["审批日期"])
        for code, batch in in_order:
            payments = [each for (of, _), each in self.paid.items() if of == code]
            if not payments:
                continue
            union, total = batch["单位编码"], sum(each["amount"] for each in payments)
            if batch["审批日期"] > ends:
                self.faults["F7", union, len(payments), total] += 1
            unsigned = [e for e in payments if not e["card"] and e["status"] == "transit"]
            if unsigned:
                owed = sum(each["amount"] for each in unsigned)
                self.faults["D3", union, len(unsigned), owed] += 1
        files: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for row in sheet(self.folder / "archive.xlsx"):
            if not row["退档日期"]:
                files[row["身份证号码"]].append(row)
        for rows in files.values():
            if len(rows) > 1:
                for union in {row["单位编码"] for row in rows}:
                    self.faults["A9", union, len(rows), None] += 1

    def surplus_opened(self) -> Counter[str]:
        opened: Counter[str] = Counter()
        for row in table(self.folder / "funds.csv"):
            if int(row["年度"]) < self.year:
                opened[row["单位编码"]] += fen(row["金额(元)"])
        return opened

    def surplus_over_half(self) -> dict[str, int]:
        opened = self.surplus_opened()
        over = {union: left - opened[union] // 2 for union, left in self.surplus_left().items()}
        return {union: amount for union, amount in over.items() if amount > 0}

    def surplus_left(self) -> dict[str, int]:
        """Return what is left of each union's opening surplus, wherever it went."""
        left = self.surplus_opened()
        for each in self.paid.values():
            if each["status"] == "paid":
                for lot, taken in each["parts"]:
                    if lot[0] < self.year:
                        left[lot[3]] -= taken
        return {union: amount for union, amount in left.items() if amount}

    def _by_place(self, rule: str, payments: list[dict[str, Any]]) -> None:
        places: dict[str, list[int]] = defaultdict(list)
        for each in payments:
            places[each["union"]].append(each["amount"])
        for union, amounts in places.items():
            self.faults[rule, union, len(amounts), sum(amounts)] += 1


def _rows(path: Path) -> list[dict[str, Any]]:
    return (sheet(path) if path.suffix == ".xlsx" else table(path))[:-1]
