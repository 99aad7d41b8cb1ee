"""The ledger: one question in the address, for rows, totals and export alike."""

import csv
import io

from playwright.sync_api import expect

from projections.disbursements import Question, disbursement_list
from projections.runner import catch_up
from tests.web.browsing import Office
from tests.web.conftest import INSPECTOR


def test_rows_totals_and_export_are_of_one_question(office: Office) -> None:
    with catch_up(office.ledger, office.home.read_models).asking() as model:
        returned = [
            each
            for each in disbursement_list(model, asked=Question(status="returned"))
            if each.amount_fen >= 100_000
        ]
    assert 1 < len(returned) < 100
    page = office.page(INSPECTOR, "/ledger")
    page.get_by_label("状态").select_option("returned")
    page.get_by_label("最少(元)").fill("1000")
    page.get_by_role("button", name="筛选").click()

    expect(page.locator("[data-row]")).to_have_count(len(returned))
    total = sum(each.amount_fen for each in returned)
    expect(page.locator(".figures").first).to_contain_text(f"¥{total // 100:,}.{total % 100:02d}")
    with page.expect_download() as taken:
        page.get_by_role("button", name="导出 CSV").click()
    text = taken.value.path().read_text("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0] == ["条件", "status=returned; least=1000"]
    assert [f"{row[0]}-{row[1]}" for row in rows[3:]] == [
        f"{each.batch_code}-{each.number}" for each in returned
    ]

    page.get_by_role("link", name="去掉 状态").click()
    assert "status" not in page.url.split("?")[1].replace("status=&", "")
    expect(page.locator("[data-row]").first).to_be_visible()


def test_pages_hold_together_and_wrong_questions_are_refused_in_words(office: Office) -> None:
    page = office.browser(INSPECTOR, "en", scripts=False).new_page()
    page.goto("/ledger?limit=50")
    seen: set[str] = set()
    pages = 1
    while True:
        rows = page.locator("[data-row] th").all_inner_texts()
        assert not seen & set(rows)
        seen |= set(rows)
        further = page.get_by_role("link", name="Next page")
        if not further.count():
            break
        further.click()
        pages += 1
    with catch_up(office.ledger, office.home.read_models).asking() as model:
        assert len(seen) == len(disbursement_list(model)) > 50 * (pages - 1)

    page.goto("/ledger?organisation=NONE")
    expect(page.get_by_role("alert")).to_contain_text("ledger.not_on_record")
    page.goto("/ledger?since=yesterday")
    expect(page.get_by_role("alert")).to_contain_text("request.invalid")
