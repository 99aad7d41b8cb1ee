"""Every page, in both languages and two widths: no violation of axe, nothing the policy stopped.

No page is left out: what the site answers is held against what is visited here.
"""

import re
from collections.abc import Iterator
from datetime import date
from html import unescape
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID, uuid4

import pytest
from fastapi.routing import APIRoute
from playwright.sync_api import Browser, FormData, Page
from starlette.routing import Match

from api.receipts import token_of
from api.web.site import PAGES as SITE
from ledger.domain.batch import batch_id
from ledger.domain.fund import fund_id
from ledger.domain.notice import notice_id
from ledger.domain.officer import Role, officer_id
from ledger.domain.organisation import organisation_id
from ledger.domain.policy import policy_id
from projections.bank_lines import last_matches
from projections.disbursements import Question, disbursement_list
from projections.flows import appropriations
from projections.organisations import tree_on
from projections.runner import catch_up
from tests.api.service import EARLY, SYSTEM, TODAY
from tests.commands.test_refused_remittances import RefusingSide, taker_at
from tests.web.browsing import LANGUAGES, SIZES, Office, accessible, office_at
from tests.web.conftest import INSPECTOR
from tests.web.test_administration import administered
from tests.web.test_bank import NUMBER, listed
from tests.web.test_batches import answered
from tests.world import CAMPAIGN, EARMARK, Person, roster_row

FOR_ALL = ("/sign-in", "/invitation", "/nowhere", "/notices", "/r/{token}")
FOR_OBSERVERS = (
    "/overview",
    "/search",
    "/integrity",
    "/findings",
    "/findings/rules",
    "/findings/lists",
    "/findings?severity=E&organisation=X01",
    "/findings/signatures",
    "/deadlines",
    "/samples",
    "/samples/new?channel=银行卡&least=500",
    "/bank",
    "/bank/formats",
    "/cases",
    "/reports",
    "/reports/statistics",
    "/reports/yearly?organisation=X01",
    "/reports/summary?organisation=X01",
    "/reports/inspection",
    "/ledger",
    "/ledger?status=returned&organisation=C01&since=2017-01-01&least=500",
    "/ledger?kind=all&newest=yes&facet=organisation&chart=open&limit=20",
    "/my-key",
    "/batches",
    "/batches/{batch}",
    "/batches/{batch}/rows",
    "/organisations",
    "/flow/opening?organisation=X01&year=2017",
    "/organisations?unfolded=X01,X02&figures_of=alone",
    "/flow",
    "/flow/receipts?organisation=C01",
    "/flow/holdings?organisation=C01",
    "/flow/allocations?organisation=X01",
    "/remittances?organisation=C01",
    "/remittances/ledgers",
    "/trace/payments/{payment}",
    "/trace/payments/{payment}/explanation",
    "/trace/payments/{payment}/unmasking",
    "/trace/people/{person}",
    "/trace/lots/{lot}",
    "/receipts/{payment}",
    "/verify/1490",
    "/jobs",
    "/my-account",
    "/admin",
    "/admin/organisations",
    "/admin/organisations/{organisation}",
    "/admin/officers?organisation=X01",
    "/admin/officers/{officer}",
    "/admin/keys",
    "/admin/keys/card",
    "/admin/policies",
    f"/admin/policies/{policy_id('hefei-2017')}?on=2017-01-20",
    "/admin/campaigns",
    "/admin/disclosures?kind=file&organisation=C01",
    "/admin/people",
    "/admin/access",
)
FOR_POSTS = (
    ("H-X01", "/batches/new"),
    ("H-X01", "/archive/new"),
    ("H-X01", "/imports/{import}"),
    ("H-X01", "/imports/{import}?step=columns"),
    ("H-X01", "/jobs/{job}"),
    ("H-X01", "/batches/{drafted}/notices/new"),
    ("R-X01", "/notices/{notice}"),
    ("R-X01", "/batches/{sheet}/signing"),
    ("H-X01", "/batches/{sheet}/signing"),
    ("H-X01", "/batches/{sheet}/certification"),
    ("H-X01", "/batches/{sheet}/scans"),
    ("J-X01", "/samples/{sample}"),
    ("J-X01", "/cases/new?{finding}"),
    ("J-X01", "/cases/{case}"),
    ("B-X01", "/bank/{account}"),
    ("B-X01", "/bank/{account}/matches/{match}"),
    ("B-X01", "/bank/{account}/reconciliation"),
    ("K-X01", "/bank/{account}/statements/{columns}"),
    ("K-X01", "/batches/{approved}"),
    ("K-X01", "/batches/{approved}/bank-file"),
    ("K-X01", "/batches/{approved}/returns/{return}"),
    ("R-X01", "/admin/people/{person}/request"),
    ("A-C01", "/admin/policies/adoption"),
    ("A-C01", "/trace/payments/{payment}/outcome"),
    ("A-C01", "/batches/{approved}/bank-file/cancellation"),
    ("A-C01", "/remittances"),
    ("A-C01", "/remittances/new"),
    ("A-C01", "/remittances/ledgers"),
    ("K-X01", "/remittances/files"),
    ("K-X01", "/remittances/files/{brought}"),
    ("K-X01", "/remittances/{remittance}"),
    ("SEC", "/admin/officers/{officer}/keys/{key}/ending"),
    (SYSTEM, "/admin/webhooks"),
    (SYSTEM, "/jobs"),
)
NO_PAGES = {
    "/": "leads on",
    "/assets/{version}/{name:path}": "a script, style or picture",
    "/ledger/facets/{name}": "a part of the ledger's page",
    "/ledger/chart": "a part of the ledger's page",
    "/ledger/organisations": "a part of the ledger's page",
    "/findings/signatures/{number}": "looked at where signatures are alike",
    "/findings/devices/{position}": "looked at where signatures are alike",
    "/ledger.csv": "a file",
    "/ledger.xlsx": "a file",
    "/ledger.pdf": "a file",
    "/notices/{notice_id}.pdf": "a file",
    "/samples/{sample_id}.csv": "a file",
    "/batches/{batch_id}/slips.pdf": "a file",
    "/batches/{batch_id}/signatures/{number}/image": "a picture",
    "/admin/disclosures.csv": "a file",
    "/bank/{account_id}/reconciliation.pdf": "a file",
    "/reports/inspection/{job_id}.zip": "a file",
    "/reports/{sort}.xlsx": "a file",
    "/reports/{sort}.csv": "a file",
    "/reports/{sort}.pdf": "a file",
    "/cases.csv": "a file",
    "/cases.xlsx": "a file",
    "/deadlines.xlsx": "a file",
    "/deadlines.csv": "a file",
    "/deadlines.pdf": "a file",
    "/r/{token}/proof.json": "a file",
    "/remittances/{remittance_id}/proof": "a file",
    "/r/{token}/log": "data for the page's script",
    "/r/{token}/entries/{position}": "data for the page's script",
}
WALKED_PAST = """() => [...document.querySelectorAll("main tbody tr, main [data-list] li")]
  .filter((row) => row.querySelector("a, button") && !row.closest("[data-list] [data-row]"))
  .map((row) => row.outerHTML.slice(0, 200))"""
DRAFTED, APPROVED, SHEET = batch_id("EVERY-1"), batch_id("PAGE-1"), batch_id("EVERY-3")
NOTICE = {
    "period_days": "5",
    "period_unit": "natural",
    "shown_days": "3",
    "source": "公示办法 第三条",
    "confidence": "stated",
    "place": "单位公告栏",
    "contact": "工会办公室",
}
ROSTER = "序号,姓名,身份证,金额\n1,试一,340101199001011234,800\n"
SOMEBODY = "00000000-0000-4000-8000-000000000000"


def test_no_page_is_forgotten() -> None:
    answered_ = {
        route.path
        for router in SITE
        for route in router.routes
        if isinstance(route, APIRoute) and "GET" in (route.methods or ())
    }
    visited = {
        route_of(re.sub(r"\{\w+\}", SOMEBODY, path))
        for path in (*FOR_ALL, *FOR_OBSERVERS, *(path for _, path in FOR_POSTS))
    }

    assert answered_ - visited - NO_PAGES.keys() == set(), "pages that nobody looks at"
    assert NO_PAGES.keys() - answered_ == set()
    assert NO_PAGES.keys() & visited == set()


def test_what_no_page_may_have_is_found(office: Office) -> None:
    page = office.page("", "/sign-in")
    page.evaluate("document.querySelectorAll('label').forEach((label) => label.remove())")
    page.evaluate(
        "const faint = document.createElement('p'); faint.textContent = '看不清';"
        "faint.style.color = '#bbb'; document.querySelector('main').append(faint)"
    )

    with pytest.raises(AssertionError) as found:
        accessible(page)

    assert {"color-contrast", "label"} <= set(
        re.findall(r"Rule Violated:\s*([\w-]+)", str(found.value))
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_for_everybody_are_accessible(
    office: Office, names: dict[str, str], language: str
) -> None:
    for path in FOR_ALL:
        everywhere(office.page("", path.format_map(names), language))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", FOR_OBSERVERS)
def test_pages_are_accessible(
    office: Office, names: dict[str, str], path: str, language: str
) -> None:
    page = office.page(INSPECTOR, path.format_map(names), language)
    everywhere(page)
    assert page.locator("html").get_attribute("lang") == {"zh": "zh-CN", "en": "en"}[language]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("staff", "path"), FOR_POSTS)
def test_pages_of_posts_are_accessible(
    desk: tuple[Office, dict[str, str]], staff: str, path: str, language: str
) -> None:
    office, its = desk
    everywhere(office.page(staff, path.format_map(its), language))


def everywhere(page: Page) -> None:
    """Look at a page at each width; it is there, and refuses nobody."""
    refused = page.locator("main > .refusal[data-code]")
    assert page.url.endswith("/nowhere") or refused.count() == 0, page.url
    for width, height in SIZES.values():
        page.set_viewport_size({"width": width, "height": height})
        accessible(page)
    assert page.evaluate(WALKED_PAST) == [], "rows that no key leads to"


def route_of(address: str) -> str:
    """Return the route of the site that answers an address."""
    scope = {"type": "http", "method": "GET", "path": address.partition("?")[0]}
    for router in SITE:
        for route in router.routes:
            if isinstance(route, APIRoute) and route.matches(scope)[0] is Match.FULL:
                return str(route.path)
    return address


@pytest.fixture(scope="module")
def names(_looked_at: Office) -> dict[str, str]:
    """Return what stands in the addresses of the campaign."""
    with catch_up(_looked_at.ledger, _looked_at.home.read_models).asking() as model:
        [returned] = disbursement_list(model, asked=Question(status="returned"), limit=1)
        [of_lot, *_] = appropriations(model, limit=1)
        union = tree_on(model).by_code["X01"].organisation_id
    return {
        "batch": str(returned.batch_id),
        "payment": str(returned.disbursement_id),
        "person": str(returned.person_id),
        "lot": str(of_lot.lot_id),
        "organisation": str(union),
        "officer": str(officer_id("S0005")),
        "token": token_of(_looked_at.home, returned.disbursement_id),
    }


@pytest.fixture(scope="module")
def _at_work(
    tmp_path_factory: pytest.TempPathFactory, chromium: Browser
) -> Iterator[tuple[Office, dict[str, str]]]:
    world = administered(tmp_path_factory.mktemp("every"))
    world.appoint_without_key("K-X01", "X01", Role.CASHIER, EARLY)
    world.appoint_without_key("J-X01", "X01", Role.INSPECTOR, EARLY)
    world.appoint_without_key("B-X01", "X01", Role.ACCOUNTANT, EARLY)
    world.receive("X01", 1_000_000)
    world.file(Person(1), Person(2))
    world.draft("EVERY-1", roster_row(1, Person(2), 80_000))
    world.pay("PAGE-1", roster_row(1, Person(1), 80_000))
    world.sheet("EVERY-3", Person(31), Person(32))
    here, there = RefusingSide(world), taker_at(tmp_path_factory.mktemp("neighbour"))
    here.know(there)
    there.know(here)
    came = there.send(here, 30_000)
    there.take(here.proof(here.send(there, 10_000, giver="X01")), 10_000)
    here.take(there.proof(came), 30_000)
    file = there.file(there.send(here, 20_000))
    there.world.ledger.close()
    world.ledger.close()
    payment = str(world.payment_id(Person(1)))
    with office_at(world.home, chromium, TODAY) as office:
        brought = handed_in(office, "K-X01", "/remittances/files", {"file": ("proof.zip", file)})
        named = {
            "brought": brought.rpartition("/")[2],
            "remittance": came,
            "payment": payment,
        }
        yield office, underway(office) | named


@pytest.fixture
def desk(_at_work: tuple[Office, dict[str, str]]) -> Iterator[tuple[Office, dict[str, str]]]:
    """A small world in which work is under way, and what stands in the addresses of it."""
    yield _at_work
    _at_work[0].settled()


def underway(office: Office) -> dict[str, str]:
    """Begin what leaves pages of its own: an upload and its trial, a bank's answer, a signing."""
    about = {"campaign_code": CAMPAIGN, "organisation_code": "X01", "earmark": EARMARK}
    order = {"code": "EVERY-9", "channel": "银行卡", "bank_format": "unionpay-df", **about}
    came = handed_in(office, "H-X01", "/batches/new", {**order, "file": ("名册.csv", ROSTER)})
    columns = {"line": "1", "field": ["number", "name", "id_number", "amount"]}
    handed_in(office, "H-X01", f"{came}/columns", columns)
    [job, *_] = office.app.state.background.jobs.list_of(officer_id("H-X01"), limit=1)
    path = f"/batches/{APPROVED}/returns"
    bank = ("return.txt", answered("3018", "户名不符").decode())
    answer = handed_in(office, "K-X01", path, {"file": bank})
    handed_in(office, "H-X01", f"/batches/{APPROVED}/notices/new", NOTICE)
    handed_in(office, "H-X01", f"/batches/{SHEET}/signing", {"reason": "现场签字"})
    plan = {"title": "抽查", "organisation": "X01", "method": "simple", "size": "1"}
    sample = handed_in(office, "J-X01", "/samples/new", plan)
    account, match, waiting = reconciled(office)
    listed = office.browser("J-X01").request.get("/findings").text()
    [finding, *_] = re.findall(r'href="/cases/new\?([^"]+)"', listed)
    case = handed_in(office, "J-X01", "/cases", dict(parse_qsl(unescape(finding))))
    return {
        "account": account,
        "match": match,
        "columns": waiting,
        "finding": unescape(finding),
        "case": case.partition("?")[0].rpartition("/")[2],
        "sample": sample.rpartition("/")[2],
        "import": came.rpartition("/")[2],
        "job": str(job.job_id),
        "return": answer.rpartition("/")[2],
        "drafted": str(DRAFTED),
        "approved": str(APPROVED),
        "sheet": str(SHEET),
        "notice": str(notice_id(APPROVED, 1)),
        "person": str(office.ledger.vault.subject_id("id_number", Person(1).id_number)),
        "officer": str(officer_id("H-X01")),
        "key": "ab" * 16,
    }


def reconciled(office: Office) -> tuple[str, str, str]:
    """Have a bank account with a statement, of which one line is matched, and one to be read."""
    order = {"organisation_code": "X01", "name": "专户", "number": NUMBER, "opening": "0"}
    order |= {"bank_format": "statement-list", "begins_on": "2017-01-01"}
    page = handed_in(office, "B-X01", "/bank", order)
    account = page.partition("?")[0].rpartition("/")[2]
    fund = fund_id(organisation_id("X01"), EARMARK)
    handed_in(office, "B-X01", f"/bank/{account}/funds", {"fund_id": str(fund)})
    rows = (("2017-01-02", 1_000_000, "拨〔2017〕1号"), ("2017-01-31", -500, ""))
    bank = ("对账单.csv", listed(date(2017, 1, 1), date(2017, 1, 31), 0, *rows))
    handed_in(office, "K-X01", f"/bank/{account}/statements", {"file": bank})
    handed_in(office, "B-X01", f"/bank/{account}/rules", {})
    with catch_up(office.ledger, office.home.read_models).asking() as model:
        [match] = last_matches(model, UUID(account), 1)
    odd = ("再来.csv", "何日,多少\n2017-02-01,5.00\n")
    columns = handed_in(office, "K-X01", f"/bank/{account}/statements", {"file": odd})
    return account, str(match.match_id), columns.rpartition("/")[2]


def handed_in(office: Office, staff: str, path: str, fields: dict[str, Any]) -> str:
    """Send a form as its page does; return where it leads."""
    form = FormData()
    form.set("key", uuid4().hex)
    for name, value in fields.items():
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, tuple):
                file, text = each
                data = text if isinstance(text, bytes) else text.encode()
                form.append(name, {"name": file, "mimeType": "text/plain", "buffer": data})
            else:
                form.append(name, each)
    browser = office.browser(staff)
    answer = browser.request.post(
        path, multipart=form, headers={"origin": office.url}, max_redirects=0
    )
    assert answer.status == 303, answer.text()
    return answer.headers["location"]
