"""Papers for inspectors and for those above: asked for on pages, and taken away."""

import re
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

from playwright.sync_api import expect

from tests.web.browsing import Office, accessible
from tests.web.conftest import INSPECTOR


def test_an_inspector_has_a_package_made_and_takes_it_away(workplace: Office) -> None:
    page = workplace.page(INSPECTOR, "/reports")
    page.get_by_role("main").get_by_role("link", name="检查资料包").click()
    page.get_by_label("单位和它的全部下级").select_option("X01")
    page.get_by_label("年度").select_option("2017")
    page.get_by_label("CSV 和 XML 的编码").select_option("gb18030")
    # In clear, but for nobody: refused, and what was chosen stays.
    page.get_by_text("需要姓名、证件号码和账号的明文").click()
    page.get_by_label("明文", exact=True).check()
    page.get_by_role("button", name="制作").click()
    expect(page.locator("[data-code='export.reason_missing']")).to_be_visible()
    expect(page.get_by_label("单位和它的全部下级")).to_have_value("X01")
    accessible(page)
    page.get_by_label("明文", exact=True).uncheck()
    page.get_by_role("button", name="制作").click()

    expect(page.get_by_role("status").first).to_contain_text("已排队制作")
    link = page.get_by_role("link", name=re.compile("下载 ZIP"))
    link.wait_for(timeout=60_000)
    expect(page.get_by_text("与账本相符")).to_be_visible()
    accessible(page)
    with page.expect_download() as waiting:
        link.click()
    with ZipFile(BytesIO(Path(waiting.value.path()).read_bytes())) as package:
        names = package.namelist()
        assert "SHA256SUMS" in names
        assert "X01" in package.read("csv/organisations.csv").decode("gb18030")
    job = page.locator("[data-open]").last.get_attribute("href") or ""
    page.goto(job)
    expect(page.get_by_text("与账本相符")).to_be_visible()
    # Nobody else has it, not even of the same office; and it is shown in English, on a telephone.
    other = workplace.page("S0001", "/reports/inspection", "en", "phone")
    expect(other.get_by_text("None was asked for yet.")).to_be_visible()
    accessible(other)
    assert other.request.get(f"/reports/inspection/{job.removeprefix('/jobs/')}.zip").status == 404
    mine = workplace.page(INSPECTOR, "/reports/inspection", "en", "phone")
    expect(mine.get_by_text("As in the ledger")).to_be_visible()
    accessible(mine)
