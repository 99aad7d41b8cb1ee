"""A public notice in the browsers of all it concerns: hung up, read, objected to, answered."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from io import BytesIO
from pathlib import Path

import pypdfium2
import pytest
from playwright.sync_api import Browser, Page, expect
from zxingcpp import read_barcodes

from api.clock import Clock
from ledger.commands.notices import Opening, open_notice
from ledger.commands.officers import Appointment, appoint_officer
from ledger.commands.recipients import erase_person
from ledger.domain.batch import batch_id
from ledger.domain.notice import DayUnit, Period, notice_id
from ledger.domain.officer import Role, officer_id
from projections.notices import notice_list
from projections.runner import catch_up
from tests.api.service import EARLY
from tests.web.browsing import LANGUAGES, SIZES, Office, accessible, office_at, saying
from tests.world import DAY, Person, World, roster_row

TODAY, AFTER, GONE = (date(2017, 1, day) for day in (10, 16, 20))
PEOPLE = [Person(serial) for serial in range(1, 5)]
BATCH, EMPTY = batch_id("GS-1"), batch_id("GS-2")
NOTICE = notice_id(BATCH, 1)
PATH = f"/notices/{NOTICE}"
TEXT = "第2行的人去年已经调离本单位"


@contextmanager
def an_office(folder: Path, chromium: Browser, *, hung: bool = False) -> Iterator[Office]:
    """An office with a drafted batch of four, and one of which no row stands."""
    world = World.at(folder).settle_in()
    world.receive("X01", 1_000_000)
    world.file(*PEOPLE)
    rows = [roster_row(number, each, 60_000) for number, each in enumerate(PEOPLE, 1)]
    world.draft("GS-1", *rows)
    world.draft("GS-2", roster_row(1, Person(9), 10))
    if hung:
        period = Period(5, DayUnit.NATURAL, None, 3, "公示办法 第三条", "stated")
        order = Opening(BATCH, period, "单位公告栏", "工会办公室 0551-00000000")
        open_notice(world.ledger, world.act("H-X01", DAY), order)
    world.ledger.close()
    with office_at(world.home, chromium, TODAY) as office:
        yield office
        office.settled()


@pytest.fixture
def bare(tmp_path: Path, chromium: Browser) -> Iterator[Office]:
    with an_office(tmp_path, chromium) as office:
        yield office


@pytest.fixture
def own(tmp_path: Path, chromium: Browser) -> Iterator[Office]:
    """An office of the test's own, whose list hangs."""
    with an_office(tmp_path, chromium, hung=True) as office:
        yield office


@pytest.fixture(scope="module")
def _hung(tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Iterator[Office]:
    with an_office(tmp_path_factory.mktemp("hung"), chromium, hung=True) as office:
        yield office


@pytest.fixture
def hung(_hung: Office) -> Iterator[Office]:
    """An office whose list hangs; to be objected to, not to be closed."""
    yield _hung
    _hung.settled()


def on(office: Office, day: date) -> None:
    """Have it be another day from here on."""
    clock = office.served.clock
    moved = Clock(clock.now, clock.now_s, lambda: day)
    office.app.state.served = replace(office.served, clock=moved)


def objecting(page: Page, text: str, row: str = "", name: str = "") -> None:
    page.locator("form.objecting [name=row]").fill(row)
    page.locator("form.objecting [name=text]").fill(text)
    page.locator("form.objecting [name=name]").fill(name)
    page.locator("form.objecting button").click()


def fill_in(page: Page, **fields: str) -> None:
    written = {
        "source": "公示办法 第三条",
        "place": "单位公告栏",
        "contact": "工会办公室",
        **fields,
    }
    for name, value in written.items():
        page.locator(f".opening [name={name}]").fill(value)


def test_a_handler_hangs_a_list_up_once(bare: Office) -> None:
    handler = bare.page("H-X01", f"/batches/{BATCH}")
    expect(handler.locator(".facts")).to_contain_text("未公示")
    handler.get_by_role("button", name="发布公示").click()
    accessible(handler)
    fill_in(handler, period_days="5")
    handler.locator("[name=period_unit]").select_option("working")
    handler.get_by_role("button", name="发布公示").click()
    expect(handler.locator("[role=alert]")).to_have_attribute("data-code", "notice.period_wrong")
    expect(handler.locator("[name=place]")).to_have_value("单位公告栏")
    accessible(handler)
    handler.locator("[name=period_unit]").select_option("natural")
    handler.get_by_role("button", name="发布公示").click()
    expect(handler.get_by_role("status")).to_have_text("名单已公示。")
    expect(handler.locator("h1")).to_contain_text("公示中")
    accessible(handler)
    handler.goto(f"/batches/{BATCH}/notices/new")
    fill_in(handler)
    handler.get_by_role("button", name="发布公示").click()
    expect(handler.locator("[role=alert]")).to_have_attribute("data-code", "notice.running")
    handler.goto(f"/batches/{BATCH}")
    expect(handler.locator(".facts")).to_contain_text("公示中")
    expect(handler.get_by_role("button", name="发布公示")).to_have_count(0)


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_objection_is_read_answered_and_takes_its_row(own: Office, language: str) -> None:
    say = saying(language)
    public = own.page("", PATH, language, size="phone")
    objecting(public, TEXT, "2", "李四")
    expect(public.get_by_role("status")).to_have_text(
        say("异议已收到并密封记入账本，编号见“异议”一节末行。")
    )
    expect(public.get_by_role("region", name=say("异议"))).to_contain_text(say("待答复"))
    assert "李四" not in public.inner_text("main")
    accessible(public)

    reviewer = own.page("R-X01", PATH, language)
    reviewer.get_by_role("button", name=say("查看第 %(n)s 件", n=1)).click()
    expect(reviewer.locator(".opened")).to_contain_text(TEXT)
    expect(reviewer.locator(".opened")).to_contain_text("李四")
    accessible(reviewer)
    reviewer.goto(PATH)
    assert TEXT not in reviewer.content()
    reviewer.get_by_label(say("成立：该行撤下")).check()
    reviewer.get_by_label(say("理由（密封保存）")).fill("经查已调离")
    reviewer.get_by_role("button", name=say("答复"), exact=True).click()
    expect(reviewer.get_by_role("status")).to_have_text(say("异议成立，该行已从名单撤下。"))
    expect(reviewer.get_by_role("region", name=say("名单")).locator("tbody tr")).to_have_count(3)
    expect(reviewer.locator(".facts")).to_contain_text(say("现有 %(n)s 人", n=3))


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_falls_is_said_in_the_answer_where_nobody_named_a_row(
    own: Office, language: str
) -> None:
    say = saying(language)
    public = own.page("", PATH, language)
    for _ in range(2):
        objecting(public, TEXT)
        expect(public.get_by_role("status")).to_be_visible()
    reviewer = own.page("R-X01", PATH, language)

    def answering(number: int, verdict: str, row: str = "") -> None:
        form = reviewer.get_by_role("form", name=say("答复第 %(n)s 件异议", n=number))
        form.get_by_label(say(verdict)).check()
        form.get_by_label(say("撤下哪一行")).fill(row)
        form.get_by_label(say("理由（密封保存）")).fill("经查属实")
        form.get_by_role("button", name=say("答复"), exact=True).click()

    answering(1, "成立：该行撤下")
    expect(reviewer.locator("[role=alert]")).to_have_attribute("data-code", "notice.row_not_said")
    accessible(reviewer)
    answering(1, "成立：该行撤下", "2")
    expect(reviewer.get_by_role("status")).to_have_text(say("异议成立，该行已从名单撤下。"))
    answering(2, "成立：不涉及名单上的哪一行")
    expect(reviewer.get_by_role("status")).to_have_text(say("异议成立，没有行从名单撤下。"))
    expect(reviewer.get_by_role("region", name=say("异议"))).to_contain_text(say("没有行撤下"))
    expect(reviewer.get_by_role("region", name=say("名单")).locator("tbody tr")).to_have_count(3)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_was_told_in_time_is_entered_after_it(own: Office, language: str) -> None:
    say = saying(language)
    on(own, AFTER)
    handler = own.page("H-X01", PATH, language)
    handler.get_by_text(say("登记口头、电话或书面提出的异议")).click()
    form = handler.locator("form.entering")
    form.locator("[name=text]").fill(TEXT)
    form.locator("[name=row]").fill("9")
    form.get_by_role("button").click()
    expect(handler.locator("[role=alert]")).to_have_attribute("data-code", "notice.row_unknown")
    expect(form.locator("[name=text]")).to_have_value(TEXT)
    accessible(handler)
    form.locator("[name=row]").fill("2")
    form.locator("[name=told_on]").fill("2017-01-14")
    form.get_by_role("button").click()
    expect(handler.get_by_role("status")).to_have_text(say("异议已登记并密封记入账本。"))
    with catch_up(own.ledger, own.home.read_models).asking() as model:
        [told] = notice_list(model, batch_id=BATCH)[0].objections
    assert (told.raised_on, told.entered_by) == ("2017-01-14", officer_id("H-X01"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_when_its_time_is_over_it_shows_nobody(own: Office, language: str) -> None:
    say = saying(language)
    public = own.page("", PATH, language)
    on(own, AFTER)
    public.reload()
    expect(public.locator("form.objecting")).to_have_count(0)
    handler = own.page("H-X01", PATH, language)
    handler.get_by_role("button", name=say("结束公示")).click()
    expect(handler.locator("h1")).to_contain_text(say("已结束"))
    on(own, GONE)
    public.reload()
    expect(
        public.get_by_text({"zh": "现已不再展示", "en": "are no more"}[language])
    ).to_be_visible()
    assert PEOPLE[0].id_number[-3:] not in public.inner_text("main")
    accessible(public)
    with catch_up(own.ledger, own.home.read_models).asking() as model:
        assert notice_list(model, batch_id=BATCH)[0].ended == "closed"


@pytest.mark.parametrize("scripts", [True, False])
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_wrong_is_said_above_what_was_written(
    hung: Office, language: str, *, scripts: bool
) -> None:
    page = hung.browser("", language, "phone", scripts=scripts).new_page()
    page.goto(PATH)
    alert = page.locator("[role=alert]")
    objecting(page, "  \n ")
    expect(alert).to_have_attribute("data-code", "notice.objection_empty")
    objecting(page, "有异议", "99")
    expect(alert).to_have_attribute("data-code", "notice.row_unknown")
    objecting(page, "有异议", "二")
    expect(alert).to_have_attribute("data-code", "notice.row_unknown")
    expect(page.locator("form.objecting [name=text]")).to_have_value("有异议")
    long = page.request.post(f"{PATH}/objections", form={"key": "k", "text": "字" * 1001})
    assert (long.status, "notice.objection_too_long" in long.text()) == (422, True)
    if scripts:
        accessible(page)
    objecting(page, "有异议", "1")
    expect(page.get_by_role("status")).to_contain_text(
        {"zh": "异议已收到", "en": "Your objection was taken in"}[language]
    )
    expect(page.locator(".facts")).to_contain_text(
        {"zh": "还有 5 天", "en": "5 days left"}[language]
    )
    on(hung, AFTER)
    objecting(page, "有异议", "1")
    expect(alert).to_have_attribute("data-code", "notice.not_running")
    on(hung, TODAY)


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_put_it_up_does_not_answer(own: Office, language: str) -> None:
    say = saying(language)
    world = World(own.home)
    world.ledger = own.ledger
    appoint_officer(
        own.ledger, world.act(day=EARLY), Appointment("H-X01", "某某", "X01", Role.REVIEWER)
    )
    objecting(public := own.page("", PATH, language), TEXT)
    expect(public.get_by_role("status")).to_be_visible()
    handler = own.page("H-X01", PATH, language)
    handler.get_by_label(say("不成立")).check()
    handler.get_by_label(say("理由（密封保存）")).fill("不属实")
    handler.get_by_role("button", name=say("答复"), exact=True).click()
    alert = handler.locator("[role=alert]")
    expect(alert).to_have_attribute("data-code", "notice.same_person")
    expect(alert).to_contain_text({"zh": "已记入日志", "en": "stands in the log"}[language])
    expect(handler.get_by_label(say("理由（密封保存）"))).to_have_value("不属实")


def test_a_list_of_which_no_row_stands_is_not_put_up(bare: Office) -> None:
    page = bare.page("H-X01", f"/batches/{EMPTY}", "en")
    expect(page.get_by_role("button", name="Put up a notice")).to_have_count(0)
    page.goto(f"/batches/{EMPTY}/notices/new")
    fill_in(page)
    page.get_by_role("button", name="Put up a notice").click()
    expect(page.locator("[role=alert]")).to_have_attribute("data-code", "notice.nothing_to_show")
    accessible(page)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_everybody_reads_what_hangs(hung: Office, language: str, size: str) -> None:
    page = hung.page("", "/notices", language, size)
    accessible(page)
    page.locator("[data-row] a").first.click()
    expect(page).to_have_url(f"{hung.url}{PATH}")
    accessible(page)
    row = page.get_by_role("row").nth(1)
    expect(row).to_contain_text(f"{PEOPLE[0].name[0]}*")
    expect(row).to_contain_text(f"34*************{PEOPLE[0].id_number[-3:]}")
    assert "¥600.00" in row.inner_text()


def test_nothing_that_must_not_hang_leaves_by_page_print_or_interface(hung: Office) -> None:
    never = [
        word for each in PEOPLE for word in (each.id_number[6:], each.phone[-8:], each.card[-10:])
    ] + ["大病", *(each.name for each in PEOPLE)]
    for staff in ("", "H-X01", "R-X01"):
        answer = hung.browser(staff).request.get(PATH)
        assert "noindex" in answer.headers["x-robots-tag"]
        assert not [word for word in never if word in answer.text()]
    officer = hung.browser("H-X01").request
    poster = pdf_text(officer.get(f"{PATH}.pdf").body())
    assert PEOPLE[0].id_number[-3:] in poster
    assert not [word for word in never if word in poster]
    api = officer.get(f"/v1{PATH}").text() + officer.get(f"/v1{PATH}/history").text()
    assert not [word for word in never if word in api]
    assert hung.browser().request.get(f"{PATH}.pdf").status == 401


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_poster_leads_to_the_page(hung: Office, language: str) -> None:
    browser = hung.browser("H-X01")
    poster = browser.request.get(f"{PATH}.pdf", headers={"accept-language": language}).body()
    document = pypdfium2.PdfDocument(poster)
    picture = document[len(document) - 1].render(scale=3).to_pil()
    assert [each.text for each in read_barcodes(picture)] == [f"{hung.url}{PATH}"]
    assert {"zh": "提出异议", "en": "Anybody may object"}[language] in pdf_text(poster)
    width, height = document[0].get_size()
    assert (round(width), round(height)) == (595, 842)


def test_who_is_erased_hangs_no_more(own: Office) -> None:
    world = World(own.home)
    world.ledger = own.ledger
    handler = own.page("H-X01", PATH)
    person = own.ledger.vault.subject_id("id_number", PEOPLE[0].id_number)
    erase_person(own.ledger, world.act(), person, "本人要求")
    page = own.page("", PATH)
    assert page.get_by_role("row").nth(1).locator("td").all_inner_texts()[:2] == ["—", "—"]
    poster = pdf_text(handler.request.get(f"{PATH}.pdf").body())
    assert PEOPLE[0].id_number[-3:] not in poster
    handler.goto(PATH)
    handler.get_by_text("撤回公示").first.click()
    handler.get_by_label("撤回理由").fill("名单有误")
    handler.get_by_role("button", name="撤回公示").click()
    expect(handler.locator("h1")).to_contain_text("已撤回")
    page.reload()
    expect(page.get_by_text("这次公示已撤回，名单不再展示。")).to_be_visible()
    gone = handler.request.get(f"{PATH}.pdf")
    assert (gone.status, gone.json()["code"]) == (409, "notice.people_shown_no_more")


def pdf_text(content: bytes) -> str:
    document = pypdfium2.PdfDocument(BytesIO(content))
    return "".join(page.get_textpage().get_text_range() for page in document)
