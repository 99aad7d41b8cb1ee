"""A clerk's lists on their way in: columns named, tried, mended, committed, followed as a job."""

import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import openpyxl
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from api.background.jobs import Job, Jobs, State
from api.background.sealing import Seal
from api.background.store import BackgroundStore
from api.web.language import languages
from api.web.words import fault_words
from ledger.commands import officers
from ledger.domain.batch import Batch, batch_id
from ledger.domain.officer import officer_id
from tests.api.service import ADMINISTRATORS, EARLY, SYSTEM, TODAY
from tests.files.samples import csv_bytes, xlsx_bytes
from tests.web.browsing import LANGUAGES, Office, accessible, office_at, saying
from tests.world import CAMPAIGN, CARD_CLASS, EARMARK, Person, World, roster_row

HANDLER = "H-X01"
ODD = ("No.", "职工大名", "证件", "手机", "人员种类", "致困", "银行卡号", "慰问(元)")
FIELDS = ("number", "name", "id_number", "phone", "category", "reason", "card_number", "amount")
SAMPLE = re.compile(r"试\*")


@pytest.fixture(scope="module")
def _office(tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Iterator[Office]:
    world = World.at(tmp_path_factory.mktemp("imports")).settle_in()
    for staff, role in ADMINISTRATORS.items():
        order = officers.Appointment(staff, "某某", "C01", role)
        officers.begin_administration(world.ledger, world.act(day=EARLY), order)
    world.receive("X01", 1_000_000)
    world.file(*(Person(serial) for serial in range(1, 20)))
    world.draft("KNOWN-1", roster_row(1, Person(19), 80_000))
    world.ledger.close()
    with office_at(world.home, chromium, TODAY) as office:
        yield office


@pytest.fixture
def workplace(_office: Office) -> Iterator[Office]:
    yield _office
    _office.settled()


def listed(number: int, person: Person, amount: object = "800.00", **other: object) -> list[object]:
    name, card = other.get("name", person.name), other.get("card", person.card)
    id_number = other.get("id_number", person.id_number)
    return [number, name, id_number, person.phone, CARD_CLASS, "大病", card, amount]


def workbook(*rows: Sequence[object], titles: Sequence[str] = ODD) -> bytes:
    total = sum(float(str(row[-1])) for row in rows)
    end = ["合计", *[None] * (len(titles) - 2), total]
    return xlsx_bytes([["慰问花名册"], titles, *rows, end])


def upload(page: Page, name: str, content: bytes, path: str = "", **order: str) -> None:
    if path:
        page.goto(path)
    for field, value in order.items():
        if field in ("code", "earmark"):
            page.locator(f"[name={field}]").fill(value)
        else:
            page.locator(f"[name={field}]").select_option(value)
    mime = "application/octet-stream"
    page.locator("[name=file]").set_input_files({"name": name, "mimeType": mime, "buffer": content})
    page.locator("form.order button").click()


def order(code: str) -> dict[str, str]:
    return {
        "code": code,
        "campaign_code": CAMPAIGN,
        "organisation_code": "X01",
        "earmark": EARMARK,
        "channel": "银行卡",
        "bank_format": "unionpay-df",
    }


def name_columns(page: Page, fields: Sequence[str] = FIELDS) -> None:
    for column, field in zip(page.locator("[name=field]").all(), fields, strict=True):
        column.select_option(field)


WORDS: dict[str, dict[str, Any]] = {
    "zh": {
        "import": "导入名册",
        "try": "试算，不记账",
        "below": "金额低于标准下限",
        "download": "下载标注文件",
        "faults": "问题清单",
        "mended": "上传改正后的文件",
        "remembered": "沿用上次同样表头的对应，请核对。",
        "drafted": "批次已编制。",
        "commit": re.compile("提交，编制批次"),
    },
    "en": {
        "import": "Import a roster",
        "try": "Dry run, nothing is recorded",
        "below": "the amount is below the minimum",
        "download": "Download the annotated workbook",
        "faults": "Faults",
        "mended": "Upload the mended file",
        "remembered": "Taken as the last file with these titles was; please check.",
        "drafted": "The batch is drafted.",
        "commit": re.compile("Commit: draft the batch"),
    },
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_roster_with_odd_titles_is_mended_and_becomes_a_batch(
    workplace: Office, language: str
) -> None:
    say, start = WORDS[language], {"zh": 1, "en": 4}[language]
    one, two, three = (Person(start + each) for each in range(3))
    code, titles = f"NEW-{language}", [*ODD[:-1], f"慰问(元){language}"]
    size = workplace.ledger.size()
    page = workplace.page(HANDLER, "/batches", language)
    page.get_by_role("button", name=say["import"]).click()
    accessible(page)
    rows = [
        listed(1, one),
        listed(2, two, "10.00", name="+HYPERLINK(1)"),
        listed(3, three, id_number="340101197001010001"),
    ]
    upload(page, "名册.xlsx", workbook(*rows, titles=titles), **order(code))

    # Column titles are known but for some; the people stand masked beside them.
    accessible(page)
    expect(page.locator(".columns")).not_to_contain_text(one.id_number)
    expect(page.locator(".columns")).to_contain_text(SAMPLE)
    page.get_by_role("button", name=say["try"]).click()
    expect(page.get_by_role("alert")).to_have_attribute("data-code", "file.column_missing")
    name_columns(page, [*FIELDS[:2], "name", *FIELDS[3:]])
    page.get_by_role("button", name=say["try"]).click()
    expect(page.get_by_role("alert")).to_contain_text("file.column_twice")
    accessible(page)
    name_columns(page)
    page.get_by_role("button", name=say["try"]).click()

    faults = page.get_by_role("region", name=say["faults"])
    expect(faults).to_contain_text("H4")
    expect(faults).to_contain_text(say["below"])
    expect(faults).to_contain_text("C5")
    accessible(page)
    assert workplace.ledger.size() == size

    book, sheet = annotated(page, say["download"])
    assert sheet["H4"].fill.fgColor.rgb == "FFFFC7CE"
    assert say["below"] in sheet["H4"].comment.text
    assert "amount.below_minimum" in sheet["H4"].comment.text
    assert (sheet["C5"].comment is None, sheet["C4"].comment is None) == (False, True)
    assert (sheet["B4"].value, sheet["B4"].data_type) == ("+HYPERLINK(1)", "s")
    assert (sheet["C3"].value, sheet["C3"].number_format) == (one.id_number, "@")
    assert [cell.value for cell in book.worksheets[1]["A"]][1:] == ["H4", "C5"]
    [handed] = workplace.ledger.read(size, 10)
    assert (handed.event.TOPIC, handed.event.actor) == (
        "export.handed_over",
        str(officer_id(HANDLER)),
    )

    # Mended in that very workbook, uploaded again: the titles are known by now.
    mended = saved(book, {"B4": two.name, "H4": 800, "C5": three.id_number, "H6": 2400})
    page.get_by_role("button", name=say["mended"]).click()
    expect(page.locator("[name=code]")).to_have_value(code)
    upload(page, "名册2.xlsx", mended)
    page.get_by_text(say["remembered"]).wait_for()
    page.get_by_role("button", name=say["try"]).click()
    page.get_by_role("button", name=say["commit"]).click()

    expect(page).to_have_url(f"{workplace.url}/batches/{batch_id(code)}")
    expect(page.get_by_role("status")).to_have_text(say["drafted"])
    batch = workplace.ledger.load(Batch, batch_id(code))
    assert batch is not None
    assert len(batch.rows) == 3
    topics = [each.event.TOPIC for each in workplace.ledger.read(size + 1, 3)]
    assert topics == ["batch.drafted", "batch.columns_read", "batch.row_accepted"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_archive_is_entered_and_its_job_says_what_came_of_it(
    workplace: Office, language: str
) -> None:
    known, new = Person(1), Person({"zh": 30, "en": 31}[language])
    titles = ["档案号", "姓名", "身份证", "电话", "工会", "类别", "建档时间", "退档"]
    rows = [
        [f"DA{known.serial}", known.name, known.id_number, "", "X01", CARD_CLASS, "2016-01-01", ""],
        [f"N{new.serial}", new.name, new.id_number, "", "X01", CARD_CLASS, "2017-01-02", ""],
        ["N9", new.name, Person(32).id_number, "", "X02", CARD_CLASS, "2017-01-02", ""],
    ]
    page = workplace.page(HANDLER, "/archive/new", language)
    accessible(page)
    upload(page, "档案.csv", csv_bytes([titles, *rows]))
    expect(page.locator("[name=field]")).to_have_count(len(titles))
    selects = page.locator("[name=field]").all()
    assert selects[0].input_value() == "档案编号"
    selects[4].select_option("单位编码")
    page.locator("form[method=post] button").last.click()

    marks = page.locator("#job")
    expect(marks).to_contain_text("E4")
    expect(marks.locator(".figures")).to_contain_text("1")
    accessible(page)
    page.locator("form[action$=commit] button").click()
    expect(page.locator("h1")).to_contain_text(
        {"zh": "导入档案", "en": "Import the archive"}[language]
    )
    expect(page.locator(".pill")).to_have_text({"zh": "已完成", "en": "Done"}[language])
    figures = page.locator(".figures dd")
    expect(figures).to_have_text(["1", "0", "1", "1"])
    accessible(page)
    page.goto("/jobs")
    accessible(page)
    page.locator("[data-row] a").first.click()
    expect(figures).to_have_text(["1", "0", "1", "1"])


@pytest.mark.parametrize(("language", "size"), [("zh", "phone"), ("en", "desk")])
def test_wrong_files_are_refused_in_words_and_nothing_is_lost(
    workplace: Office, language: str, size: str
) -> None:
    say, wrong = saying(language), partial(fault_words, languages()[language])
    page = workplace.page(HANDLER, "/batches/new", language, size)
    before = workplace.ledger.size()
    upload(page, "名册.xlsx", b"PK\x03\x04 torn", **order("W-1"))
    expect(page.get_by_role("alert")).to_contain_text(wrong("file.truncated"))
    expect(page.locator("[name=code]")).to_have_value("W-1")
    accessible(page)
    upload(page, "图.png", b"\x89PNG\r\n\x00\x00", **order("W-1"))
    expect(page.get_by_role("alert")).to_contain_text(wrong("file.not_text"))
    upload(page, "名册.xlsx", bomb(), **order("W-1"))
    expect(page.get_by_role("alert")).to_contain_text(wrong("file.archive_bomb"))
    upload(page, "名册.xlsx", workbook(listed(1, Person(1))), **order("KNOWN-1"))
    expect(page.get_by_role("alert")).to_have_attribute("data-code", "batch.known")
    upload(page, "名册.xlsx", workbook(listed(1, Person(1))), **order("W-1"))
    accessible(page)
    page.get_by_label(say("表头在第几行")).select_option("1")
    page.get_by_role("button", name=say("换表头行")).click()
    expect(page.locator(".columns li")).to_have_count(1)
    assert workplace.ledger.size() == before


def test_nobody_sees_or_commits_the_upload_of_another(workplace: Office) -> None:
    page = workplace.page(HANDLER, "/batches/new")
    upload(page, "名册.xlsx", workbook(listed(1, Person(1))), **order("O-1"))
    other = workplace.page("H-X02", "/batches/new")
    other.goto(page.url)
    expect(other.get_by_role("alert")).to_have_attribute("data-code", "import.unknown")
    other.goto("/batches/new")
    expect(other.locator("[name=organisation_code] option")).to_have_text(["X02 X02工会"])
    other.locator("[name=organisation_code] option").evaluate("option => option.value = 'X01'")
    upload(other, "名册.xlsx", workbook(listed(1, Person(1))), **order("O-2"))
    expect(other.get_by_role("alert")).to_have_attribute("data-code", "access.outside_reach")


def test_all_of_it_works_with_scripts_off(workplace: Office) -> None:
    page = workplace.browser(HANDLER, scripts=False).new_page()
    rows = [listed(1, Person(10)), listed(2, Person(11))]
    upload(page, "名册.xlsx", workbook(*rows), "/batches/new", **order("PLAIN-1"))
    name_columns(page)
    page.get_by_role("button", name="试算，不记账").click()
    refreshed(page, page.get_by_role("button", name=re.compile("提交，编制批次")).count)
    page.get_by_role("button", name=re.compile("提交，编制批次")).click()
    refreshed(page, lambda: int("/batches/" in page.url))
    expect(page.locator("h1")).to_contain_text("PLAIN-1")


@pytest.mark.parametrize(("language", "size"), [("zh", "phone"), ("en", "desk")])
def test_a_job_is_cancelled_or_tried_again_by_whose_it_is(
    workplace: Office, language: str, size: str
) -> None:
    say = saying(language)
    working = workplace.app.state.background
    elsewhere, held = held_elsewhere(workplace)
    page = workplace.page(HANDLER, f"/jobs/{held.job_id}", language, size)
    accessible(page)
    page.get_by_role("button", name=say("取消任务")).click()
    expect(page.get_by_role("status").first).to_have_text(say("已要求取消。"))
    expect(page.get_by_role("button", name=say("取消任务"))).to_have_count(0)
    elsewhere.end_cancelled(held, workplace.served.clock.now_s())
    expect(page.locator(".pill")).to_have_text(say("已取消"))
    job = working.jobs.submit("roster", officer_id(HANDLER), None, b"torn", 10)
    page.goto(f"/jobs/{job.job_id}")
    expect(page.locator(".pill")).to_have_text(say("未完成"))
    expect(page.get_by_role("link", name=say("刷新进度"))).to_have_count(0)
    expect(page.get_by_role("alert")).to_contain_text(
        {"zh": "系统自身出错，没有记账。", "en": "server.failed"}[language]
    )
    accessible(page)
    page.get_by_role("button", name=say("重试")).click()
    expect(page.get_by_role("status").first).to_have_text(say("已重新排队。"))
    expect(page.locator(".pill")).to_have_text(say("未完成"))
    expect(page.get_by_role("button", name=say("重试"))).to_be_visible()
    watching = workplace.page(SYSTEM, "/jobs", "en", size)
    accessible(watching)
    expect(watching.locator("[data-row]", has_text=HANDLER).first).to_contain_text("Failed")
    watching.goto(f"/jobs/{job.job_id}")
    expect(watching.get_by_role("button", name="Try again")).to_have_count(0)
    stranger = workplace.page("H-X02", f"/jobs/{job.job_id}")
    expect(stranger.get_by_role("alert")).to_have_attribute("data-code", "job.unknown")
    assert working.jobs.find(job.job_id).state is State.FAILED


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_stands_of_a_job_stays_while_its_state_cannot_be_read(
    workplace: Office, language: str
) -> None:
    elsewhere, held = held_elsewhere(workplace)
    page = workplace.page(HANDLER, f"/jobs/{held.job_id}", language)
    unread = page.get_by_text(
        {"zh": "没有读到最新内容", "en": "The latest could not be read"}[language]
    )
    expect(unread).to_be_hidden()
    for status in (403, 500, 200):
        answer = partial(Route.fulfill, status=status, body="?")
        page.route("**/jobs/*", answer)
        expect(unread).to_be_visible()
        expect(page.locator("#job progress")).to_be_visible()
        accessible(page)
        page.unroute("**/jobs/*")
        expect(unread).to_be_hidden()
    page.context.set_offline(True)
    expect(unread).to_be_visible()
    expect(page.locator("#job progress")).to_be_visible()
    elsewhere.end_cancelled(held, workplace.served.clock.now_s())
    page.context.set_offline(False)
    expect(page.locator("#job .pill")).to_have_text({"zh": "已取消", "en": "Cancelled"}[language])
    expect(unread).to_be_hidden()
    assert all("Failed to fetch" in said for said in workplace.complaints)
    workplace.complaints.clear()


def test_who_is_signed_out_while_a_job_runs_comes_back_to_it(workplace: Office) -> None:
    elsewhere, held = held_elsewhere(workplace)
    page = workplace.page(HANDLER, f"/jobs/{held.job_id}")
    expect(page.locator("#job progress")).to_be_visible()
    page.context.clear_cookies()
    expect(page.locator("[name=next]").first).to_have_value(f"/jobs/{held.job_id}")
    elsewhere.end_cancelled(held, workplace.served.clock.now_s())


def held_elsewhere(workplace: Office) -> tuple[Jobs, Job]:
    """Have another process take up a job: it runs until that process says how it ended."""
    store = BackgroundStore(workplace.home.jobs)
    jobs = Jobs(store, Seal(workplace.home.derived_key("background")))
    now_s = workplace.served.clock.now_s()
    with store.writing():
        jobs.submit("roster", officer_id(HANDLER), None, b"long", now_s)
        held = jobs.claim(now_s)
    assert held is not None
    return jobs, held


def annotated(page: Page, button: str) -> tuple[openpyxl.Workbook, Any]:
    with page.expect_download() as taken:
        page.get_by_role("button", name=button).click()
    book = openpyxl.load_workbook(io.BytesIO(taken.value.path().read_bytes()))
    return book, book.worksheets[0]


def saved(book: openpyxl.Workbook, cells: dict[str, str | int]) -> bytes:
    for place, value in cells.items():
        book.worksheets[0][place] = value
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def refreshed(page: Page, there: object) -> None:
    """Load a page anew, as its reader does without scripts, until it says what is waited for."""
    assert callable(there)
    for _ in range(100):
        if there():
            return
        page.wait_for_timeout(100)
        page.reload()
    raise AssertionError(page.content())


def bomb() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("xl/workbook.xml", "xl/_rels/workbook.xml.rels"):
            archive.writestr(name, "<a/>")
        archive.writestr("xl/media/a.bin", bytes(30_000_000))
    return file.getvalue()
