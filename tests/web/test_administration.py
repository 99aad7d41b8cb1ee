"""Administrators at work: unions, officers, posts, invitations and keys, each by their own post."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from api.access.accounts import INVITATION_TTL_S
from ledger.commands.officer_keys import KeyConfirmation, confirm_key
from ledger.domain.officer import Role, officer_id
from ledger.domain.organisation import organisation_id
from ledger.store.act import CommandAct
from tests.api.service import ADMINISTRATORS, AUDIT, EARLY, SECURITY, SYSTEM, TODAY
from tests.web.browsing import LANGUAGES, SIZES, Office, accessible, office_at, saying
from tests.web.conftest import INSPECTOR
from tests.world import World

PASSWORD = "seven quiet herons at dawn"


def administered(folder: Path) -> World:
    """Return a small world with one administrator of each kind; its ledger is still open."""
    world = World.at(folder).settle_in()
    world.appoint_without_key("B-X01", "X01", Role.ACCOUNTANT, EARLY)
    world.administer(ADMINISTRATORS)
    return world


@pytest.fixture(scope="module")
def _administered(tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Iterator[Office]:
    world = administered(tmp_path_factory.mktemp("administered"))
    world.ledger.close()
    with office_at(world.home, chromium, TODAY) as office:
        yield office


@pytest.fixture
def workplace(_administered: Office) -> Iterator[Office]:
    yield _administered
    _administered.settled()


def refused(page: Page) -> str:
    return str(page.get_by_role("alert").first.get_attribute("data-code"))


def fill(page: Page, form: str, **fields: str) -> None:
    """Fill in a form by its action and send it."""
    found = page.locator(f'form[action="{form}"][method="post"]')
    for name, value in fields.items():
        field = found.locator(f'[name="{name}"]')
        if field.evaluate("each => each.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)
    found.get_by_role("button").click()


@pytest.mark.parametrize(("language", "scripts"), [("zh", True), ("en", False)])
def test_a_union_is_registered_and_moved_by_the_system_administrator(
    workplace: Office, language: str, *, scripts: bool
) -> None:
    say = saying(language)
    page = workplace.browser(SYSTEM, language, scripts=scripts).new_page()
    code = "Y01" if scripts else "Y02"
    page.goto("/")
    expect(page).to_have_url(f"{workplace.url}/admin")
    page.get_by_role("link", name=say("各级工会")).first.click()
    page.locator("summary", has_text=say("登记单位")).click()
    register = "/admin/organisations"
    fill(page, register, code="X01", name="又一个", kind="县区", parent_code="C01")
    assert refused(page) == "organisation.known"
    expect(page.get_by_label(say("名称"), exact=True)).to_have_value("又一个")
    fill(page, register, code=code, name="示范三区总工会", kind="县区", parent_code="NONE")
    assert refused(page) == "ledger.not_on_record"
    fill(page, register, parent_code="C01")
    expect(page.get_by_role("status")).to_have_text(say("单位已登记。"))

    page.get_by_text(say("调整到另一上级")).click()
    moves = f"/admin/organisations/{organisation_id(code)}/moves"
    fill(page, moves, parent_code="X01", reason="区划调整")
    assert refused(page) == "organisation.parent_not_later"
    page.goto(f"/admin/organisations/{organisation_id('X02')}")
    page.get_by_text(say("调整到另一上级")).click()
    fill(
        page,
        f"/admin/organisations/{organisation_id('X02')}/moves",
        parent_code="X01" if scripts else "C01",
        happened_on="2017-02-01" if scripts else "2017-02-02",
        reason="区划调整",
    )
    expect(page.get_by_role("status")).to_have_text(say("上级单位已变更。"))
    expect(page.locator("[data-row]")).to_have_count(2 if scripts else 3)


def let_in(workplace: Office, code: str, language: str = "zh") -> Page:
    """Set a password with the code of an invitation, in a browser of its own."""
    page, say = workplace.browser(language=language).new_page(), saying(language)
    page.goto("/invitation")
    page.get_by_label(say("邀请码")).fill(code)
    page.get_by_label(say("新口令")).fill(PASSWORD)
    page.locator("main button").click()
    return page


def make_key(workplace: Office, page: Page, staff: str) -> None:
    """Make an administrator's key on this device; another confirms it elsewhere."""
    page.goto("/my-key")
    page.locator("[data-make] button").click()
    proposed = page.locator("[data-key]", has=page.locator(".pill.doubt"))
    expect(proposed).to_have_count(1)
    order = KeyConfirmation(officer_id(staff), str(proposed.get_attribute("data-key")))
    other = SYSTEM if staff == SECURITY else SECURITY
    act = CommandAct(str(officer_id(other)), TODAY, workplace.served.clock.now())
    confirm_key(workplace.ledger, act, order)


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_officer_comes_to_be_and_is_invited(workplace: Office, language: str) -> None:
    say, staff = saying(language), f"N-{language}"
    path = f"/admin/officers/{officer_id(staff)}"
    system = workplace.page(SYSTEM, "/admin/officers", language)
    system.locator("summary", has_text=say("登记人员")).click()
    fill(system, "/admin/officers", staff_number="H-X01", name="张小三")
    assert refused(system) == "officer.known"
    fill(system, "/admin/officers", staff_number=staff)
    expect(system.get_by_role("status")).to_have_text(say("人员已登记。"))
    expect(system.locator("h1")).to_contain_text("张*三")
    expect(system.get_by_text(say("授予岗位"))).to_have_count(0)

    security = workplace.page(SECURITY, path, language)
    security.locator("summary", has_text=say("授予岗位")).click()
    fill(security, f"{path}/posts", role="审批", organisation="X01")
    assert refused(security) == "signature.officer_missing"
    make_key(workplace, security, SECURITY)
    security.goto(path)
    security.locator("summary", has_text=say("授予岗位")).click()
    fill(security, f"{path}/posts", role="审批", organisation="NOWHERE")
    assert refused(security) == "ledger.not_on_record"
    fill(security, f"{path}/posts", organisation="X01", happened_on="2017-02-01")
    expect(security.get_by_role("status")).to_have_text(say("岗位已授予。"))
    security.locator("summary", has_text=say("授予岗位")).click()
    fill(security, f"{path}/posts", role="审计", organisation="X01")
    assert refused(security) == "duty.posts_incompatible"
    expect(security.get_by_role("alert").first).to_contain_text(
        {"zh": "不能由同一人兼任", "en": "duty.posts_incompatible"}[language]
    )
    fill(security, f"{path}/posts", role="出纳", happened_on="2017-02-01", until="2017-02-20")
    rows = security.locator("[data-row]")
    expect(rows).to_have_count(2)
    fill(security, f"{path}/invitations")
    code = security.locator(".once .mono").inner_text()
    let_in(workplace, code, language).wait_for_url("**/overview")
    security.goto(path)
    expect(security.locator(".once")).to_have_count(0)
    again = let_in(workplace, code, language)
    assert refused(again) == "access.invitation_unknown"


def test_a_key_is_confirmed_by_another_than_who_invited_its_owner(workplace: Office) -> None:
    path = f"/admin/officers/{officer_id('B-X01')}"
    served, inviter = workplace.served, officer_id(SECURITY)
    code = served.door.invite(officer_id("B-X01"), "B-X01", inviter, served.clock.now_s())
    mine = let_in(workplace, code)
    mine.wait_for_url("**/overview")
    mine.goto("/my-key")
    mine.get_by_role("button", name="在这台设备上生成新密钥").click()
    key = mine.locator("[data-key]", has_text="待确认").get_attribute("data-key")

    security = workplace.page(SECURITY, path)
    fill(security, f"{path}/keys/{key}/confirmation")
    assert refused(security) == "officer.inviter_confirms"
    system = workplace.page(SYSTEM, "/admin")
    expect(system.locator(".cards", has_text="1 项待您办理")).to_be_visible()
    make_key(workplace, system, SYSTEM)
    system.goto("/admin/keys?state=proposed")
    system.locator("[data-row] a").first.click()
    fill(system, f"{path}/keys/{key}/confirmation")
    expect(system.get_by_role("status")).to_have_text("密钥已确认，可以签名了。")
    accessible(system)

    mine.goto("/my-account")
    mine.get_by_role("link", name="停用或报失密").click()
    fill(mine, f"{path}/keys/{key}/ending", reason="遗失", compromised_from="1")
    assert refused(mine) == "evidence.key_not_valid"
    fill(mine, f"{path}/keys/{key}/ending", compromised_from="")
    expect(mine.locator("[data-row]", has_text=str(key))).to_contain_text("已停用")

    fill(security, f"{path}/sign-outs")
    mine.goto("/my-account")
    expect(mine).to_have_url(f"{workplace.url}/sign-in?next=%2Fmy-account")


def test_posts_end_on_a_day_and_officers_are_found_by_post_and_name(workplace: Office) -> None:
    path = f"/admin/officers/{officer_id('H-X02')}"
    security = workplace.page(SECURITY, path)
    form = security.locator(f'form[action="{path}/post-endings"]')
    form.get_by_role("button").click()
    expect(security.get_by_role("status")).to_have_text("岗位已免去。")
    security.goto("/admin/officers?organisation=X02&role=经办")
    expect(security.get_by_text("没有符合条件的人员。")).to_be_visible()
    security.goto("/admin/officers?staff_number=A-&organisation=X01")
    expect(security.locator("[data-row]")).to_have_count(1)
    fill(security, "/admin/officers/search", name="无名氏")
    assert security.url == f"{workplace.url}/admin/officers/search"
    expect(security.get_by_text("没有符合条件的人员。")).to_be_visible()
    fill(security, "/admin/officers/search", name="某某")
    expect(security.locator("[data-row]").first).to_be_visible()


def test_an_invitation_that_is_too_old_lets_nobody_in(workplace: Office) -> None:
    served = workplace.served
    now_s = served.clock.now_s() - INVITATION_TTL_S
    code = served.door.invite(officer_id("R-X01"), "R-X01", None, now_s)
    page = workplace.browser(language="en", scripts=False).new_page()
    page.goto("/invitation")
    page.locator("#invitation").fill(code)
    page.locator("#password").fill(PASSWORD)
    page.locator("main button").click()
    assert refused(page) == "access.invitation_unknown"
    officer = workplace.page(SYSTEM, f"/admin/officers/{officer_id('R-X01')}", "en")
    expect(officer.get_by_text("the invitation has expired")).to_be_visible()


def test_each_is_shown_only_what_their_posts_open(workplace: Office) -> None:
    for staff, there, absent in (
        (SYSTEM, "/admin/webhooks", "/admin/access"),
        (AUDIT, "/admin/access", "/admin/webhooks"),
        ("H-X01", "/admin/people", "/admin/access"),
    ):
        page = workplace.page(staff, "/admin")
        hrefs = page.locator(".cards a").evaluate_all("all => all.map(a => a.pathname)")
        assert there in hrefs
        assert absent not in hrefs
        for href in hrefs:
            page.goto(href)
            expect(page.locator("h1")).not_to_have_text("未能完成")
        page.goto(absent)
        assert refused(page) == "access.post_missing"


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_of_administrators_are_accessible(
    workplace: Office, language: str, size: str
) -> None:
    browser = workplace.browser(SYSTEM, language, size)
    page = browser.new_page()
    for path in ("/admin/organisations", "/admin/officers", "/admin/webhooks"):
        page.goto(path)
        accessible(page)
    for details in page.locator("main details").all():
        details.locator("summary").click()
    accessible(page)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_ledgers_key_is_handed_over_on_paper(office: Office, language: str) -> None:
    page = office.page(INSPECTOR, "/admin/keys", language)
    expect(page.locator("[data-row]").filter(has_text="S0").first).to_be_visible()
    page.locator('a[href="/admin/keys/card"]').click()
    expect(page.locator("[data-vkey]")).to_have_text(office.home.note_key().vkey())
    expect(page.locator("[data-founding]")).to_have_text(office.ledger.founding_key_id())
    assert page.locator("main svg").count() == 2
    accessible(page)
