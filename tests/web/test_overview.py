"""The overview, the tree and the findings: each figure leads to the list that it is made up of."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.web.browsing import LANGUAGES, Office, accessible, saying
from tests.web.conftest import INSPECTOR

NEXT = {"zh": "下一页", "en": "Next page"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_figure_leads_to_the_list_behind_it(office: Office, language: str) -> None:
    page = office.page(INSPECTOR, "/overview", language)
    links = page.locator(".figures a, [data-row] a, table a")
    addresses = {str(link.get_attribute("href")) for link in links.all()}
    figures = [
        (str(link.get_attribute("href")), link.inner_text())
        for link in page.locator("dl.figures a, table td.num a").all()
    ]
    assert page.locator("dl.figures > div:not(:has(a))").count() == 0
    assert len(figures) > 30
    for address in sorted(one_of_each(addresses)):
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == 200, address
        for _, figure in [each for each in figures if each[0] == address and "¥" in each[1]]:
            expect(page.locator("main")).to_contain_text(figure)


def test_the_first_years_line_stays_when_its_year_is_over(office: Office) -> None:
    """It was that of the deadline that comes next, which is nothing once the first has passed."""
    lines = []
    for day in ("2017-01-31", "2018-06-30"):
        page = office.page(INSPECTOR, f"/overview?as_of={day}&year=2017")
        cells = page.locator("figure[data-chart] tbody tr:first-child td").all()
        lines.append([str(each.get_attribute("data-value")) for each in cells])
    assert lines[0] == lines[1]
    assert int(lines[0][2]) > 0


def one_of_each(addresses: set[str]) -> set[str]:
    """Of addresses that ask for the same in the same words, keep one."""
    kinds = {
        (
            urlsplit(each).path,
            urlsplit(each).fragment,
            *sorted(parse_qs(urlsplit(each).query)),
        ): each
        for each in sorted(addresses)
    }
    return set(kinds.values())


def test_old_money_is_listed_document_by_document(office: Office) -> None:
    page = office.page(INSPECTOR, "/flow/opening?organisation=X01&vintage=2015", "en", "phone")
    accessible(page)
    shown = page.locator("dl.figures dd").all_inner_texts()
    rows = [each.inner_text() for each in page.locator("[data-row]").all()]
    assert shown[0] == "¥83,300.00"
    assert sum(fen(each) for each in rows) == fen(shown[0])
    page.get_by_role("link", name="2015 ✕").click()
    expect(page.locator("dl.figures dd").first).to_have_text("¥117,100.00")
    page.locator("[data-row] a").first.click()
    page.wait_for_url("**/trace/lots/*")
    page.goto("/flow/opening?organisation=X01&year=1999")
    expect(page.locator("[data-row]")).to_have_count(0)
    page.goto("/flow/opening?organisation=NONE")
    expect(page.get_by_role("alert")).to_contain_text("ledger.not_on_record")
    page.goto("/flow/opening?alone=yes")
    accessible(page)


def fen(text: str) -> int:
    """Read the first amount of a text."""
    found = re.search(r"¥([\d,]+)\.(\d\d)", text)
    assert found, text
    return int(f"{found[1]}{found[2]}".replace(",", ""))


@pytest.mark.parametrize("language", LANGUAGES)
def test_findings_are_counted_listed_and_followed_to_their_ground(
    office: Office, language: str
) -> None:
    say = saying(language)
    page = office.page(INSPECTOR, "/overview", language)
    counted = page.locator("a[href*='severity=E']")
    number = counted.inner_text().split()[0]
    counted.click()
    expect(page.get_by_text(say("共 %(n)s 项", n=number))).to_be_visible()
    expect(page.locator("[data-row]")).to_have_count(int(number))
    back = {"zh": "被银行退回", "en": "sent back by the bank"}[language]
    returned = page.locator("[data-row]", has_text=back).first
    amount = returned.locator("td.lead").inner_text()
    returned.locator("[data-open]").click()
    page.wait_for_url("**/ledger?*")
    expect(page.locator("main")).to_contain_text(amount)
    page.goto("/findings?rule=H1")
    stopped = {"zh": "已拦下并记录", "en": "Stopped and kept on record"}[language]
    page.locator("[data-row] [data-open]", has_text=stopped).first.click()
    expect(page.locator(".attempts")).to_contain_text("duty.same_person")

    page.goto("/findings")
    first = page.locator("[data-row]").count()
    page.get_by_role("link", name=NEXT[language]).click()
    expect(page.locator("[data-row]").first).to_be_visible()
    assert first == 100


@pytest.mark.parametrize(("language", "scripts"), [("zh", True), ("en", True), ("en", False)])
def test_the_tree_unfolds_and_its_figures_lead_on(
    office: Office, language: str, *, scripts: bool
) -> None:
    say = saying(language)
    page = office.browser(INSPECTOR, language, scripts=scripts).new_page()
    page.goto("/organisations")
    before = page.locator("[data-row]").count()
    page.get_by_role("link", name=say("展开 %(name)s", name="示范一区总工会")).click()
    page.wait_for_url("**unfolded=X01*")
    expect(
        page.get_by_role("link", name=say("收起 %(name)s", name="示范一区总工会"))
    ).to_be_visible()
    assert page.locator("[data-row]").count() > before
    row = page.locator("[data-row]", has_text="X01 ·")
    expect(row).to_contain_text(say("有须处理"))
    found = row.get_by_role("link").last
    number = found.inner_text()
    found.click()
    expect(page.get_by_text(say("共 %(n)s 项", n=number))).to_be_visible()
    if scripts:
        accessible(page)


def test_a_tree_shows_so_many_of_one_level_and_the_rest_on_request(office: Office) -> None:
    page = office.page(INSPECTOR, "/organisations?rows=3", "en")
    expect(page.locator("[data-row]")).to_have_count(4)
    page.get_by_role("link", name="6 more below").click()
    expect(page.locator("[data-row]")).to_have_count(10)


def test_rows_are_walked_by_keys(office: Office) -> None:
    page = office.page(INSPECTOR, "/findings?severity=E")
    page.keyboard.press("j")
    page.keyboard.press("j")
    second = page.locator("[data-row]").nth(1).locator("[data-open]")
    expect(second).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/ledger?*")


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/findings?organisation=NONE", "ledger.not_on_record"),
        ("/deadlines?as_of=soon", "request.invalid"),
        ("/organisations?rows=-1", "request.invalid"),
    ],
)
def test_wrong_questions_are_refused_in_words(office: Office, path: str, code: str) -> None:
    page = office.page(INSPECTOR, path)
    expect(page.get_by_role("alert")).to_contain_text(code)


def test_who_is_late_is_listed_by_document(office: Office) -> None:
    page: Page = office.page(INSPECTOR, "/overview", "en")
    link = page.locator("a[href^='/deadlines']").first
    owed = int(link.inner_text().split("/")[0])
    link.click()
    expect(page.locator("[data-row]")).to_have_count(owed)
    expect(page.locator("[data-row]").first).to_contain_text("days late")
    accessible(page)
