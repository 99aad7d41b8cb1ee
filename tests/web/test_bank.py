"""A bank account, from its registration to its reconciliation statement, in browsers."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from ledger.domain.officer import Role
from tests.api.service import EARLY, TODAY
from tests.web.browsing import LANGUAGES, Office, accessible, office_at
from tests.world import Person, World, failed, roster_row, settled

ONE, TWO, THREE = Person(1), Person(2), Person(3)
NUMBER = "6222000000000000009"
TITLES = "交易时间,支出金额,收入金额,余额,对方户名,对方账号,摘要,交易流水号,业务编号"


def listed(first: date, last: date, opening: int, *rows: tuple[str, int, str]) -> bytes:
    """Write a statement as a net bank exports it: day, fen (out below zero) and reference."""
    lines = [
        f"账号：,{NUMBER},,币种：,人民币",
        f"起始日期：{first},,,截止日期：{last}",
        TITLES,
    ]
    balance = opening
    for number, (day, fen, reference) in enumerate(rows, 1):
        balance += fen
        out, into = (f"{-fen / 100:.2f}", "") if fen < 0 else ("", f"{fen / 100:.2f}")
        note = "退票" if fen == 80_000 else "转账"
        cells = (day, out, into, f"{balance / 100:.2f}", "试行代发户", "", note, f"B-{number}")
        lines.append(",".join((*cells, reference)))
    return ("\n".join(lines) + "\n").encode("gb18030")


JANUARY = listed(
    date(2017, 1, 1),
    date(2017, 1, 31),
    0,
    ("2017-01-02", 1_000_000, "拨〔2017〕1号"),
    ("2017-01-12", -240_000, "PAY-1"),
    ("2017-01-13", 80_000, "PAY-1-000002"),
    ("2017-01-14", -160_000, ""),
    ("2017-01-20", 80_000, "PAY-1-000003"),
    ("2017-01-31", -500, ""),
)


@pytest.fixture
def workplace(tmp_path: Path, chromium: Browser) -> Iterator[Office]:
    """X01 has money and two batches: one of three, of whom one came back, and one of two."""
    world = World.at(tmp_path).settle_in()
    for staff, role in (("K-X01", Role.CASHIER), ("B-X01", Role.ACCOUNTANT)):
        world.appoint(staff, "X01", role, EARLY)
    world.receive("X01", 1_000_000)
    people = [Person(n) for n in range(1, 6)]
    world.file(*people)
    world.pay("PAY-1", *(roster_row(n, each, 80_000) for n, each in enumerate(people[:3], 1)))
    world.answer(
        "PAY-1", settled(1, ONE, 80_000), failed(2, TWO, 80_000), settled(3, THREE, 80_000)
    )
    world.pay("PAY-2", *(roster_row(n, each, 80_000) for n, each in enumerate(people[3:], 1)))
    world.ledger.close()
    with office_at(world.home, chromium, TODAY) as office:
        yield office
        office.settled()


WORDS = {
    "zh": {
        "name": "账户名称",
        "number": "账号",
        "bank": "开户行",
        "from": "开始对账日期",
        "opening": "当日期初余额（元）",
        "register": "登记",
        "odd": "银行账号应由",
        "keep": "存放在此",
        "take": "登记对账单",
        "columns": "先核对栏目",
        "header": "换表头行",
        "rules": "按编号自动核对",
        "match": "核对相符",
        "differ": "合计不一致",
        "known": "没有新的收支",
        "alone": "仅金额或日期相同",
        "back": "登记为退票",
        "aside": "这一行不需核对",
        "not ours": "为何不属本账",
        "ignore": "不属本账",
        "first": "支出须先由会计或经办人",
        "why": "核销理由",
        "write-off": "核销",
        "clean": "银行收支都已核对。",
        "statement": "余额调节表",
        "prepare": "编制",
        "review": "复核无误",
        "late": "没有连续的对账单",
        "moved": "须重新编制和复核",
        "undo": "撤销核对",
        "because": "撤销理由",
        "opened": "撤销了一次核对",
        "missing": "缺少对账单",
    },
    "en": {
        "name": "Name of the account",
        "number": "Account",
        "bank": "开户行",
        "from": "Reconciled from",
        "opening": "Balance as that day began (yuan)",
        "register": "Register",
        "odd": "an account number has",
        "keep": "Kept here",
        "take": "Take in the statement",
        "columns": "Look at the columns first",
        "header": "Take this row",
        "rules": "Match by reference",
        "match": "Match",
        "differ": "the bank's lines come to",
        "known": "was taken in before",
        "alone": "Amount or date alone",
        "back": "It came back",
        "aside": "This line is not to be matched",
        "not ours": "Why it is not of this ledger",
        "ignore": "Not of this ledger",
        "first": "Money out is first called",
        "why": "Why it is written off",
        "write-off": "Write off",
        "clean": "Every bank line is matched.",
        "statement": "Reconciliation statement",
        "prepare": "Prepare",
        "review": "Review it",
        "late": "no unbroken run of statements",
        "moved": "prepared and reviewed anew",
        "undo": "Undo the match",
        "because": "Why it is undone",
        "opened": "A match was undone",
        "missing": "Statements are missing",
    },
}


Opening = Callable[[str, str], Page]


@pytest.mark.parametrize(("language", "scripts"), [("zh", True), ("en", False)])
def test_an_account_is_proved_to_the_bank(
    workplace: Office, language: str, *, scripts: bool
) -> None:
    say = WORDS[language]

    def page(staff: str, path: str) -> Page:
        opened = workplace.browser(staff, language, scripts=scripts).new_page()
        opened.goto(path)
        return opened

    desk = taken_in(page, say)
    matched(page, say, desk, scripts=scripts)
    statement = reconciled(page, say, desk, scripts=scripts)
    opened_again(page, say, desk, statement, scripts=scripts)


def taken_in(page: Opening, say: dict[str, str]) -> str:
    """Register the account and take its statement in; return the desk's address."""
    approver = page("A-X01", "/bank")
    register(approver, say, "12")
    expect(approver.get_by_role("alert")).to_contain_text(say["odd"])
    approver.goto("/bank")
    register(approver, say, NUMBER)
    approver.get_by_role("button", name=say["keep"]).click()
    expect(approver.get_by_role("status")).to_be_visible()
    desk = approver.url
    cashier = page("K-X01", desk)
    for content, refused in ((b"not a statement\n", True), (JANUARY, False), (JANUARY, True)):
        cashier.goto(desk)
        cashier.locator("input[type=file]").set_input_files(
            {"name": "s.csv", "mimeType": "text/csv", "buffer": content}
        )
        cashier.get_by_role("button", name=say["take"]).click()
        expect(cashier.get_by_role("alert" if refused else "status")).to_be_visible()
    expect(cashier.get_by_role("alert")).to_contain_text(say["known"])
    cashier.goto(desk)
    expect(cashier.get_by_role("button", name=say["match"])).to_have_count(0)
    return desk


def matched(page: Opening, say: dict[str, str], desk: str, *, scripts: bool) -> None:
    """Match what names the same by rule, the rest by hand; what differs is refused."""
    accountant = page("B-X01", desk)
    lines = accountant.locator("[data-list] .card:not(.empty)")
    expect(lines).to_have_count(6)
    accountant.get_by_role("button", name=say["rules"]).click()
    expect(lines).to_have_count(3)
    if scripts:
        looks_right(accountant)
    accountant.locator("[name=line]").last.check()
    accountant.locator("#candidates [name=item]").check()
    accountant.get_by_role("button", name=say["match"], exact=True).click()
    expect(accountant.get_by_role("alert")).to_contain_text(say["differ"])

    accountant.goto(desk)
    expect(accountant.locator("#candidates")).to_contain_text(say["alone"])
    expect(accountant.locator("#candidates [name=item]")).not_to_be_checked()
    accountant.locator("#candidates [name=item]").check()
    if scripts:
        expect(accountant.locator("[data-sum]")).to_contain_text("¥0.00")
        accountant.locator("#lines").click()
        accountant.keyboard.press("j")
        accountant.keyboard.press("Enter")
    else:
        accountant.get_by_role("button", name=say["match"], exact=True).click()
    expect(lines).to_have_count(2)
    expect(accountant.locator("#in-hand")).to_contain_text("PAY-1-000003")
    if scripts:
        expect(accountant.locator("#in-hand [data-look]")).to_be_focused()
    accountant.get_by_role("button", name=say["back"]).click()
    expect(lines).to_have_count(1)

    approver = page("A-X01", desk)
    expect(approver.locator("#candidates")).to_contain_text(say["first"])
    accountant.get_by_text(say["aside"]).click()
    accountant.get_by_label(say["not ours"]).fill("手续费")
    accountant.get_by_role("button", name=say["ignore"], exact=True).click()
    expect(lines).to_have_count(0)
    approver.goto(desk)
    approver.get_by_label(say["why"]).fill("手续费由本级经费负担")
    approver.get_by_role("button", name=say["write-off"], exact=True).click()
    expect(approver.locator("#main")).to_contain_text(say["clean"])
    expect(approver.locator(".figures .good").first).to_contain_text("31")


def reconciled(page: Opening, say: dict[str, str], desk: str, *, scripts: bool) -> str:
    """Prepare the reconciliation statement, have another review it; return its address."""
    accountant = page("B-X01", desk)
    accountant.get_by_role("button", name=say["statement"]).click()
    statement = accountant.url
    accountant.get_by_role("button", name=say["prepare"], exact=True).click()
    expect(accountant.get_by_role("status")).to_be_visible()
    expect(accountant.get_by_role("button", name=say["review"], exact=True)).to_have_count(0)
    feet = [each.split()[0] for each in accountant.locator(".feet td").all_inner_texts()]
    assert feet[0] == feet[1]
    if scripts:
        looks_right(accountant)
    printed = accountant.request.get(f"{statement}.pdf")
    assert printed.body().startswith(b"%PDF")
    accountant.goto(f"{statement}?day=2017-02-01")
    expect(accountant.get_by_role("alert")).to_contain_text(say["late"])
    reviewer = page("R-X01", statement)
    reviewer.get_by_role("button", name=say["review"], exact=True).click()
    expect(reviewer.locator(".boxes")).to_contain_text("R-X01")
    return statement


def opened_again(
    page: Opening, say: dict[str, str], desk: str, statement: str, *, scripts: bool
) -> None:
    """Undo a match: the desk says what opened, and the statement that it has moved.

    But not the last one, by which a payment came back: that is taken back at the payment.
    """
    accountant = page("B-X01", desk)
    if scripts:
        accountant.bring_to_front()
        accountant.keyboard.press("u")
        expect(accountant.locator("[data-undo]")).to_be_focused()
        accountant.keyboard.press("Enter")
    else:
        accountant.locator("[data-undo]").first.click()
    accountant.get_by_label(say["because"]).fill("看错了")
    accountant.get_by_role("button", name=say["undo"]).click()
    expect(accountant.locator("#main")).to_contain_text("match.return_stands")
    accountant.goto(desk)
    accountant.locator("a[href*='/matches/']").nth(1).click()
    accountant.get_by_label(say["because"]).fill("看错了")
    accountant.get_by_role("button", name=say["undo"]).click()
    expect(accountant.locator("#main")).to_contain_text(say["opened"])
    reviewer = page("R-X01", statement)
    expect(reviewer.get_by_role("note")).to_contain_text(say["moved"])


def looks_right(page: Page) -> None:
    accessible(page)
    page.set_viewport_size({"width": 390, "height": 844})
    accessible(page)
    page.set_viewport_size({"width": 1280, "height": 800})


def register(page: Page, say: dict[str, str], number: str) -> None:
    page.get_by_label(say["name"]).fill("送温暖专户")
    page.locator("[name=number]").fill(number)
    page.locator("[name=bank_format]").select_option("statement-list")
    page.locator("form[action='/bank'] [name=organisation_code]").select_option("X01")
    page.get_by_label(say["from"]).fill("2017-01-01")
    page.get_by_label(say["opening"]).fill("0")
    page.get_by_role("button", name=say["register"], exact=True).click()


ODD = f"账号：,{NUMBER}\n记账,对手,付了,收了,剩下,编号\n"
COLUMNS = {
    "zh": ("交易日期 *", "对方户名", "支出金额", "收入金额", "余额 *", "业务编号"),
    "en": (
        "Transaction date *",
        "Counterparty",
        "Paid out",
        "Paid in",
        "Balance *",
        "End-to-end reference",
    ),
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_columns_of_a_list_that_are_not_known_are_named_once(
    workplace: Office, language: str
) -> None:
    say = WORDS[language]
    approver = workplace.page("A-X01", "/bank", language)
    register(approver, say, NUMBER)
    desk = approver.url
    cashier = workplace.page("K-X01", desk, language)
    first = f"{ODD}2017-01-02,某财政局,,10000.00,10000.00,拨〔2017〕1号\n"
    bring(cashier, say, first, last_day="2017-01-31")
    cashier.locator("[name=line]").first.select_option("2")
    cashier.get_by_role("button", name=say["header"]).click()
    expect(cashier.locator(".columns li")).to_have_count(6)
    assert "某财政局" not in cashier.content()
    looks_right(cashier)
    waiting = cashier.url
    cashier.get_by_role("button", name=say["take"]).click()
    expect(cashier.get_by_role("alert")).to_be_visible()
    for place, word in enumerate(COLUMNS[language]):
        cashier.locator("[name=field]").nth(place).select_option(word)
    cashier.get_by_role("button", name=say["take"]).click()
    expect(cashier.get_by_role("status")).to_be_visible()
    expect(cashier.locator("[data-list] .card:not(.empty)")).to_have_count(1)

    # The next one is read as this one was, whoever brings it; a wrong balance is still refused.
    bring(cashier, say, f"{ODD}2017-02-02,某财政局,1.00,,9000.00,付\n2017-02-03,,1.00,,7.00,\n")
    expect(cashier.get_by_role("alert")).to_be_visible()
    cashier.goto(desk)
    cashier.get_by_label(say["columns"]).check()
    bring(cashier, say, f"{ODD}2017-02-02,某财政局,1.00,,9999.00,付\n", fresh=False)
    expect(cashier.get_by_role("status")).to_be_visible()
    expect(cashier.locator("[name=field]").nth(2)).to_have_value("debit")
    cashier.get_by_role("button", name=say["take"]).click()
    expect(cashier.locator("[data-list] .card:not(.empty)")).to_have_count(2)

    # Neither says which days it covers: what nobody stated is missing until somebody does.
    missing = cashier.get_by_role("note")
    expect(missing).to_contain_text(say["missing"])
    bring(cashier, say, first, first_day="2017-01-01")
    expect(missing).to_contain_text(say["missing"])
    second = f"{ODD}2017-02-02,某财政局,1.00,,9999.00,付\n"
    bring(cashier, say, second, first_day="2017-02-01", last_day="2017-02-02")
    expect(cashier.get_by_role("status")).to_be_visible()
    expect(missing).to_have_count(0)
    another = workplace.page("B-X01", waiting, language)
    expect(another.locator("#main")).not_to_contain_text("某")


def bring(page: Page, say: dict[str, str], text: str, *, fresh: bool = True, **days: str) -> None:
    """Hand a statement in at the desk, with the days that it covers."""
    if fresh:
        page.goto(page.url.partition("/statements")[0].partition("?")[0])
    page.locator("input[type=file]").set_input_files(
        {"name": "s.csv", "mimeType": "text/csv", "buffer": text.encode()}
    )
    for name, day in days.items():
        page.locator(f"[name={name}]").fill(day)
    page.get_by_role("button", name=say["take"]).click()
