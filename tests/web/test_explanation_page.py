"""The page on which a payment explains itself: reached from its trace, read and printed."""

import re

import pytest
from playwright.sync_api import expect

from ledger.domain.disbursement import Status
from projections.disbursements import Question, disbursement_list
from projections.runner import catch_up
from tests.web.browsing import LANGUAGES, SIZES, Office, accessible, saying
from tests.web.conftest import INSPECTOR


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_payment_says_what_every_rule_found_and_who_answered_for_it(
    office: Office, language: str
) -> None:
    say = saying(language)
    with catch_up(office.ledger, office.home.read_models).asking() as model:
        [returned, *_] = disbursement_list(model, asked=Question(status=Status.RETURNED))
        [signed, *_] = disbursement_list(model, asked=Question(status=Status.SIGNED))

    page = office.browser(INSPECTOR, language, scripts=False).new_page()
    page.goto(f"/trace/payments/{returned.disbursement_id}")
    page.get_by_role("link", name=say("每条规则怎么说")).click()
    rows = page.locator(".explained [data-row]")
    again = rows.filter(has_text="G5").first
    expect(again).to_contain_text(say("不符，待核实"))
    expect(rows.filter(has_text="B1").first).to_contain_text("¥600.00")
    expect(rows.filter(has_text="K1").first).to_contain_text(say("放行，无记录"))
    expect(page.locator("main")).to_contain_text(say("审批"))
    again.locator("[data-open]").click()
    expect(page).to_have_url(re.compile("/verify/[0-9]+$"))

    for size in SIZES:
        page = office.page(
            INSPECTOR, f"/trace/payments/{signed.disbursement_id}/explanation", language, size
        )
        accessible(page)
        expect(page.locator(".explained")).to_contain_text(say("见证本人签领"))
