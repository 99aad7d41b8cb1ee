"""Signing on a tablet: drawn by hand, through a lost connection, judged and certified."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Locator, Page, expect

from api.web.formats import capital
from ledger.commands.disbursements import withdraw_payment
from ledger.commands.signatures import strokes_of
from ledger.domain.aggregate import OPERATOR
from ledger.domain.batch import batch_id
from ledger.domain.campaign import campaign_id
from ledger.domain.disbursement import Disbursement, Status, disbursement_id
from ledger.domain.officer import officer_id
from ledger.store.act import CommandAct
from ledger.store.home import Home
from projections.runner import catch_up
from projections.signatures import signatures_of
from tests.api.service import ADMINISTRATORS, TODAY
from tests.campaign import copied
from tests.objecting import uphold
from tests.web.browsing import LANGUAGES, Office, accessible, office_at, saying
from tests.web.test_batches import confirm
from tests.world import CAMPAIGN, Person, World

BATCH = batch_id("SHEET-1")
PATH = f"/batches/{BATCH}/signing"
PEOPLE = [Person(30 + number) for number in range(5)]
WITNESS = "H-X01"
TABLET = (820, 1180)


@pytest.fixture(scope="module")
def approved(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A ledger with an approved signature sheet of five people: to be copied."""
    world = World.at(tmp_path_factory.mktemp("approved")).settle_in()
    world.administer(ADMINISTRATORS)
    world.receive("X01", 1_000_000)
    world.sheet("SHEET-1", *PEOPLE)
    world.ledger.close()
    return world.home


@pytest.fixture
def place(approved: Home, tmp_path: Path, chromium: Browser) -> Iterator[Office]:
    with office_at(copied(approved, tmp_path), chromium, TODAY) as office:
        yield office
        office.settled()


def tablet(place: Office, language: str = "zh", context: BrowserContext | None = None) -> Page:
    """Open the signing page on a tablet, as its witness."""
    context = context or place.browser(WITNESS, language)
    page = context.new_page()
    page.set_viewport_size({"width": TABLET[0], "height": TABLET[1]})
    page.goto(PATH)
    page.get_by_role("button", name={"zh": "开始签字", "en": "Begin signing"}[language]).click()
    expect(page.locator("[data-counts]")).not_to_be_empty()
    return page


def draw(page: Page, slant: int = 0) -> None:
    """Write something like two characters with the mouse."""
    pad = page.locator("canvas")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box is not None
    for start in (0.2, 0.5):
        left, top = box["x"] + box["width"] * start, box["y"] + box["height"] * 0.25
        for stroke in range(3):
            page.mouse.move(left, top + 40 * stroke)
            page.mouse.down()
            for step in range(1, 6):
                page.mouse.move(left + 22 * step, top + 40 * stroke + slant * step % 17)
                page.wait_for_timeout(16)
            page.mouse.up()


def sign(page: Page, slant: int = 0) -> None:
    page.locator("[data-own]").check()
    draw(page, slant)
    page.locator("[data-confirm]").click()


def signed_over(page: Page, slant: int) -> dict[str, Any]:
    """Have the first person sign; return what was sent of it."""
    with page.expect_request("**/signatures") as asked:
        sign(page, slant)
    expect(row(page, 1)).to_have_attribute("data-state", "captured")
    given: dict[str, Any] = asked.value.post_data_json or {}
    return given


def again(page: Page, said: str) -> None:
    """Send again now what waits; the page says this of it."""
    with page.expect_response("**/signatures"):
        page.evaluate("window.dispatchEvent(new Event('focus'))")
    expect(page.locator("[data-link]")).to_contain_text(said)


def row(page: Page, number: int) -> Locator:
    return page.locator(f"[data-list] [data-number='{number}']")


def captured(place: Office) -> list[int]:
    with catch_up(place.ledger, place.home.read_models).asking() as model:
        return [each.number for each in signatures_of(model, BATCH)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_people_sign_one_by_one_and_the_witness_certifies(place: Office, language: str) -> None:
    page = tablet(place, language)
    accessible(page)
    expect(page.locator("#signer-name")).to_have_text(PEOPLE[0].name)
    expect(page.locator("span[data-capital]")).to_have_text(capital(30_000))
    assert PEOPLE[1].name not in page.inner_text("main")
    sign(page, 3)
    expect(row(page, 1)).to_have_attribute("data-state", "captured")
    expect(page.locator("#signer-name")).to_have_text(PEOPLE[1].name)
    page.locator("[data-absent]").click()
    draw(page, 5)
    page.locator("[data-confirm]").click()
    expect(page.locator("[data-said]")).to_have_text(
        {"zh": "请先由本人勾选确认。", "en": "The signer ticks the confirmation first."}[language]
    )
    page.locator("[data-own]").check()
    turn(page)
    page.locator("[data-confirm]").click()
    expect(row(page, 3)).to_have_attribute("data-state", "captured")
    page.set_viewport_size({"width": 390, "height": 844})
    accessible(page)
    assert payment(place, 1).captured is not None
    strokes = strokes_of(place.ledger, payment(place, 3))
    assert [len(stroke) > 3 for stroke in strokes] == [True] * 6

    make_key(place, page, WITNESS)
    page.goto(f"/batches/{BATCH}/certification")
    accessible(page)
    page.set_viewport_size({"width": 1280, "height": 800})
    accessible(page)
    for image in page.locator("img.signature").all():
        assert image.evaluate("each => each.decode().then(() => each.naturalWidth)") > 0
    assert len(place.browser("R-X01").request.get(image_of(3)).json()["code"]) > 0
    page.locator("[data-row] input").last.uncheck()
    page.locator("[data-certify] button").click()
    expect(page.locator("[data-row]")).to_have_count(1)
    assert [payment(place, n).status for n in (1, 2, 3)] == [
        Status.SIGNED,
        Status.IN_TRANSIT,
        Status.IN_TRANSIT,
    ]
    page.locator("[data-certify] button").click()
    expect(page.locator("[data-row]")).to_have_count(0)
    assert payment(place, 3).status is Status.SIGNED
    page.goto(f"/batches/{BATCH}")
    expect(
        page.locator(".pill", has_text={"zh": "已签领", "en": "Signed"}[language])
    ).to_have_count(2)


def test_what_was_signed_without_a_connection_arrives_once_when_it_is_back(place: Office) -> None:
    page = tablet(place)
    page.context.set_offline(True)
    for number in (1, 2, 3):
        sign(page, number)
        expect(row(page, number)).to_have_attribute("data-state", "waiting")
    expect(page.locator("[data-link]")).to_contain_text("没有连上服务器")
    expect(page.locator("[data-link]")).to_contain_text("3 份待发送")
    assert captured(place) == []
    assert PEOPLE[0].name not in str(page.evaluate(QUEUED))

    page.context.set_offline(False)
    expect(page.locator("[data-link]")).to_have_text("联机。 已全部发送。")
    assert captured(place) == [1, 2, 3]
    page.reload()
    expect(row(page, 3)).to_have_attribute("data-state", "captured")
    assert captured(place) == [1, 2, 3]
    assert page.evaluate(QUEUED) == []

    page.locator("[data-absent]").click()
    sign(page, 4)
    expect(page.locator("#signer-name")).to_have_text(PEOPLE[3].name)
    sign(page, 5)
    expect(page.locator("[data-done]")).to_be_visible()
    page.wait_for_function(FORGOTTEN)
    expect(page.locator("#signer-name")).not_to_be_visible()
    expect(page.locator("[data-link]")).to_have_text("联机。 已全部发送。")
    row(page, 2).locator("[data-open]").click()
    expect(page.locator("[data-confirm]")).not_to_be_visible()
    page.locator("[data-again]").click()
    sign(page, 6)
    expect(page.locator("[data-done]")).to_be_visible()
    expect(row(page, 2)).to_have_attribute("data-state", "captured")
    assert sorted(captured(place)) == [1, 2, 2, 3, 4, 5]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_comes_again_without_a_connection_and_names_nobody_on_disk(
    place: Office, language: str
) -> None:
    say = saying(language)
    page = tablet(place, language)
    expect(page.locator("[data-kept]")).to_be_attached()
    page.context.set_offline(True)
    sign(page, 3)
    expect(row(page, 1)).to_have_attribute("data-state", "waiting")
    for number in (2, 3):
        page.reload()
        expect(row(page, number - 1)).to_have_attribute("data-state", "waiting")
        expect(page.locator("#signer-name")).to_have_text(PEOPLE[number - 1].name)
        expect(page.locator("[data-link]")).to_contain_text(
            say("没有连上服务器，可以继续签字，签好的保存在本机。可以刷新本页，但请不要关闭。")
        )
        sign(page, number + 3)
        expect(row(page, number)).to_have_attribute("data-state", "waiting")
    accessible(page)
    left = page.evaluate(LEFT)
    assert "SHEET-1" in left
    assert not [each for each in PEOPLE if each.name in left or each.name[0] + "*" in left]
    beside = page.context.new_page()
    beside.goto(PATH)
    expect(beside.locator("[data-link]")).to_have_text(
        say("没有连上服务器，这台设备上也没有打开过这份名单，现在不能签字。连上之后请刷新本页。")
    )
    accessible(beside)
    beside.close()

    page.context.set_offline(False)
    expect(page.locator("[data-link]")).to_contain_text(say("已全部发送。"))
    assert captured(place) == [1, 2, 3]
    page.reload()
    expect(row(page, 3)).to_have_attribute("data-state", "captured")
    expect(page.locator("[data-kept]")).to_be_attached()
    page.get_by_role("button", name=say("退出"), exact=True).click()
    page.wait_for_url("**/sign-in*")
    page.wait_for_function(GONE)
    page.context.set_offline(True)
    with pytest.raises(Error, match="ERR_INTERNET_DISCONNECTED"):
        page.goto(PATH)


def test_a_session_that_ended_and_a_reload_lose_nothing(place: Office) -> None:
    say = saying("en")
    page = tablet(place, "en")
    cookies = page.context.cookies()
    page.context.clear_cookies()
    sign(page, 2)
    expect(page.locator("[data-signed-out]")).to_be_visible()
    expect(row(page, 1)).to_have_attribute("data-state", "waiting")
    page.get_by_role("link", name=say("重新登录")).click()
    expect(page.get_by_label(say("工号"))).to_be_visible()

    other = place.browser("R-X01").cookies()
    page.context.add_cookies(other)  # type: ignore[arg-type]
    page.goto(PATH)
    page.get_by_role("button", name=say("开始签字")).click()
    expect(page.locator("[data-link]")).to_contain_text(
        say("本机还有另一位人员见证的签字待发送，须由其登录后发送。")
    )
    assert captured(place) == []

    page.context.add_cookies(cookies)  # type: ignore[arg-type]
    page.goto(PATH)
    expect(row(page, 1)).to_have_attribute("data-state", "captured")
    assert captured(place) == [1]
    assert payment(place, 1).captured.witness_id == officer_id(WITNESS)  # type: ignore[union-attr]


def test_no_signature_and_anothers_signature_are_refused_by_the_service(place: Office) -> None:
    page = tablet(place)
    page.locator("[data-own]").check()
    page.locator("canvas").click()
    page.locator("[data-confirm]").click()
    expect(page.locator("[data-said]")).to_contain_text("这不是签名")

    given = signed_over(page, 4)
    dot = [[[500, 200, 0, 128], [501, 200, 90, 128]]]
    line = [[[100 + 20 * n, 200, 20 * n, 128] for n in range(30)]]
    for strokes in ([], dot, line):
        refused = send(page, given | {"number": 2, "strokes": strokes})
        assert refused == (422, "signature.empty")
    reused = given | {"number": 2, "signer_name": PEOPLE[1].name}
    assert send(page, reused) == (403, "signature.reused")
    assert send(page, reused | {"own_hand": False}) == (403, "signature.not_own")
    assert send(page, given | {"number": 2}) == (403, "signature.not_own")
    assert send(page, given | {"number": 9}) == (422, "signature.row_unknown")
    backwards = [[[x, y, 900 - ms, p] for x, y, ms, p in each] for each in given["strokes"]]
    assert send(page, given | {"strokes": backwards}) == (422, "signature.strokes_unreadable")
    assert captured(place) == [1]

    page.route("**/signatures", lambda route: route.continue_(post_data=str_of(reused)))
    sign(page, 9)
    expect(row(page, 2)).to_have_attribute("data-state", "refused")
    expect(page.locator("[data-link]")).to_contain_text("同一个签名已用于另一笔发放")
    page.unroute("**/signatures")
    page.locator("[data-find]").fill("2")
    page.keyboard.press("Enter")
    sign(page, 8)
    expect(row(page, 2)).to_have_attribute("data-state", "captured")
    expect(page.locator("[data-link]")).to_have_text("联机。 已全部发送。")


def test_what_something_between_answers_or_a_post_that_ended_costs_no_signature(
    place: Office,
) -> None:
    page = tablet(place)
    answers = iter(
        (
            {"status": 403, "body": "<h1>Forbidden</h1>", "content_type": "text/html"},
            {"status": 200, "body": "<form>sign in</form>", "content_type": "text/html"},
            {"status": 200, "json": {"result": "ok"}},
            {"status": 403, "json": {"code": "duty.role_missing", "detail": "no post"}},
        )
    )
    page.route("**/signatures", lambda route: route.fulfill(**next(answers)))

    sign(page, 3)
    expect(row(page, 1)).to_have_attribute("data-state", "held")
    expect(page.locator("[data-link]")).to_contain_text("没有得到服务器可识别的答复")
    again(page, "没有连上服务器")
    again(page, "没有连上服务器")
    again(page, "当日没有办理此事的岗位")
    expect(page.locator("[data-link]")).to_contain_text("第 1 行的签字暂未被接受，仍保存在本机")
    page.unroute("**/signatures")
    page.reload()

    expect(row(page, 1)).to_have_attribute("data-state", "captured")
    expect(page.locator("[data-link]")).to_have_text("联机。 已全部发送。")
    assert captured(place) == [1]


def test_who_signed_without_a_connection_for_what_was_withdrawn_is_on_record(
    place: Office,
) -> None:
    page = tablet(place)
    page.context.set_offline(True)
    sign(page, 3)
    sign(page, 4)
    act = CommandAct(str(officer_id("A-X01")), TODAY, place.served.clock.now())
    withdraw_payment(place.ledger, act, payment(place, 1).id, "未到场")

    page.context.set_offline(False)

    expect(row(page, 2)).to_have_attribute("data-state", "captured")
    expect(row(page, 1)).to_have_attribute("data-state", "closed")
    expect(page.locator("[data-link]")).to_contain_text("这笔付款已撤销")
    assert captured(place) == [1, 2]
    assert payment(place, 1).status is Status.WITHDRAWN
    assert len(strokes_of(place.ledger, payment(place, 1))) == 6
    page.reload()
    expect(row(page, 1)).to_have_attribute("data-state", "closed")
    expect(page.locator("[data-link]")).to_have_text("联机。 已全部发送。")


def test_who_signed_for_what_an_objection_stopped_is_on_record_and_nobody_else_does(
    place: Office,
) -> None:
    def act(staff: str) -> CommandAct:
        actor = str(officer_id(staff)) if staff else OPERATOR
        return CommandAct(actor, TODAY, place.served.clock.now())

    page = tablet(place)
    page.context.set_offline(True)
    sign(page, 3)
    for number in (1, 2):
        assert uphold(place.ledger, act, BATCH, number).result["payment"] == "stopped"

    page.context.set_offline(False)

    expect(row(page, 1)).to_have_attribute("data-state", "stopped")
    expect(page.locator("[data-link]")).to_contain_text("对这笔付款的异议已成立")
    assert captured(place) == [1]
    assert payment(place, 1).captured is None
    page.reload()
    expect(page.locator("[data-link]")).to_have_text("联机。 已全部发送。")
    assert page.evaluate(QUEUED) == []
    for number in (1, 2):
        expect(row(page, number)).to_have_attribute("data-state", "stopped")
    expect(page.locator("#signer-name")).to_have_text(PEOPLE[2].name)
    row(page, 2).locator("[data-open]").click()
    expect(page.locator("[data-confirm]")).not_to_be_visible()
    accessible(page)


def test_what_was_refused_is_not_told_any_more_once_the_person_signed_elsewhere(
    place: Office,
) -> None:
    page = tablet(place)
    given = signed_over(page, 3)
    forged = str_of(given | {"number": 2, "signer_name": PEOPLE[1].name})
    page.route("**/signatures", lambda route: route.continue_(post_data=forged))
    sign(page, 9)
    expect(row(page, 2)).to_have_attribute("data-state", "refused")
    page.unroute("**/signatures")
    other = place.browser(WITNESS).new_page()
    other.goto(PATH)
    other.locator("[data-find]").fill("2")
    other.keyboard.press("Enter")
    sign(other, 8)
    expect(row(other, 2)).to_have_attribute("data-state", "captured")

    page.reload()

    expect(row(page, 2)).to_have_attribute("data-state", "captured")
    expect(page.locator("[data-link]")).to_have_text("联机。 已全部发送。")
    assert page.evaluate(QUEUED) == []


def test_what_another_tab_had_refused_does_not_wait_to_be_certified_here(place: Office) -> None:
    page = tablet(place)
    given = signed_over(page, 3)
    expect(page.locator("[data-kept]")).to_be_attached()
    page.context.set_offline(True)
    for number in (2, 3):
        sign(page, number + 3)
        expect(row(page, number)).to_have_attribute("data-state", "waiting")
    page.goto("about:blank")
    act = CommandAct(str(officer_id("A-X01")), TODAY, place.served.clock.now())
    withdraw_payment(place.ledger, act, payment(place, 3).id, "未到场")
    page.context.set_offline(False)
    forged = str_of(given | {"number": 2, "signer_name": PEOPLE[1].name})
    beside = page.context.new_page()
    beside.route("**/signatures", lambda route: route.continue_(post_data=forged), times=1)
    beside.goto(PATH)
    expect(row(beside, 2)).to_have_attribute("data-state", "refused")
    expect(row(beside, 3)).to_have_attribute("data-state", "closed")

    page.context.set_offline(True)
    page.goto(PATH)

    expect(row(page, 1)).to_have_attribute("data-state", "captured")
    expect(row(page, 2)).to_have_attribute("data-state", "refused")
    expect(row(page, 3)).to_have_attribute("data-state", "closed")


@pytest.mark.parametrize("days_ahead", [-4000, 1])
def test_a_device_whose_clock_is_wrong_loses_no_signature_and_says_no_wrong_time(
    place: Office, days_ahead: int
) -> None:
    context = place.browser(WITNESS)
    context.add_init_script(CLOCK % (days_ahead * 86_400_000))
    page = tablet(place, context=context)

    sign(page, 3)

    expect(row(page, 1)).to_have_attribute("data-state", "captured")
    with catch_up(place.ledger, place.home.read_models).asking() as model:
        [found] = signatures_of(model, BATCH)
    recorded = datetime.fromisoformat(found.recorded_at)
    assert abs(datetime.fromisoformat(found.ended_at) - recorded) < timedelta(seconds=20)
    assert found.ended_at < found.recorded_at


def test_without_scripts_the_pages_say_what_needs_them(place: Office) -> None:
    page = place.browser(WITNESS, scripts=False).new_page()
    page.goto(PATH)
    page.get_by_role("button", name="开始签字").click()
    expect(page.get_by_text("签字需要启用脚本")).to_be_visible()
    page.goto(f"/batches/{BATCH}/certification")
    expect(page.get_by_text("没有等待您签认的签字。")).to_be_visible()


CLOCK = """const Truly = Date;
globalThis.Date = class extends Truly {
  constructor(...told) { if (told.length) super(...told); else super(Date.now()); }
  static now() { return Truly.now() + %d; }
};"""
LEFT = """async () => {
  const texts = [];
  for (const name of await caches.keys()) {
    const cache = await caches.open(name);
    for (const request of await cache.keys()) texts.push(await (await cache.match(request)).text());
  }
  const opened = await new Promise((done) => {
    const request = indexedDB.open("nuanzhang-sheets");
    request.onsuccess = () => done(request.result);
  });
  const all = await new Promise((done) => {
    const request = opened.transaction("sheet").objectStore("sheet").getAll();
    request.onsuccess = () => done(request.result);
  });
  opened.close();
  for (const each of all) texts.push(new TextDecoder().decode(each.sealed), JSON.stringify(each));
  return texts.join("\\n");
}"""
GONE = """async () => (await caches.keys()).length + sessionStorage.length === 0
  && !(await indexedDB.databases()).some((each) => each.name === "nuanzhang-sheets")
  && !(await navigator.serviceWorker.getRegistrations()).length"""
FORGOTTEN = f"""async (path) => !await caches.match("{PATH}")"""
QUEUED = """async () => {
  const opened = await new Promise((done) => {
    const request = indexedDB.open("nuanzhang-signatures");
    request.onsuccess = () => done(request.result);
  });
  const all = await new Promise((done) => {
    const request = opened.transaction("queue").objectStore("queue").getAll();
    request.onsuccess = () => done(request.result);
  });
  opened.close();
  const text = (bytes) => String.fromCharCode(...new Uint8Array(bytes));
  return all.map((entry) => text(entry.sealed) + JSON.stringify(entry));
}"""


def turn(page: Page) -> None:
    """Turn the tablet to its side and back: what was drawn stays."""
    drawn = "() => document.querySelector('canvas').toDataURL().length"
    before = page.evaluate(drawn)
    for width, height in (TABLET[::-1], (390, 844), TABLET):
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(100)
    assert page.evaluate(drawn) > before / 2


def payment(place: Office, number: int) -> Disbursement:
    person = place.ledger.vault.subject_id("id_number", PEOPLE[number - 1].id_number)
    found = place.ledger.load(Disbursement, disbursement_id(campaign_id(CAMPAIGN), person))
    assert found is not None
    return found


def image_of(number: int) -> str:
    return f"/batches/{BATCH}/signatures/{number}/image"


def send(page: Page, body: dict[str, Any]) -> tuple[int, str]:
    """Send a signature as another device would."""
    answer = page.request.post(
        f"/v1/batches/{BATCH}/signatures",
        data=body,
        headers={"origin": page.url.split("/batches")[0]},
    )
    return answer.status, answer.json()["code"]


def str_of(body: dict[str, Any]) -> str:
    return json.dumps(body)


def make_key(place: Office, page: Page, staff: str) -> None:
    """Make an officer's key on this device, and have it confirmed."""
    page.goto("/my-key")
    page.locator("[data-make] button").click()
    proposed = page.locator("[data-key]", has=page.locator(".pill.doubt"))
    expect(proposed).to_have_count(1)
    confirm(place, staff, str(proposed.get_attribute("data-key")))
