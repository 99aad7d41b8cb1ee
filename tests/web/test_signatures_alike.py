"""Signatures that look alike, seen side by side by those who may: on record, and not in print."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, expect

from ledger.domain.officer import Role
from tests.api.service import EARLY, TODAY
from tests.commands.test_likeness import MORNING, PEOPLE, SHEET, hand, sign
from tests.web.browsing import LANGUAGES, SIZES, Office, accessible, office_at
from tests.web.test_administration import administered, refused

REASON = {"zh": "核对两处笔迹", "en": "Two signatures look the same"}
HEADINGS = {"zh": "签字比对", "en": "Signatures compared"}


@pytest.fixture(scope="module")
def _signed(tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Iterator[Office]:
    world = administered(tmp_path_factory.mktemp("alike"))
    world.appoint_without_key("J-C01", "C01", Role.INSPECTOR, EARLY)
    world.receive("X01", 900_000)
    world.sheet(SHEET, *PEOPLE)
    for number in range(11):
        begun = MORNING + timedelta(seconds=4 * number)
        sign(world, number + 1, hand("甲" if number in (2, 7) else f"人{number}", number), begun)
    world.ledger.close()
    with office_at(world.home, chromium, TODAY) as office:
        yield office


@pytest.fixture
def workplace(_signed: Office) -> Iterator[Office]:
    yield _signed
    _signed.settled()


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_inspector_compares_signatures(workplace: Office, language: str) -> None:
    page = workplace.browser("J-C01", language, scripts=False).new_page()
    page.goto("/findings")
    page.locator("main a[href='/findings/signatures']").first.click()
    expect(page.locator("h1")).to_have_text(HEADINGS[language])
    page.locator("a[href^='/findings/signatures/']").first.click()
    assert page.locator("img").count() == 0
    assert not any(person.name in page.content() for person in PEOPLE)
    page.locator("[name=reason]").fill("  ")
    page.locator("main form button").click()
    assert refused(page) == "request.fields"
    page.locator("[name=reason]").fill(REASON[language])
    page.locator("main form button").click()
    expect(page.locator("img.signature").first).to_be_visible()
    assert page.locator("img.signature").count() >= 2
    assert REASON[language] not in page.url


@pytest.mark.parametrize("size", SIZES)
def test_the_pages_are_accessible_and_fit(workplace: Office, size: str) -> None:
    page = workplace.browser("J-C01", "zh", size=size).new_page()
    page.goto("/findings/signatures")
    accessible(page)
    page.locator("a[href^='/findings/devices/']").first.click()
    expect(page.locator("tbody tr")).to_have_count(11)
    accessible(page)
    page.goto("/findings/signatures")
    page.locator("a[href^='/findings/signatures/']").first.click()
    accessible(page)
