"""Policies in time: a corrected reading is previewed, signed in the browser, and stands beside."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from ledger.domain.policy import policy_id
from tests.api.service import TODAY
from tests.web.browsing import LANGUAGES, SIZES, Office, accessible, office_at
from tests.web.test_administration import administered, refused
from tests.web.test_batches import confirm
from tests.world import POLICY, SHEET_CLASS

PATH = f"/admin/policies/{policy_id(POLICY)}"
APPROVERS = dict.fromkeys(LANGUAGES, "A-C01")
SAID = {
    "zh": {
        "amount": "类别 1 · 下限(元) · 金额",
        "name": "类别 {n} · 名称",
        "percent": "首年消化比例 · 百分比",
        "differ": "有 7 处不同",
        "no key": "没有您的签名密钥",
        "changed": "≠ 已改",
        "added": "＋ 新增",
        "signed": "A-C01 签名",
        "counts": "2017年2月1日 至 2017年2月9日",
        "scripts": "需要启用脚本",
    },
    "en": {
        "amount": "Category 1 · At least (yuan) · Amount",
        "name": "Category {n} · Name",
        "percent": "Share used in the first year · Percent",
        "differ": "Different from what is in force: 7",
        "no key": "no signing key of yours",
        "changed": "≠ changed",
        "added": "＋ added",
        "signed": "signed by A-C01",
        "counts": "from 10 Feb 2017",
        "scripts": "needs scripts",
    },
}


@pytest.fixture(scope="module")
def _approving(tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Iterator[Office]:
    world = administered(tmp_path_factory.mktemp("approving"))
    world.ledger.close()
    with office_at(world.home, chromium, TODAY) as office:
        yield office


@pytest.fixture
def workplace(_approving: Office) -> Iterator[Office]:
    yield _approving
    _approving.settled()


@pytest.mark.parametrize(
    ("language", "since", "least", "share"),
    [("zh", "2017-02-01", "700.5", "60"), ("en", "2017-02-10", "¥1,800", "70.5%")],
)
def test_a_corrected_reading_is_adopted_and_stands_beside_the_one_before(
    workplace: Office, language: str, since: str, least: str, share: str
) -> None:
    said, staff = SAID[language], APPROVERS[language]
    page = workplace.page(staff, "/admin", language)
    page.locator('.cards a[href="/admin/policies"]').click()
    page.locator("[data-row] a[data-open]").first.click()
    adoptions = page.locator("thead th[scope=col]").count() - 1
    page.locator('a[href$="from=' + str(policy_id(POLICY)) + '"]').click()

    blank = page.locator('[name$=".channel"]').count() - 1
    c = f"c{blank}"
    typed(page, **{"c0.minimum": "六百", f"{c}.minimum": "100", "first_year_minimum": "101"})
    assert refused(page) == "request.fields"
    for each in ("amount", "name", "percent"):
        expect(page.get_by_role("alert")).to_contain_text(said[each].format(n=blank + 1))
    expect(page.locator('[name="c0.minimum"]')).to_have_value("六百")
    typed(page, **{"c0.minimum": least, f"{c}.name": SHEET_CLASS, f"{c}.minimum": ""})
    assert refused(page) == "request.fields"
    typed(page, **{f"{c}.source": f"补充通知 {language}", "first_year_minimum": share})
    assert refused(page) == "policy.rule_twice"
    accessible(page)

    expect(page.locator("main")).to_contain_text("“追回款项”")
    sources = {"zh": ["中央财政", "上级工会补助（省、市）"], "en": ["Grant, central"]}[language]
    told = {f"{c}.name": f"遗属 {language}", "effective_from": since}
    typed(page, **told, **{"c1.paid_from": "\n".join(sources)})
    preview = page.locator("#preview")
    expect(preview.get_by_role("status")).to_contain_text(said["differ"])
    expect(preview.locator("[data-place]")).to_contain_text("C01工会")
    expect(preview).to_contain_text("、".join(sources))
    expect(page.locator('[name="c1.paid_from"]')).to_have_value("\n".join(sources))
    accessible(page)
    preview.get_by_role("button").click()
    expect(preview.get_by_role("alert")).to_contain_text(said["no key"])
    holding_a_key(workplace, page, staff)
    preview.get_by_role("button").click()
    page.wait_for_url(f"**{PATH}")

    heads = page.locator("thead th[scope=col]")
    expect(heads).to_have_count(adoptions + 2)
    expect(heads.last).to_contain_text(said["signed"])
    last = page.locator("tbody tr td:last-child")
    expect(last.first).to_contain_text({"zh": "起", "en": said["counts"]}[language])
    expect(last.filter(has_text=said["changed"]).first).to_be_visible()
    expect(last.filter(has_text=said["added"]).first).to_be_visible()
    for day, counts in (("2017-01-31", 1), (since, adoptions + 1)):
        page.goto(f"{PATH}?on={day}")
        expect(heads.nth(counts).locator(".pill")).to_be_visible()
        expect(page.locator("thead .pill")).to_have_count(1)
    for width, height in SIZES.values():
        page.set_viewport_size({"width": width, "height": height})
        accessible(page)


@pytest.mark.parametrize("language", LANGUAGES)
def test_another_policy_is_read_and_previewed_without_scripts(
    workplace: Office, language: str
) -> None:
    page = workplace.browser("A-C01", language, scripts=False).new_page()
    page.goto(f"/admin/policies/adoption?from={policy_id(POLICY)}")
    typed(page, code="hefei-2018", **{"d0.drop": "yes"})
    preview = page.locator("#preview")
    expect(preview).to_contain_text(SAID[language]["scripts"])
    expect(preview.locator("tbody tr")).not_to_have_count(0)
    expect(preview.get_by_role("button")).to_have_count(0)
    page.goto(f"/admin/policies/{policy_id('none')}")
    assert refused(page) == "ledger.not_on_record"
    page = workplace.page("H-X01", PATH, language)
    expect(page.locator('a[href*="adoption"]')).to_have_count(0)
    page.goto("/admin/policies/adoption")
    assert refused(page) == "access.post_missing"


def typed(page: Page, **fields: str) -> None:
    """Type into the form, and have the change previewed."""
    form = page.locator('main form[action^="/admin/policies/adoption"]')
    for name, value in fields.items():
        field = form.locator(f'[name="{name}"]')
        if field.get_attribute("type") == "checkbox":
            field.check()
        else:
            field.fill(value)
    form.locator("> button").click()


def holding_a_key(workplace: Office, page: Page, staff: str) -> None:
    """Make a key in another tab of the same browser, and have it confirmed."""
    mine = page.context.new_page()
    mine.goto("/my-key")
    mine.locator("main button").first.click()
    proposed = mine.locator("[data-key]").filter(has_text=re.compile("待确认|confirm"))
    confirm(workplace, staff, str(proposed.first.get_attribute("data-key")))
    mine.close()
