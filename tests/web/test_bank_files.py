"""The bank's payment file as a cashier writes it: facts of the payer, a name that does not fit."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from ledger.commands import batches
from ledger.commands.recipients import decide_change, request_change
from ledger.domain.aggregate import OPERATOR
from ledger.domain.batch import batch_id
from ledger.domain.officer import Role, officer_id
from ledger.domain.policy import Channel
from ledger.domain.recipient import Change
from ledger.store.act import CommandAct
from tests.api.service import EARLY, TODAY
from tests.objecting import uphold
from tests.web.browsing import LANGUAGES, SIZES, Office, accessible, office_at
from tests.world import CAMPAIGN, EARMARK, Person, World, roster, roster_row

WORDS = {
    "zh": (
        "单位编号",
        "导出理由",
        "交给谁",
        "导出银行文件",
        "银行文件中的写法",
        "商定依据",
        "登记写法",
        "银行文件未列的付款",
    ),
    "en": (
        "Number of the paying unit",
        "Reason",
        "Made for",
        "Write the bank file",
        "Spelling in the bank's file",
        "On what ground",
        "Record the spelling",
        "Payments that the bank's file is without",
    ),
}


@pytest.fixture
def desk(tmp_path: Path, chromium: Browser) -> Iterator[Office]:
    """An approved batch for a bank that writes GBK, with a name that GBK lacks a character of.

    The data of the last recipient was restricted since.
    """
    world = World.at(tmp_path).settle_in()
    world.appoint("K-X01", "X01", Role.CASHIER, EARLY)
    world.receive("X01", 1_000_000)
    world.file(Person(1), Person(2), Person(3))
    rows = (
        roster_row(1, Person(1), 80_000, name="张䶮明"),
        roster_row(2, Person(2), 80_000),
        roster_row(3, Person(3), 80_000),
    )
    order = batches.Draft(
        "F1", CAMPAIGN, "X01", EARMARK, Channel.BANK_CARD, "city-bank-a", "H-X01", roster(*rows)
    )
    batches.draft_batch(world.ledger, world.act("H-X01"), order)
    world.review("F1")
    world.approve("F1")
    restricted = world.ledger.vault.subject_id("id_number", Person(3).id_number)
    request_change(world.ledger, world.act("H-X01"), restricted, Change.RESTRICT, "本人要求")
    decide_change(world.ledger, world.act("A-X01"), restricted, Change.RESTRICT)
    world.ledger.close()
    with office_at(world.home, chromium, TODAY) as office:
        yield office
        office.settled()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_name_that_does_not_fit_is_respelt_and_the_file_written(
    desk: Office, language: str
) -> None:
    unit, reason, made_for, write, spelling, ground, record, without = WORDS[language]
    page = desk.page("K-X01", f"/batches/{batch_id('F1')}", language)
    page.locator(f'a[href="/batches/{batch_id("F1")}/bank-file"]').click()

    def fill() -> None:
        page.get_by_label(unit).fill("U01")
        page.get_by_label(reason).fill("代发")
        page.get_by_label(made_for).fill("银行")

    fill()
    page.get_by_role("button", name=write).click()
    expect(page.locator('[data-code="bank_file.name_not_encodable"]')).to_be_visible()
    expect(page.get_by_label(unit)).to_have_value("U01")
    for width, height in SIZES.values():
        page.set_viewport_size({"width": width, "height": height})
        accessible(page)
    assert "张䶮明" not in page.content()

    page.get_by_label(spelling).fill("李四")
    page.get_by_label(ground).fill("银行同意")
    page.get_by_role("button", name=record).click()
    expect(page.locator('[data-code="spelling.of_another"]')).to_be_visible()
    page.get_by_label(spelling).fill("张YAN明")
    page.get_by_label(ground).fill("银行同意")
    page.get_by_role("button", name=record).click()
    fill()
    with page.expect_download() as told:
        page.get_by_role("button", name=write).click()

    content = Path(told.value.path()).read_bytes().decode("gbk")
    assert "|张YAN明|" in content
    assert Person(3).card not in content
    # The next file of the same union need not be told again.
    page.reload()
    expect(page.get_by_label(unit)).to_have_value("U01")
    expect(page.get_by_label(reason)).to_have_value("")
    expect(page.get_by_role("heading", name=without)).to_be_visible()
    assert Person(3).name not in page.content()
    for width, height in SIZES.values():
        page.set_viewport_size({"width": width, "height": height})
        accessible(page)


@pytest.mark.parametrize("language", LANGUAGES)
def test_whom_an_objection_stopped_the_page_and_the_file_tell(desk: Office, language: str) -> None:
    def act(staff: str) -> CommandAct:
        actor = str(officer_id(staff)) if staff else OPERATOR
        return CommandAct(actor, TODAY, desk.served.clock.now())

    page = desk.page("K-X01", f"/batches/{batch_id('F1')}/bank-file", language)
    said = {"zh": "异议成立，停止发放", "en": "Stopped by an upheld objection"}[language]
    expect(page.get_by_role("heading", name=said)).to_have_count(0)
    assert uphold(desk.ledger, act, batch_id("F1"), 1).result["payment"] == "stopped"

    page.reload()

    expect(page.get_by_role("heading", name=said)).to_be_visible()
    expect(page.locator("main")).to_contain_text(
        {"zh": "对第 1 行", "en": "these rows: 1"}[language]
    )
    accessible(page)
    unit, reason, made_for, write, *_ = WORDS[language]
    page.get_by_label(unit).fill("U01")
    page.get_by_label(reason).fill("代发")
    page.get_by_label(made_for).fill("银行")
    with page.expect_response("**/bank-file") as answered, page.expect_download() as told:
        page.get_by_role("button", name=write).click()
    assert answered.value.headers["rows-stopped"] == "1"
    content = Path(told.value.path()).read_bytes().decode("gbk")
    assert Person(2).card in content
    assert Person(1).card not in content
