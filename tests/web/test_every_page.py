"""Every page, in both languages and two widths: no violation of axe, nothing the policy stopped."""

import re

import pytest

from ledger.domain.policy import policy_id
from tests.web.browsing import LANGUAGES, SIZES, Office, accessible
from tests.web.conftest import INSPECTOR

OPEN = ("/sign-in", "/invitation", "/nowhere", "/notices")
PAGES = (
    "/overview",
    "/search",
    "/integrity",
    "/findings",
    "/findings?severity=E&organisation=X01",
    "/deadlines",
    "/ledger",
    "/ledger?status=returned&organisation=C01&since=2017-01-01&least=500",
    "/ledger?kind=all&newest=yes&facet=organisation&chart=open&limit=20",
    "/my-key",
    "/batches",
    "/organisations",
    "/flow/allocations?organisation=X01",
    "/flow/opening?organisation=X01&year=2017",
    "/organisations?unfolded=X01,X02&figures_of=alone",
    "/my-account",
    "/admin",
    "/admin/organisations",
    "/admin/officers?organisation=X01",
    "/admin/keys",
    "/admin/keys/card",
    "/admin/policies",
    f"/admin/policies/{policy_id('hefei-2017')}?on=2017-01-20",
    "/admin/campaigns",
    "/admin/disclosures?kind=file&organisation=C01",
    "/admin/people",
    "/admin/access",
)
"""Each page that an observer sees; pages of other posts stand in the tests of their journeys."""


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


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_for_everybody_are_accessible(office: Office, language: str, size: str) -> None:
    for path in OPEN:
        accessible(office.page("", path, language, size))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", PAGES)
def test_pages_are_accessible(office: Office, path: str, language: str, size: str) -> None:
    page = office.page(INSPECTOR, path, language, size)
    accessible(page)
    assert page.locator("html").get_attribute("lang") == {"zh": "zh-CN", "en": "en"}[language]
