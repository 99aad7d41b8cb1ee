"""Samples on pages: out of the ledger's filter, planned, seeded, drawn, drawn again, taken away."""

import re

import pytest
from playwright.sync_api import Page, expect

from ledger.anchoring.publications import announce
from ledger.domain.aggregate import OPERATOR
from ledger.store.act import CommandAct
from tests.web.browsing import SIZES, Office, accessible
from tests.web.conftest import INSPECTOR

CLERK = "S0005"


def publish(place: Office) -> None:
    clock = place.served.clock
    act = CommandAct(OPERATOR, clock.today(), clock.now())
    announce(place.ledger, place.served.maps, act)


def everywhere(page: Page) -> None:
    for width, height in SIZES.values():
        page.set_viewport_size({"width": width, "height": height})
        accessible(page)


@pytest.mark.parametrize(("language", "scripts"), [("zh", True), ("en", False)])
def test_a_sample_goes_from_the_filter_to_the_payments(
    workplace: Office, language: str, *, scripts: bool
) -> None:
    page = workplace.browser(INSPECTOR, language, scripts=scripts).new_page()
    page.goto("/ledger?channel=银行卡&least=500")
    page.locator("a[href^='/samples/new']").click()
    if scripts:
        everywhere(page)
    size = page.locator("[name=size]")
    page.locator("[name=title]").fill("两节银行卡发放抽查")
    page.locator("[name=method]").select_option("stratified")
    size.fill("40")
    page.locator("form.asking button").click()
    expect(page.get_by_role("alert")).to_have_attribute("data-code", "sample.strata_unclear")
    expect(page.locator("[name=title]")).to_have_value("两节银行卡发放抽查")
    expect(size).to_have_value("40")
    page.locator("[name=stratum]").select_option("organisation")
    page.locator("form.asking button").click()
    expect(page.get_by_role("status")).to_be_visible()
    expect(page.locator(".steps .done")).to_have_count(1)
    expect(page.locator("form[action$='/draw']")).to_have_count(0)
    if scripts:
        everywhere(page)

    publish(workplace)
    page.reload()
    page.locator("form[action$='/draw'] button").click()
    expect(page.locator(".steps .done")).to_have_count(3)
    expect(page.locator("[data-row]")).to_have_count(40)
    page.locator("a[href*='again=yes']").click()
    expect(page.locator(".verdict.good")).to_be_visible()
    if scripts:
        everywhere(page)
    address = page.url.partition("?")[0]
    table = page.request.get(f"{address}.csv").text()
    assert len(re.findall(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\s", table)) == 40
    page.locator("[data-row] a[data-open]").first.click()
    expect(page).to_have_url(re.compile("/trace/payments/"))
    page.goto("/samples")
    row = page.locator("[data-row]").first
    expect(row).to_contain_text("两节银行卡发放抽查")
    expect(row.locator(".pill.good")).to_be_visible()
    if scripts:
        everywhere(page)


def test_who_does_not_watch_sees_samples_and_plans_none(workplace: Office) -> None:
    clerk = workplace.browser(CLERK).new_page()
    clerk.goto("/ledger")
    expect(clerk.locator("a[href^='/samples/new']")).to_have_count(0)
    clerk.goto("/samples")
    expect(clerk.locator("a[href='/samples/new']")).to_have_count(0)
    clerk.goto("/samples/new")
    expect(clerk.get_by_role("alert")).to_contain_text("access.post_missing")
