"""The rules of the table as a page, and what each finding says and leads to."""

import json
from datetime import date
from uuid import UUID

import pytest
from playwright.sync_api import expect
from typer.testing import CliRunner

from api.cli.main import app
from api.web.behind import Behind
from api.web.language import languages
from api.web.screen import environment
from projections.asked import Moment
from projections.findings.aside import ASIDE
from projections.findings.catalogue import RULES_KNOWN
from projections.findings.finding import Finding, Severity
from tests.web.browsing import LANGUAGES, SIZES, Office, accessible, saying
from tests.web.conftest import INSPECTOR

SOMEBODY = UUID(int=8)
FOUND = {
    **dict.fromkeys(("A9", "B3", "B5", "C3", "C5", "E2", "F4", "F6", "F7", "F9", "H3", "K3")),
    "B4": "一线职工",
    "H1": "drafted_and_witnessed",
    "H6": "hefei-2017 2 limit again_days",
    "J5": "may_have_arrived_before",
    "L1": "verify.entry_broken",
    "L2": "w.example",
    "L3": "verify.rewritten",
    "L4": "verify.cut_back",
    "L5": "ab" * 16,
}
"""What each rule found, with the code that says more where it has one."""


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_rule_says_whether_it_is_evaluated(office: Office, language: str) -> None:
    say = saying(language)
    page = office.page(INSPECTOR, "/findings/rules", language)

    expect(page.locator("[data-row]")).to_have_count(len(RULES_KNOWN) + len(ASIDE))
    held = page.locator("[data-row]", has_text="bank_file.incomplete")
    expect(held).to_contain_text(say("账本已排除"))
    expect(page.locator("[data-row]", has_text="E3")).to_contain_text(say("缺数据"))
    page.get_by_role("link", name=say("多人一卡")).click()
    page.wait_for_url("**/findings?rule=C3")
    expect(page.locator("main")).to_contain_text(say("没有疑点。"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_rule_says_what_it_found(language: str) -> None:
    template = environment(languages()[language]).from_string(
        '{% from "parts/findings.html" import what with context %}{{ what(each)|trim }}'
    )
    said = {
        rule: template.render(
            each=Finding(
                rule, Severity.ERROR, SOMEBODY, "2017-01-20", 2, 120_000, detail, year=2017
            )
        )
        for rule, detail in FOUND.items()
    }

    assert len(set(said.values())) == len(FOUND)
    assert "w.example" in said["L2"]
    assert all("2" in said[rule] for rule in FOUND if rule[0] != "L")


@pytest.mark.parametrize(
    ("language", "stopped", "money"),
    [
        ("zh", "已拦下并记录：账户余额够", ["限用资金来源", "限用账户用途"]),
        ("en", "Stopped and kept on record", ["Sources that may pay it", "by their use"]),
    ],
)
def test_money_for_another_purpose_is_told_in_words(
    language: str, stopped: str, money: list[str]
) -> None:
    """Too little of the sources stopped an approval, and no row of a list."""
    template = environment(languages()[language]).from_string(
        '{% from "parts/findings.html" import what with context %}{{ what(each)|trim }}'
    )

    def said(rule: str, detail: str) -> str:
        finding = Finding(
            rule, Severity.WARNING, SOMEBODY, "2017-01-20", 1, detail=detail, position=7
        )
        return template.render(each=finding)

    assert said("F1", "fund.sources_insufficient").startswith(stopped)
    for kind, name in zip(("sources", "earmarks"), money, strict=True):
        assert name in said("H6", f"hefei-2017 2 {kind} 一线职工")


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("zh", ["宽于上级政策 hefei-2017 的标准上限", "没有的类别", "退休年龄，男"]),
        ("en", ["is looser than policy hefei-2017", "does not know", "men"]),
    ],
)
def test_what_a_lower_policy_allows_beyond_is_told_in_words(
    language: str, words: list[str]
) -> None:
    template = environment(languages()[language]).from_string(
        '{% from "parts/findings.html" import what with context %}{{ what(each)|trim }}'
    )
    allowed = ("maximum 一线职工", "category 新就业群体", "limit retirement_men_years")
    for what, word in zip(allowed, words, strict=True):
        detail = f"x01-own 2 beyond hefei-2017 {what}"
        finding = Finding("H6", Severity.WARNING, SOMEBODY, "2017-01-20", 1, detail=detail)
        said = template.render(each=finding)
        assert word in said
        assert "x01-own" in said


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_wrong_with_a_notice_is_told_in_words(language: str) -> None:
    template = environment(languages()[language]).from_string(
        '{% from "parts/findings.html" import what with context %}{{ what(each)|trim }}'
    )
    said = [
        template.render(
            each=Finding(
                rule, severity, SOMEBODY, "2017-01-20", 7, None, detail, position=7, days_late=7
            )
        )
        for rule, severity, detail in OF_NOTICES
    ]

    assert len(set(said)) == len(OF_NOTICES)
    assert all("7" in each for each in said)


OF_NOTICES = (
    ("K1", Severity.WARNING, None),
    ("K1", Severity.WARNING, "too_short"),
    ("H4", Severity.INFORMATION, "notice_late"),
    ("H4", Severity.WARNING, "notice_over"),
    ("K3", Severity.WARNING, "taken_down"),
    ("K4", Severity.WARNING, "no_row"),
    ("K4", Severity.WARNING, "listed_again"),
    ("K4", Severity.ERROR, "listed_again"),
    ("K4", Severity.WARNING, "row_paid"),
    ("K4", Severity.ERROR, "row_paid"),
)


def test_what_is_behind_a_finding_is_led_to() -> None:
    place = Behind("X01", alone=True, moment=Moment(date(2017, 2, 1)))

    def leads(rule: str, **facts: object) -> str:
        finding = Finding(rule, Severity.ERROR, SOMEBODY, "2017-01-20", 2, 120_000, **facts)  # type: ignore[arg-type]
        return place.of_finding(finding, "lianjie")

    assert leads("A9", person_id=SOMEBODY) == f"/trace/people/{SOMEBODY}"
    assert leads("C3", payment_ids=(SOMEBODY,)) == f"/trace/payments/{SOMEBODY}"
    assert leads("F4", account_id=SOMEBODY) == leads("F6", account_id=SOMEBODY)
    assert leads("F7", batch_id=SOMEBODY) == f"/batches/{SOMEBODY}"
    assert leads("L2") == "/integrity"
    assert leads("L1", position=7) == "/verify/7"
    assert "least=600.00&most=600.00" in leads("B4", detail="一线职工", position=7)
    assert "least" not in leads("B4", detail="一线职工"), "of several amounts, told as one"


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_earlier_version_is_held_against_the_one_that_counts(
    office: Office, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    say = saying(language)
    page = office.browser(INSPECTOR, language, scripts=False).new_page()
    page.goto("/findings?rule=D3")
    page.locator("details.no-print:has(form) > summary").click()
    page.locator("[name=version]").select_option("1")
    page.locator("details form button").click()
    page.wait_for_url("**version=1*")
    expect(page.locator("main")).to_contain_text(say("这只是假设，账上什么也没有改变。"))
    expect(page.locator("[data-row]").first).to_contain_text(say("＝ 两者都有"))
    page.locator("[name=policy_version]").select_option("1")
    page.locator("details form button").click()
    expect(page.locator("main")).to_contain_text(say("限额按政策的第 %(n)s 次采用。", n="1"))
    for wrong in ("rule=D3&version=9", "version=1", "policy_version=99", "rule=Z9&version=1"):
        page.goto(f"/findings?{wrong}")
        expect(page.get_by_role("alert")).to_contain_text("finding.")
    for size in SIZES:
        accessible(office.page(INSPECTOR, "/findings?rule=D3&version=1", language, size))

    asked = office.browser(INSPECTOR).request
    told = asked.get("/v1/findings?rule=D3&version=1").json()
    assert {each["compared"] for each in told["items"]} == {"same"}
    assert asked.get("/v1/findings?rule=D3&version=9").status == 404
    assert asked.get("/v1/findings?rule=D3&version=0").status == 422
    monkeypatch.setenv("NUANZHANG_HOME", str(office.home.path))
    listed = CliRunner().invoke(app, ["findings", "--rule", "D3", "--version", "1", "--json"])
    assert {each["compared"] for each in json.loads(listed.output)} == {"same"}
