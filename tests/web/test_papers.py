"""The paper sheet: printed, signed with a pen, scanned askew, looked at, certified, paid."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from api.web.pages.papers import missing
from ledger.commands.signatures import masked_rows
from ledger.domain.disbursement import Status
from ledger.store.home import Home
from tests.api.service import TODAY
from tests.campaign import copied
from tests.files.paper import as_pdf, as_picture, line, on_the_glass, turned, write_name
from tests.objecting import uphold
from tests.web.browsing import LANGUAGES, SIZES, Office, accessible, office_at, saying
from tests.web.test_signing import BATCH, WITNESS, approved, make_key, payment
from tests.world import Person, World

PATH = f"/batches/{BATCH}/scans"
__all__ = ["approved"]


@pytest.fixture
def place(approved: Home, tmp_path: Path, chromium: Browser) -> Iterator[Office]:
    with office_at(copied(approved, tmp_path), chromium, TODAY) as office:
        yield office
        office.settled()


def print_sheet(page: Page) -> bytes:
    page.goto(PATH)
    page.locator("[name=reason]").fill("现场签字")
    page.locator("[name=made_for]").fill("经办人")
    with page.expect_download() as taken:
        page.locator("form[action$='sheet.pdf'] button").click()
    return taken.value.path().read_bytes()


def hand_in(page: Page, data: bytes, kind: str = "application/pdf") -> None:
    page.goto(PATH)
    page.locator("[name=file]").set_input_files({"name": "scan", "mimeType": kind, "buffer": data})
    page.locator("form[enctype] button").click()


@pytest.mark.parametrize(("language", "scripts"), [("zh", True), ("en", False)])
def test_a_sheet_goes_from_the_printer_to_the_ledger(
    place: Office, language: str, *, scripts: bool
) -> None:
    page = place.browser(WITNESS, language, scripts=scripts).new_page()
    [paper] = on_the_glass(print_sheet(page))
    for row in (0, 1, 3):
        write_name(paper, row, shift=5 * row)
    line(paper, (200, 53 + 14 * 2 + 6), (206, 53 + 14 * 2 + 7))
    hand_in(page, as_pdf([turned(paper, 2)]))
    expect(page.get_by_role("status")).to_be_visible()
    seen = page.locator("[data-row]")
    expect(seen).to_have_count(5)
    words = {
        "zh": ("有签字", "存疑", "空白"),
        "en": ("Signed", "doubtful", "Empty"),
    }[language]
    for number, word in ((1, words[0]), (3, words[1]), (4, words[0]), (5, words[2])):
        expect(page.locator("[data-row]", has_text=word).first).to_be_visible()
        told = page.locator(f"[data-row]:has(td:nth-child(2):text-is('{number}'))")
        expect(told).to_contain_text(word)
    expect(page.locator("img.signature")).to_have_count(4)
    if not scripts:
        page.goto(f"/batches/{BATCH}/certification")
        expect(page.get_by_text("needs scripts")).to_be_visible()
        return
    for size in SIZES.values():
        page.set_viewport_size({"width": size[0], "height": size[1]})
        accessible(page)
    for image in page.locator("img.signature").all():
        image.scroll_into_view_if_needed()
        assert image.evaluate("each => each.decode().then(() => each.naturalWidth)") > 300

    make_key(place, page, WITNESS)
    page.goto(f"/batches/{BATCH}/certification")
    expect(page.locator("[name=number]:checked")).to_have_count(3)
    page.locator("[name=number][value='4']").uncheck()
    page.locator("[data-certify] button").click()
    expect(page.locator("[data-row]")).to_have_count(2)
    assert [payment(place, n).status for n in (1, 2, 3, 4)] == [
        Status.SIGNED,
        Status.SIGNED,
        Status.IN_TRANSIT,
        Status.IN_TRANSIT,
    ]
    page.goto(PATH)
    expect(page.locator("img.signature")).to_have_count(2)
    assert place.browser("R-X01").request.get(f"/batches/{BATCH}/signatures/4/image").status == 403


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_dash_in_a_box_is_discarded_by_its_witness(place: Office, language: str) -> None:
    say = saying(language)
    page = place.browser(WITNESS, language, scripts=False).new_page()
    [paper] = on_the_glass(print_sheet(page))
    line(paper, (200, 60), (206, 61))
    hand_in(page, as_pdf([paper]))
    page.goto(f"/batches/{BATCH}/certification")
    form = page.locator("form[action$='discards']")
    form.locator("[name=number]").fill("2")
    form.locator("[name=reason]").fill("划线")
    form.get_by_role("button").click()
    expect(page.get_by_role("alert").first).to_contain_text("signature.not_captured")
    expect(form.locator("[name=reason]")).to_have_value("划线")
    form.locator("[name=number]").fill("1")

    form.get_by_role("button").click()

    expect(page.get_by_role("status")).to_contain_text(say("已登记：这一行仍待本人签字。"))
    expect(page.get_by_text(say("没有等待您签认的签字。"))).to_be_visible()
    assert payment(place, 1).captured is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_wrong_scans_are_told_in_words_above_the_form(place: Office, language: str) -> None:
    page = place.browser(WITNESS, language, scripts=False).new_page()
    [paper] = on_the_glass(print_sheet(page))
    write_name(paper, 0)
    hand_in(page, b"not a scan", "image/png")
    expect(page.locator("form[enctype]")).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text("scan.unreadable")
    hand_in(page, as_picture(turned(paper, 0).point(lambda _: 255)), "image/jpeg")
    expect(page.get_by_role("alert")).to_contain_text("scan.no_codes")
    hand_in(page, as_pdf([paper]))
    hand_in(page, as_pdf([paper]))
    expect(page.get_by_role("alert")).to_contain_text("scan.known")
    page.goto(PATH)
    page.locator("[name=signed_on]").evaluate(
        "each => { each.type = 'text'; each.value = '2017-03-02'; }"
    )
    page.locator("[name=file]").set_input_files(
        {"name": "s", "mimeType": "application/pdf", "buffer": as_pdf([paper, paper])}
    )
    page.locator("form[enctype] button").click()
    expect(page.get_by_role("alert")).to_contain_text("act.day_ahead")


def test_who_an_objection_stopped_is_not_missed_on_the_scans(world: World) -> None:
    world.receive("X01", 100_000)
    world.sheet("SHEET-1", Person(30), Person(31))
    uphold(world.ledger, world.act, BATCH, 1)

    assert missing(masked_rows(world.ledger, BATCH), []) == [2]
