"""Traces lead to proofs, and the browser finds what is wrong with them by itself."""

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from projections.disbursements import Question, disbursement_list
from projections.runner import catch_up
from tests.web.browsing import LANGUAGES, SIZES, Office, accessible
from tests.web.conftest import INSPECTOR

ENTRY = 1490  # the approval of a batch, which an officer's key signed beside the service's


def payment(office: Office, status: str) -> str:
    with catch_up(office.ledger, office.home.read_models).asking() as model:
        return str(
            disbursement_list(model, asked=Question(status=status), limit=1)[0].disbursement_id
        )


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("status", ["settled", "returned", "in_transit"])
def test_a_payment_is_traced_to_its_source_and_to_its_proofs(
    office: Office, status: str, language: str, size: str
) -> None:
    page = office.page(INSPECTOR, f"/trace/payments/{payment(office, status)}", language, size)
    accessible(page)
    expect(page.locator(".way li").first).to_contain_text("〔201")
    expect(page.locator(".timeline .absent")).to_have_count(
        {"settled": 1, "returned": 1, "in_transit": 1}[status]
    )
    told = " ".join(page.locator(".timeline summary, .facts .pill + *").all_inner_texts())
    assert not re.search("[a-z]+[.][a-z_]+|[A-Z]+_[A-Z]+", told), "a code that has no words"
    page.locator(".timeline li > a").first.click()
    expect(page.locator("[data-outcome]")).to_have_attribute("data-state", "doubt")


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_honest_entry_holds_against_a_key_from_elsewhere(office: Office, language: str) -> None:
    page = office.page(INSPECTOR, f"/verify/{ENTRY}", language)
    expect(page.locator("[data-outcome]")).to_have_attribute("data-state", "doubt")
    page.locator("#trusted").fill(office.home.note_key().vkey())
    page.locator("[data-verify] button").click()
    expect(page.locator("[data-outcome]")).to_have_attribute("data-state", "good")
    expect(page.locator('[data-name="signature"][data-state="good"]')).to_have_count(2)
    expect(page.locator("[data-payload]")).to_contain_text('"batch.approved"')
    again = "form => { for (let time = 0; time < 3; time++) form.requestSubmit(); }"
    page.locator("form[data-verify]").evaluate(again)
    expect(page.locator("[data-outcome]")).to_have_attribute("data-state", "good")
    names = page.locator("[data-steps] li").evaluate_all("all => all.map(li => li.dataset.name)")
    signed = ["key", "in-force", "signature"]
    assert names == ["trusted", "leaf", "inclusion", "checkpoint", *signed, *signed]
    accessible(page)


def broken(text: str) -> str:
    """Return base64 with one bit of what it stands for turned."""
    raw = bytearray(b64decode(text))
    raw[-1] ^= 1
    return b64encode(bytes(raw)).decode()


def with_payload(entry: dict[str, Any]) -> None:
    envelope = json.loads(entry["envelope"])
    payload = b64decode(envelope["payload"]).replace(b'"accepted_count":17', b'"accepted_count":18')
    envelope["payload"] = b64encode(payload).decode()
    entry["envelope"] = json.dumps(envelope, separators=(",", ":"))


def with_path(entry: dict[str, Any]) -> None:
    entry["inclusion_path"][3] = broken(entry["inclusion_path"][3])


def with_size(entry: dict[str, Any]) -> None:
    lines = entry["checkpoint"].split("\n")
    entry["checkpoint"] = "\n".join([lines[0], str(int(lines[1]) - 1), *lines[2:]])


def with_signature(entry: dict[str, Any]) -> None:
    head, line = entry["checkpoint"].rstrip("\n").rsplit(" ", 1)
    entry["checkpoint"] = f"{head} {broken(line)}\n"


@pytest.mark.parametrize(
    ("altered", "step"),
    [
        (with_payload, "leaf"),
        (with_payload, "inclusion"),
        (with_payload, "signature"),
        (with_path, "inclusion"),
        (with_size, "checkpoint"),
        (with_signature, "checkpoint"),
    ],
)
def test_an_answer_that_was_altered_fails_at_its_step(
    office: Office, altered: Callable[[dict[str, Any]], None], step: str
) -> None:
    page = office.browser(INSPECTOR).new_page()

    def answer(route: Route) -> None:
        fetched = route.fetch()
        entry = fetched.json()
        altered(entry)
        route.fulfill(response=fetched, json=entry)

    page.route(f"**/v1/log/entries/{ENTRY}", answer)
    page.goto(f"/verify/{ENTRY}")
    expect(page.locator("[data-outcome]")).to_have_attribute("data-state", "bad")
    expect(page.locator(f'[data-name="{step}"][data-state="bad"]').first).to_be_visible()


def test_another_ledgers_key_and_no_key_at_all_are_told_apart(office: Office) -> None:
    page: Page = office.page(INSPECTOR, f"/verify/{ENTRY}")
    page.locator("#trusted").fill("elsewhere.example/log+00000000+AQAA")
    page.locator("[data-verify] button").click()
    expect(page.locator('[data-name="trusted"]')).to_have_attribute("data-state", "bad")


def test_without_scripts_the_page_says_how_else_it_is_verified(office: Office) -> None:
    page = office.browser(INSPECTOR, scripts=False).new_page()
    page.goto(f"/verify/{ENTRY}")
    expect(page.get_by_text("在此核验需要启用脚本")).to_be_visible()
    page.goto(f"/verify/{10**9}")
    expect(page.get_by_role("alert")).to_contain_text("log.no_such_position")
