"""The flow of funds: drawn and in a table, every band leading to the list behind it."""

import json
import re

import pytest
from playwright.sync_api import Page, expect

from api.folder import open_folder
from api.web.flow_nodes import Node, picture
from api.web.formats import yuan
from api.web.sankey import draw
from projections.flow_of_funds import Period, flow_of_funds
from projections.flows import appropriations, trace_forward
from projections.organisations import tree_on
from projections.runner import catch_up
from tests.campaign import SCENARIO
from tests.web.browsing import LANGUAGES, SIZES, Office, accessible
from tests.web.conftest import INSPECTOR

EXPECTED = json.loads((SCENARIO / "expected.json").read_text("utf-8"))


def amounts(page: Page) -> list[str]:
    return page.locator("table.flow [data-open]").all_inner_texts()


def fen(text: str) -> int:
    found = re.search(r"(-?)¥([\d,]+)\.(\d\d)", text)
    assert found, text
    return int(f"{found[1]}{found[2].replace(',', '')}{found[3]}")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_flow_is_drawn_with_the_figures_of_its_table(
    office: Office, language: str, size: str
) -> None:
    page = office.page(INSPECTOR, "/flow", language, size)
    accessible(page)
    bands = page.locator(".sankey .bands a")
    if size == "phone":
        expect(page.locator(".sankey svg")).to_be_hidden()
        assert len(amounts(page)) > 10
        return
    expect(page.locator(".sankey svg")).to_be_visible()
    drawn = [each or "" for each in bands.evaluate_all("all => all.map(a => a.ariaLabel)")]
    assert [yuan(fen(each)) for each in drawn] == amounts(page)
    links = bands.evaluate_all("all => all.map(a => a.getAttribute('href'))")
    rows = page.locator("table.flow [data-open]")
    assert links == rows.evaluate_all("all => all.map(a => a.getAttribute('href'))")
    assert not re.search("[一-鿿]", page.locator("figcaption").inner_text()) or language == "zh"


def test_the_figures_are_those_of_the_overview_and_the_campaign(office: Office) -> None:
    page = office.page(INSPECTOR, f"/flow?as_of={EXPECTED['as_of']}")
    figures = dict(
        zip(
            page.locator(".figures dt").all_inner_texts(),
            map(fen, page.locator(".figures dd").all_inner_texts()),
            strict=True,
        )
    )
    assert figures["年初结转"] + figures["收入"] == EXPECTED["received_fen"]
    assert figures["已发放"] == EXPECTED["settled_fen"]
    assert figures["在途"] == EXPECTED["unsigned_fen"]
    assert figures["退回待再发"] == EXPECTED["returned_fen"]
    page.goto(f"/overview?as_of={EXPECTED['as_of']}")
    for name in ("已发放", "在途"):
        expect(page.locator(".figures div", has_text=name).first).to_contain_text(
            yuan(figures[name])
        )


def test_every_node_of_an_organisation_conserves_what_flows_through_it(office: Office) -> None:
    with catch_up(office.ledger, office.home.read_models).asking() as model:
        tree = tree_on(model)
        ids = [each.organisation_id for each in tree.by_id.values()]
        flow = flow_of_funds(model, ids, Period(2017))
        for levels in (1, 2, 3):
            for unfolded in (True, False):
                drawn = picture(flow, tree, tree.roots(), levels=levels, unfolded=unfolded)
                middle = [each for layer in drawn.layers[1:-1] for each in layer]
                assert middle
                for node in middle:
                    assert drawn.into(node) == drawn.out_of(node) > 0
                assert drawn.came_in_fen == sum(map(drawn.into, drawn.layers[-1]))
                assert {box.node for box in draw(drawn).boxes} == set(every(drawn.layers))


def every(layers: list[list[Node]]) -> list[Node]:
    return [node for layer in layers for node in layer]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_band_leads_to_the_list_that_adds_up_to_it(office: Office, language: str) -> None:
    page = office.page(INSPECTOR, "/flow?organisation=X01&levels=1", language)
    rows = page.locator("table.flow [data-row]")
    told = [
        (str(row.locator("a").get_attribute("href")), fen(row.locator("a").inner_text()))
        for row in rows.all()
    ]
    seen = set()
    for path, amount in told:
        page.goto(path)
        seen.add(path.split("?")[0])
        if path.startswith("/ledger"):
            shown = page.locator(".figures div").all_inner_texts()
            assert amount in [fen(each) for each in shown], path
        elif path.startswith("/flow/allocations"):
            assert fen(page.locator("tfoot").inner_text()) == amount
        else:
            accessible(page)
            listed = [fen(each) for each in page.locator("[data-row] .num").all_inner_texts()]
            back = page.locator("main > p").nth(1).inner_text()
            returned = fen(back.split("·")[1]) if "·" in back else 0
            assert sum(listed) == amount + returned
    assert seen >= {"/ledger", "/flow/allocations", "/flow/receipts", "/flow/holdings"}


def test_wrong_questions_are_refused_in_words(office: Office) -> None:
    page = office.browser(INSPECTOR, scripts=False).new_page()
    page.goto("/flow?organisation=NONE")
    expect(page.get_by_role("alert")).to_contain_text("ledger.not_on_record")
    page.goto("/flow?as_of=yesterday")
    expect(page.get_by_role("alert")).to_contain_text("request.invalid")
    page.goto("/flow?year=1999")
    expect(page.locator(".figures")).to_contain_text("¥0.00")
    page.goto("/flow?as_of=2016-01-01")
    expect(page.locator("main")).to_contain_text("没有资金往来")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_money_is_followed_forward_to_every_payment_made_from_it(
    office: Office, language: str, size: str
) -> None:
    with catch_up(office.ledger, office.home.read_models).asking() as model:
        lots = appropriations(model, limit=500)
        ways = {each.lot_id: trace_forward(model, each.lot_id, limit=500) for each in lots}
        [*_, (lot, way)] = sorted(
            ((id_, found) for id_, found in ways.items() if found is not None),
            key=lambda pair: (len(pair[1].places), len(pair[1].payments)),
        )
        passed_on = next(step for step in way.lots if step.parent_id is not None)
    page = office.page(INSPECTOR, f"/trace/lots/{passed_on.lot_id}", language, size)
    expect(page).to_have_url(f"{office.url}/trace/lots/{lot}")
    accessible(page)
    expect(page.locator("h1")).to_contain_text(way.origin.document)
    expect(page.locator("p.good")).to_be_visible()
    assert page.locator("table").first.locator("tbody tr").count() == len(way.places) > 1

    seen, paid = 0, 0
    page.goto(f"/trace/lots/{lot}?limit=10")
    while True:
        rows = page.locator("table").last.locator("[data-row]")
        seen += rows.count()
        parts = rows.locator("td:nth-child(5)").all_inner_texts()
        paid += sum(map(fen, parts))
        further = page.get_by_role("link", name={"zh": "下一页", "en": "Next page"}[language])
        if not further.count():
            break
        further.click()
    assert (seen, paid) == (len(way.payments), way.paid_fen)
    rows.locator("a").first.click()
    expect(page.locator(".way li").first).to_be_visible()


def test_money_that_is_not_there_or_not_ones_own_is_refused_in_words(office: Office) -> None:
    with catch_up(office.ledger, office.home.read_models).asking() as model:
        tree = tree_on(model)
        [of_city, *_] = appropriations(
            model, organisation_ids=[tree.by_code["C01"].organisation_id]
        )
    page = office.browser(INSPECTOR, scripts=False).new_page()
    page.goto(f"/trace/lots/{of_city.fund_id}")
    expect(page.get_by_role("alert")).to_contain_text("ledger.not_on_record")
    page.goto("/trace/lots/nothing")
    expect(page.get_by_role("alert")).to_contain_text("request.invalid")
    below = office.browser(officer_of("X01"), scripts=False).new_page()
    below.goto(f"/trace/lots/{of_city.lot_id}")
    expect(below.get_by_role("alert")).to_contain_text("access.outside_reach")
    below.goto("/flow?organisation=C01")
    expect(below.get_by_role("alert")).to_contain_text("access.outside_reach")
    below.goto("/flow")
    expect(below.locator("table.flow")).to_contain_text("上级拨入")


def officer_of(code: str) -> str:
    return next(
        row.staff_number
        for row in open_folder(SCENARIO).officers
        if row.organisation_code == code and row.role == "审批"
    )
