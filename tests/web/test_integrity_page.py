"""The light of the log, on a page of its own and at the foot of every other."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from ledger.store.home import Home
from tests.campaign import copied
from tests.web.browsing import LANGUAGES, SIZES, Office, accessible, office_at
from tests.web.conftest import INSPECTOR, TODAY

SLOWLY_MS = 60_000
BROKEN_AT = 1234


@pytest.fixture
def workplace(loaded: Home, chromium: Browser, tmp_path: Path) -> Iterator[Office]:
    with office_at(copied(loaded, tmp_path), chromium, TODAY) as office:
        yield office
        office.settled()


def test_an_auditor_has_the_log_verified_and_sees_it_break(workplace: Office) -> None:
    page = workplace.page(INSPECTOR, "/integrity")
    expect(page.locator(".verdict")).to_have_text("○ 尚未核验")
    page.get_by_role("button", name="现在全部核验").click()
    entries = f"{workplace.ledger.size():,}"
    expect(page.locator(".verdict")).to_have_text(
        f"✓ 账本完整：前 {entries} 条核验成立", timeout=SLOWLY_MS
    )
    accessible(page)
    page.goto("/overview")
    expect(page.locator("footer a")).to_contain_text(f"前 {entries} 条核验成立")

    with closing(sqlite3.connect(workplace.home.events)) as connection:
        connection.execute(
            "UPDATE log_events SET topic = 'fund.opened' WHERE position = ?", (BROKEN_AT,)
        )
        connection.commit()
    off = workplace.browser(INSPECTOR, "en", scripts=False).new_page()
    off.goto("/integrity")
    off.get_by_role("button", name="Verify all of it now").click()
    expect(off.get_by_text("The verification has begun.")).to_be_visible()
    for _ in range(SLOWLY_MS // 250):
        if not off.get_by_role("link", name="Refresh").count():
            break
        off.wait_for_timeout(250)
        off.get_by_role("link", name="Refresh").click()
    expect(off.get_by_role("alert")).to_contain_text("The log does not hold: entry 1,234")
    expect(off.get_by_text("Stop writing; keep the whole folder as it is")).to_be_visible()
    expect(off.locator(f"a[href='/verify/{BROKEN_AT}']")).to_be_visible()

    for language in LANGUAGES:
        for size in SIZES:
            told = workplace.page(INSPECTOR, "/batches", language, size)
            expect(told.get_by_role("alert")).to_contain_text("1,234")
            accessible(told)
            told.get_by_role("alert").get_by_role("link").click()
            expect(told.locator("main ol li").first).to_be_attached()
            accessible(told)


def test_who_may_not_have_it_verified_sees_the_light_alone(workplace: Office) -> None:
    page = workplace.page("", "/sign-in")
    expect(page.locator("footer a")).to_have_count(0)
    clerk = workplace.page("S0001", "/integrity")
    expect(clerk.locator(".verdict")).to_be_visible()
    expect(clerk.get_by_role("button", name="现在全部核验")).to_have_count(0)
