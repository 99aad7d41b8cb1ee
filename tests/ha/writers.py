"""Takes money in without a pause, by a way of its own, or looks on; writes down each answer.

Run as processes of their own. What got no acknowledgement is asked for again, with the same key,
until it gets one; who is told to end, ends after that.
"""

import os
import signal
import sys
import time
from base64 import b64encode
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

import httpx2

from api import bootstrap
from ledger.commands.funds import FundReceipt, receive_funds
from ledger.domain.officer import officer_id
from ledger.errors import LedgerError
from ledger.postgresql import DatabaseUnreachable
from ledger.store.act import CommandAct
from tests.ha.answers import ACKNOWLEDGED, UNREACHABLE, WRONG, Answer, write

HTTP, LEDGER, LOOK = "http", "ledger", "look"
PAUSE_S = 0.1
"""Between two receipts, so that seven of them leave two cores some time for the cluster."""
RECEIPTS_PER_FUND = 200
ANSWERED_WITHIN_S = 150.0
"""An answer comes sooner, whatever happens: 70 seconds is the longest that the service waits."""

Told = tuple[str, str, int | None, str | None, str | None]
"""Outcome, what was said, position, leaf hash (base64), checkpoint."""
Take = Callable[[FundReceipt], tuple[Told, float]]
"""Asks once; says what came, and in how many seconds to ask again if need be."""


def over_http() -> Take:
    """Ask the service."""
    http = client()

    def take(order: FundReceipt) -> tuple[Told, float]:
        form = {
            "organisation_code": order.organisation_code,
            "earmark": order.earmark,
            "source": order.source,
            "document": order.document,
            "vintage": order.vintage,
            "amount_fen": order.amount_fen,
        }
        try:
            came = http.post(
                "/v1/appropriations", json=form, headers={"idempotency-key": order.document}
            )
        except httpx2.HTTPError as cause:
            return (WRONG, type(cause).__name__, None, None, None), 1.0
        if came.status_code != HTTPStatus.CREATED:
            return refused(came)
        said = came.json()
        receipt = said["receipt"]
        if receipt is None:  # the database went away once it stood; asked again, it has one
            return (UNREACHABLE, "no receipt yet", None, None, None), 1.0
        return (
            ACKNOWLEDGED,
            "replayed" if said["replayed"] else "",
            said["last_position"],
            receipt["leaf_hash"],
            receipt["checkpoint"],
        ), 0.0

    return take


def looking_on() -> Take:
    """Ask the service how far the log is, in a list of what came in, and write nothing."""
    http = client()

    def take(_: FundReceipt) -> tuple[Told, float]:
        try:
            came = http.get("/v1/appropriations", params={"limit": 1})
        except httpx2.HTTPError as cause:
            return (WRONG, type(cause).__name__, None, None, None), 1.0
        if came.status_code != HTTPStatus.OK:
            return refused(came)
        return (ACKNOWLEDGED, "", came.json()["at"], None, None), 0.0

    return take


def client() -> httpx2.Client:
    return httpx2.Client(
        base_url=os.environ["SERVICE"],
        headers={"authorization": f"Bearer {os.environ['TOKEN']}"},
        timeout=ANSWERED_WITHIN_S,
    )


def refused(came: httpx2.Response) -> tuple[Told, float]:
    code, wait = came.json().get("code", ""), came.headers.get("retry-after", "")
    right = (came.status_code, code) == (503, DatabaseUnreachable.code) and wait.isdecimal()
    outcome = UNREACHABLE if right else WRONG
    return (outcome, f"{came.status_code} {code} {wait}", None, None, None), float(wait or 1)


def into_ledger(staff: str) -> Take:
    """Ask the ledger itself, beside the service, as its commands do."""
    ledger = bootstrap.home().open(bootstrap.now(), bootstrap.today())

    def take(order: FundReceipt) -> tuple[Told, float]:
        act = CommandAct(str(officer_id(staff)), bootstrap.today(), bootstrap.now(), order.document)
        try:
            answer = receive_funds(ledger, act, order)
            assert answer.last_position is not None
            receipt = ledger.receipt(answer.last_position)
        except DatabaseUnreachable as refusal:
            return (UNREACHABLE, refusal.code, None, None, None), float(refusal.retry_after_s)
        except LedgerError as refusal:
            return (WRONG, refusal.code, None, None, None), 1.0
        said = "replayed" if answer.replayed else ""
        leaf = b64encode(receipt.leaf).decode()
        return (ACKNOWLEDGED, said, answer.last_position, leaf, receipt.checkpoint), 0.0

    return take


def work(name: str, organisation: str, take: Take, record: Path) -> None:
    """Take money in until told to end."""
    ended = False

    def end(*_: object) -> None:
        nonlocal ended
        ended = True

    signal.signal(signal.SIGTERM, end)
    number = 0
    with record.open("a", encoding="utf-8") as into:
        while not ended:
            order = FundReceipt(
                organisation,
                f"送温暖{number // RECEIPTS_PER_FUND}",
                "地方财政",
                f"{name}-{number:06d}",
                2026,
                100 + number % 900,
            )
            outcome = ""
            while outcome != ACKNOWLEDGED:
                asked_at = time.monotonic()
                (outcome, said, position, leaf, note), wait_s = take(order)
                write(
                    into,
                    Answer(
                        writer=name,
                        document=order.document,
                        amount_fen=order.amount_fen,
                        asked_at=asked_at,
                        answered_at=time.monotonic(),
                        outcome=outcome,
                        said=said,
                        position=position,
                        leaf=leaf,
                        note=note,
                    ),
                )
                time.sleep(wait_s)
            number += 1
            time.sleep(PAUSE_S)


if __name__ == "__main__":
    way, own_name, own_organisation, own_record = sys.argv[1:]
    takes = {HTTP: over_http, LEDGER: lambda: into_ledger(own_name), LOOK: looking_on}
    work(own_name, own_organisation, takes[way](), Path(own_record))
