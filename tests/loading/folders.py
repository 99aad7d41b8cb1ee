"""Makes scenario folders: the shape of the real one, other people, sizes, amounts and faults."""

import csv
import io
import random
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import openpyxl

from tests.loading.reckoner import Reckoning
from tests.world import WEIGHTS

FAMILY = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张"
GIVEN = "明华丽强静敏军洋勇艳杰娟涛超秀英霞平刚桂喆堃镕"
BANK_FORMATS = ("unionpay-df", "failures-xml", "netbank-txt")
FAILURES = (
    ("3031", "账号户名不符"),
    ("3018", "已销户"),
    ("3004", "无效卡号"),
    ("3069", "长期不动户,请到柜台"),
)
BATCH_TITLES = [
    "批次号",
    "单位编码",
    "方式",
    "花名册",
    "用途",
    "编制人",
    "复核人",
    "审批人",
    "审批日期",
    "银行格式",
    "回盘或签字文件",
    "回盘或签字日期",
]
CARD_TITLES = [
    "序号",
    "姓名",
    "身份证号码",
    "联系电话",
    "困难类别",
    "困难原因",
    "开户行",
    "银行卡号",
    "慰问金额(元)",
    "备注",
]
SHEET_TITLES = ["序号", "姓名", "身份证号码", "联系电话", "类别", "困难原因", "金额(元)", "备注"]
ARCHIVE_TITLES = [
    "档案编号",
    "姓名",
    "身份证号码",
    "联系电话",
    "单位编码",
    "类别",
    "困难原因",
    "月人均收入(元)",
    "建档日期",
    "退档日期",
    "开户行",
    "银行卡号",
]


def make_folder(folder: Path, seed: int, unions: int = 6, people: int = 12) -> None:
    """Write a folder of `unions` organisations with about `people` rows a batch."""
    Maker(folder, random.Random(seed), unions, people).make()


class Maker:
    """Makes one folder; `plant` may be overridden to add to it before the answers are written."""

    def __init__(self, folder: Path, chance: random.Random, unions: int, people: int) -> None:
        self.folder = folder
        self.chance = chance
        self.people = people
        self.serial = 0
        self.year = chance.choice((2017, 2019, 2024))
        self.first = date(self.year, 1, 1)
        codes = ["C9", *(f"Q{n}" for n in range(1, max(2, unions // 2)))]
        codes += [f"Q1-{n}" for n in range(1, max(2, unions - len(codes) + 1))]
        self.parents = {
            code: "" if code == "C9" else "C9" if "-" not in code else "Q1" for code in codes
        }
        self.archive: list[list[Any]] = []
        self.filed: set[tuple[str, ...]] = set()
        self.batches: list[list[Any]] = []

    def make(self) -> None:
        for name in ("rosters", "bank", "signatures"):
            (self.folder / name).mkdir(parents=True)
        self.write_terms()
        # Children before parents, so that nothing rests on the order of the file.
        rows = [[c, f"{c}工会", "市" if not p else "县区", p] for c, p in self.parents.items()]
        self.write_csv("organisations.csv", ["编码", "名称", "层级", "上级编码"], rows)
        self.write_officers()
        self.write_money()
        for code in self.parents:
            for channel in ("银行卡", "签字表"):
                self.make_batch(code, channel)
        self.plant()
        self.chance.shuffle(self.batches)
        self.write_csv("batches.csv", BATCH_TITLES, self.batches)
        self.write_sheet("archive.xlsx", None, ARCHIVE_TITLES, self.archive)
        self.write_answers()
        self.write_csv("batches.csv", BATCH_TITLES, self.batches)

    def plant(self) -> None:
        """Add nothing of one's own."""

    def write_answers(self) -> None:
        """Let bank and people answer what an independent reckoning says was approved."""
        reckoning = Reckoning(self.folder)
        reckoning.run()
        for batch in self.batches:
            payments = {n: p for (code, n), p in reckoning.paid.items() if code == batch[0]}
            if not payments or self.chance.random() < 0.1:
                continue
            if batch[2] == "银行卡":
                suffix = "xml" if batch[9] == "failures-xml" else "txt"
                batch[10] = f"bank/{batch[0]}.{suffix}"
                (self.folder / batch[10]).write_bytes(self.bank_answer(batch, payments))
            else:
                batch[10] = f"signatures/{batch[0]}.csv"
                self.write_signatures(batch, payments)

    def bank_answer(self, batch: list[Any], payments: dict[int, dict[str, Any]]) -> bytes:
        failed = {n: self.chance.choice(FAILURES) for n in payments if self.chance.random() < 0.1}
        paid = [p["amount"] for n, p in payments.items() if n not in failed]
        if batch[9] == "failures-xml":
            items = "".join(
                f"<ITEM><ACCOUNT>{payments[n]['row']['银行卡号']}</ACCOUNT>"
                f"<NAME>{payments[n]['row']['姓名']}</NAME>"
                f"<AMOUNT>{yuan(payments[n]['amount'])}</AMOUNT><MESSAGE>{words}</MESSAGE></ITEM>"
                for n, (_, words) in failed.items()
            )
            return (
                '<?xml version="1.0" encoding="GB18030"?>\n'
                f"<TX><BATCH>{batch[0]}</BATCH><RETURN_CODE>000000</RETURN_CODE>"
                f"<SUCCESS_AMOUNT>{yuan(sum(paid))}</SUCCESS_AMOUNT>"
                f"<SUCCESS_NUM>{len(paid)}</SUCCESS_NUM><FAIL_LIST>{items}</FAIL_LIST></TX>\n"
            ).encode("gb18030")
        lines = []
        for n, payment in payments.items():
            card, name = payment["row"]["银行卡号"], payment["row"]["姓名"]
            code, words = failed.get(n, ("00", "成功"))
            if batch[9] == "unionpay-df":
                amount = payment["amount"]
                lines.append(f"{batch[0]}-{n:06d}|156|{amount}|01|{card}|{name}|{code}|{words}\n")
            else:
                result = words if n not in failed else f"失败:{words}"
                lines.append(f"{result}|{n}|{card}|{name}|{yuan(payment['amount'])}|\r\n")
        if batch[9] == "unionpay-df":
            total = sum(p["amount"] for p in payments.values())
            titles = "orderId|currencyCode|txnAmt|accType|accNo|customerNm|respCode|respMsg"
            return f"5.0.0|{total}|{len(lines)}||\n{titles}\n{''.join(lines)}".encode()
        return f"处理结果|序号|账号|姓名|实发工资|\r\n{''.join(lines)}".encode("gb18030")

    def write_signatures(self, batch: list[Any], payments: dict[int, dict[str, Any]]) -> None:
        rows = []
        for n, payment in payments.items():
            luck = self.chance.random()
            signer = "代签" if luck < 0.04 else payment["row"]["姓名"]
            if luck < 0.9:
                time = f"{batch[11]}T09:{n % 60:02d}:00+08:00"
                rows.append([n, signer, time, f"{self.chance.getrandbits(256):064x}", batch[5]])
        charset = self.chance.choice(("utf-8-sig", "gb18030"))
        titles = ["序号", "签字姓名", "签字时间", "签字影像SHA256", "经办人"]
        self.write_csv(batch[10], titles, rows, charset)

    def write_terms(self) -> None:
        low, high = self.chance.choice((300, 700)), self.chance.choice((400, 1500))
        self.low, self.high = low, high
        (self.folder / "campaign.toml").write_text(
            f"""
[campaign]
code = "c-{self.year}"
name = "活动"
starts = {self.year - 1}-12-20
ends = {self.year}-03-01
fiscal_year = {self.year}
[policy]
code = "p-{self.year}"
title = "方案"
effective_from = {self.year - 1}-12-20
[policy.categories."建档困难职工"]
minimum_yuan = {low}
channel = "银行卡"
archive_required = true
[policy.categories."困难劳模"]
minimum_yuan = {low + 100}
channel = "银行卡"
archive_required = true
monthly_income_below_yuan = 4000
[policy.categories."意外致困职工(未建档)"]
minimum_yuan = {low}
channel = "签字表"
required_fields = ["身份证号码", "联系电话", "困难原因"]
[policy.categories."一线职工"]
maximum_yuan = {high}
channel = "签字表"
required_fields = ["身份证号码", "联系电话"]
[policy.deadlines]
signature_sheets = {self.year}-02-05
[policy.surplus]
first_year_minimum_percent = 50
all_within_years = 2
""",
            encoding="utf-8",
        )

    def write_officers(self) -> None:
        rows = []
        for code in self.parents:
            for letter, role in zip("HRAC", ("经办", "复核", "审批", "出纳"), strict=True):
                rows.append([f"{letter}{code}", self.name(), code, role])
        self.write_csv("officers.csv", ["工号", "姓名", "单位编码", "岗位"], rows)

    def write_money(self) -> None:
        funds: list[list[Any]] = []
        allocations: list[list[Any]] = []
        sources = ("中央财政", "地方财政", "上级补助", "本级工会经费", "社会捐赠")
        for place, code in enumerate(self.parents):
            for vintage in (self.year - 2, self.year - 1, self.year):
                if self.chance.random() < 0.7 or code == "C9":
                    day = self.first + timedelta(days=self.chance.randint(0, 4))
                    yuan = self.chance.randint(1, 40_000) * 100 + (place % 3) * 0.25
                    source = self.chance.choice(sources)
                    number = f"文〔{self.year}〕{len(funds)}号"
                    funds.append([day, code, source, number, "送温暖", vintage, f"{yuan:.2f}"])
            parent = self.parents[code]
            if parent:
                day = self.first + timedelta(days=self.chance.randint(4, 8))
                yuan = self.chance.randint(1, 300) * 100
                number = f"拨〔{self.year}〕{place}号"
                allocations.append([day, parent, code, "送温暖", number, f"{yuan:.2f}"])
        self.write_csv(
            "funds.csv", ["日期", "单位编码", "资金来源", "文号", "用途", "年度", "金额(元)"], funds
        )
        titles = ["日期", "拨出单位", "接收单位", "用途", "文号", "金额(元)"]
        self.write_csv("allocations.csv", titles, allocations)

    def make_batch(self, union: str, channel: str) -> None:
        card = channel == "银行卡"
        code = f"B{len(self.batches):04d}"
        approved = self.first + timedelta(days=self.chance.randint(9, 15))
        rows = [self.row(union, number, card) for number in range(1, self.people + 1)]
        people = [f"{letter}{union}" for letter in "HRA"]
        if self.chance.random() < 0.15:
            people[self.chance.randint(1, 2)] = people[0]
        if card:
            roster = f"rosters/{code}.xlsx"
            total = ["合计", *[None] * 7, sum(row[8] for row in rows), None]
            self.write_sheet(roster, f"花名册({union})", CARD_TITLES, [*rows, total])
        else:
            roster = f"rosters/{code}.csv"
            total = ["合计", *[""] * 5, f"{sum(float(row[6]) for row in rows):.2f}", ""]
            self.write_csv(roster, SHEET_TITLES, [*rows, total], "gb18030")
        bank_format = self.chance.choice(BANK_FORMATS) if card else ""
        answer = approved + timedelta(days=self.chance.randint(3, 10))
        # What came back is written once it is known which rows stand.
        self.batches.append(
            [code, union, channel, roster, "送温暖", *people, approved, bank_format, "", answer]
        )

    def row(self, union: str, number: int, card: bool) -> list[Any]:
        who, chance = self.person(), self.chance
        fault = chance.random()
        category = chance.choice(("建档困难职工", "困难劳模"))
        if not card:
            category = chance.choice(("一线职工", "意外致困职工(未建档)"))
        yuan: float = chance.choice((self.low + 100, self.low + 200.5, self.low + 900))
        if category == "一线职工":
            yuan = min(yuan, self.high)
        income, closed = chance.randint(1000, 3999), None
        if card and fault < 0.06:
            closed = self.first + timedelta(days=chance.choice((-30, 60)))
        elif card and category == "困难劳模" and fault < 0.12:
            income = chance.choice((4000, 4500))
        # A person has one file, however often they are listed.
        if card and fault < 0.95 and who not in self.filed:
            self.filed.add(who)
            opened = self.first - timedelta(days=chance.randint(30, 600))
            self.archive.append(
                [
                    f"DA{len(self.archive)}",
                    *who[:3],
                    union,
                    category,
                    "大病",
                    income,
                    opened.isoformat(),
                    closed.isoformat() if closed else None,
                    "银行",
                    who[3],
                ]
            )
        name, id_number, phone, account = who
        number_cell: Any = id_number
        if 0.12 < fault < 0.16:
            number_cell = id_number[:17] + ("0" if id_number[17] != "0" else "1")
        elif 0.16 < fault < 0.19:
            number_cell = ""
        elif card and 0.19 < fault < 0.22:
            number_cell = float(id_number[:17] + "0")
        elif 0.22 < fault < 0.3:
            number_cell = "".join(chr(ord(c) + 0xFEE0) for c in id_number)
        elif 0.3 < fault < 0.34:
            number_cell = id_number.lower()
        elif 0.34 < fault < 0.38:
            yuan = 1
        elif not card and 0.38 < fault < 0.41:
            category = "建档困难职工"
        if not card:
            reason = "" if 0.41 < fault < 0.45 else "残疾"
            return [number, name, number_cell, phone, category, reason, f"{yuan:.2f}", ""]
        return [
            number,
            name,
            number_cell or None,
            phone,
            category,
            "大病",
            "银行",
            account,
            yuan,
            None,
        ]

    def person(self) -> tuple[str, str, str, str]:
        self.serial += 1
        if self.serial > 20 and self.chance.random() < 0.04:
            self.serial -= 20  # one who was listed before
            known = self.make_person(self.serial)
            self.serial += 20
            return known
        return self.make_person(self.serial)

    def make_person(self, serial: int) -> tuple[str, str, str, str]:
        body = f"340101{1955 + serial % 40}{1 + serial % 12:02d}{1 + serial % 28:02d}"
        body += f"{serial % 1000:03d}"
        total = sum(int(d) * w for d, w in zip(body, WEIGHTS, strict=True))
        own = random.Random(serial)
        name = own.choice(FAMILY) + "".join(own.choice(GIVEN) for _ in range(own.randint(1, 2)))
        return (
            name,
            body + "10X98765432"[total % 11],
            f"170{serial:08d}",
            f"62999{serial:014d}",
        )

    def name(self) -> str:
        return self.chance.choice(FAMILY) + self.chance.choice(GIVEN)

    def write_csv(
        self, name: str, titles: list[str], rows: list[Any], charset: str = "utf-8-sig"
    ) -> None:
        out = io.StringIO()
        csv.writer(out).writerows([titles, *rows])
        (self.folder / name).write_bytes(out.getvalue().encode(charset))

    def write_sheet(
        self, name: str, title: str | None, titles: list[str], rows: list[list[Any]]
    ) -> None:
        book = openpyxl.Workbook()
        page = book.worksheets[0]
        if title:
            page.append([title])
            page.merge_cells(start_row=1, start_column=1, end_row=1, end_column=len(titles))
        for row in (titles, *rows):
            page.append(row)
        book.save(self.folder / name)


def yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"
