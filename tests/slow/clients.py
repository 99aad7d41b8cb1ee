"""Clients of a service that is killed: each asks again until it is answered, under the same key."""

import http.client
import json
import threading
import time
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any, Protocol

import httpx2

from api import bootstrap
from api.access.door import Door
from api.access.passkeys import RelyingParty
from api.callers import COOKIE
from ledger.commands import policies
from ledger.domain.officer import officer_id
from ledger.evidence.checkpoint import open_note
from ledger.evidence.keys import Ed25519Signer
from ledger.evidence.merkle import verify_inclusion
from ledger.evidence.note import NoteKey
from ledger.postgresql import Database
from tests.world import EARMARK, POLICY, SHEET_CLASS, Person, World

SILENCE_MAX_S = 120.0
LINES, ROWS = 300, 120
"""Of a request with many receipts; of a batch. Each is one transaction."""
EVERY_BULK = 40
PAUSE_S = 0.05
AWAY = "database.unreachable"
JSON = "application/json"
CAMPAIGN = "now"
OFFICE = ("H-X01", "R-X01", "A-X01")
"""Who drafts, reviews and approves."""


class Ended(Exception):
    """Nobody is to go on."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What was acknowledged: how many events at least, where the last of them stands, and proof.

    `leaf` is None where the answer brings no receipt.
    """

    position: int
    leaf: bytes | None = None
    note: str | None = None


@dataclass
class Told:
    """What was asked and answered, by key; shared by all clients of a ledger."""

    keys: Sequence[NoteKey]
    asked: dict[str, int] = field(default_factory=dict)
    """How many receipts of money, or rows of a batch, a key is to leave; all of them or none."""
    answered: dict[str, Answered] = field(default_factory=dict)
    jobs: dict[str, str] = field(default_factory=dict)
    """Ids of jobs that were taken in, by the code of their batch."""
    wrong: list[str] = field(default_factory=list)
    later: int = 0
    """How often somebody was told to ask again."""
    replayed: int = 0


class Listening(Protocol):
    """A service, wherever it listens now."""

    @property
    def port(self) -> int: ...


class Client:
    """Somebody at an address of their own, with sessions that they use by turns."""

    def __init__(
        self, service: Listening, number: int, sessions: Sequence[str], told: Told
    ) -> None:
        self._service = service
        self._address = f"127.0.1.{number + 1}"
        self._sessions = sessions
        self._told = told
        self._line: http.client.HTTPConnection | None = None
        self._asked = 0
        self.ending = threading.Event()

    def ask(self, path: str, body: bytes, kind: str, key: str) -> Any:
        """Ask until it is done; return the answer, an object or the lines of many.

        Raises:
            Ended: It was told to end, or was refused what it is not to be refused.
        """
        until = time.monotonic() + SILENCE_MAX_S
        while True:
            status, content = self._once(path, body, kind, key)
            answer = None if status is None else json_of(content)
            again = status is None or self._is_to_ask_again(status, answer)
            if not again and status in (HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.ACCEPTED):
                return answer
            if not again or time.monotonic() > until:
                self._told.wrong.append(f"{path} {key}: {status} {content[:500]!r}")
                raise Ended
            time.sleep(PAUSE_S)

    def ask_json(self, path: str, body: object, key: str) -> Any:
        """Ask with a body of JSON, as `ask` does."""
        return self.ask(path, json.dumps(body).encode(), JSON, key)

    def _is_to_ask_again(self, status: int, answer: Any) -> bool:
        if isinstance(answer, list):
            # What began as an answer of many lines says in a line what stopped it.
            again = any(each["code"] == AWAY for each in answer)
        else:
            again = (status, answer.get("code")) in {(503, AWAY), (429, "request.too_many")}
        self._told.later += again
        return again

    def _once(self, path: str, body: bytes, kind: str, key: str) -> tuple[int | None, bytes]:
        """Ask once; None where the line broke off."""
        port = self._service.port
        if self._line is None or self._line.port != port:
            self.close()
            self._line = http.client.HTTPConnection(
                "127.0.0.1", port, SILENCE_MAX_S, source_address=(self._address, 0)
            )
        self._asked += 1
        session = self._sessions[self._asked % len(self._sessions)]
        try:
            self._line.request(
                "POST",
                path,
                body,
                {
                    "Origin": f"http://127.0.0.1:{port}",
                    "Cookie": f"{COOKIE}={session}",
                    "Content-Type": kind,
                    "Idempotency-Key": key,
                },
            )
            came = self._line.getresponse()
            content = came.read()
            if came.getheader("Idempotency-Replayed"):
                self._told.replayed += 1
            retry = came.getheader("Retry-After")
        except (OSError, http.client.HTTPException):
            self.close()
            return None, b""
        if came.status == HTTPStatus.SERVICE_UNAVAILABLE and not (retry or "").isdecimal():
            self._told.wrong.append(f"{path}: 503 that does not say when to ask again")
        return came.status, content

    def acknowledge(self, key: str, answer: Any) -> None:
        """Check the receipt of an answer, and take it down."""
        receipt = answer["receipt"]
        checkpoint = open_note(receipt["checkpoint"], self._told.keys)
        leaf = b64decode(receipt["leaf_hash"])
        path = [b64decode(each) for each in receipt["inclusion_path"]]
        verify_inclusion(leaf, receipt["position"], checkpoint.size, path, checkpoint.root)
        self._told.answered[key] = Answered(receipt["position"], leaf, receipt["checkpoint"])

    def close(self) -> None:
        if self._line is not None:
            self._line.close()
        self._line = None

    # What clients do.

    def take_money_in(self, name: str) -> None:
        """Take in money, one amount a request, and now and then many."""
        number = 0
        while not self.ending.is_set():
            number += 1
            key = f"{name}-{number}"
            if number % EVERY_BULK == 0:
                self._told.asked[key] = LINES
                lines = b"\n".join(receipt(key) for _ in range(LINES))
                path = "/v1/appropriations/bulk?mode=all_or_nothing"
                done = self.ask(path, lines, "application/x-ndjson", key)
                if {each["status"] for each in done} != {"done"} or len(done) != LINES:
                    self._told.wrong.append(f"{key}: {done[:2]}")
                    return
                self._told.answered[key] = Answered(done[-1]["last_position"])
            else:
                self._told.asked[key] = 1
                body = receipt(key)
                answer = self.ask("/v1/appropriations", body, JSON, key)
                self.acknowledge(key, answer)


@dataclass
class Office:
    """Drafts, reviews and approves batches, and hands in rosters to be read in the background."""

    drafter: Client
    reviewer: Client
    approver: Client
    signer: Ed25519Signer
    told: Told

    def work(self, *, with_jobs: bool) -> None:
        number = 0
        while not self.drafter.ending.is_set():
            number += 1
            self.pay(f"B-{number}", people(2 * number))
            if with_jobs:
                self.hand_in(f"J-{number}", people(2 * number + 1))

    def pay(self, code: str, rows: Sequence[Person]) -> None:
        """Have a batch drafted, reviewed and approved by four eyes and two."""
        body, kind = order(code, rows)
        drafted = self.drafter.ask("/v1/batches", body, kind, f"draft-{code}")
        self.drafter.acknowledge(f"draft-{code}", drafted)
        if drafted["result"]["accepted"] != len(rows):
            self.told.wrong.append(f"{code}: {drafted['result']}")
            raise Ended
        path = f"/v1/batches/{drafted['result']['batch_id']}"
        reviewed = self.reviewer.ask_json(f"{path}/review", {}, f"review-{code}")
        self.reviewer.acknowledge(f"review-{code}", reviewed)
        prepared = self.approver.ask_json(f"{path}/approval/preparation", {}, f"prepare-{code}")
        signed = {
            "payload": prepared["payload"],
            "key_id": self.signer.public_key.key_id,
            "signature": b64encode(self.signer.sign(b64decode(prepared["to_sign"]))).decode(),
        }
        self.told.asked[f"approve-{code}"] = len(rows)
        done = self.approver.ask_json(f"{path}/approval", {"signed": signed}, f"approve-{code}")
        self.approver.acknowledge(f"approve-{code}", done)

    def hand_in(self, code: str, rows: Sequence[Person]) -> None:
        """Have a roster read in the background."""
        body, kind = order(code, rows)
        job = self.drafter.ask("/v1/jobs/roster", body, kind, f"job-{code}")
        self.told.jobs[code] = job["job_id"]


def settled(folder: Path, database: Database | None) -> World:
    """Make a ledger with a campaign of these days, and money for it; it is left open."""
    folder.mkdir(parents=True, exist_ok=True)
    world = World.at(folder, database).settle_in()
    today = bootstrap.today()
    opening = policies.CampaignOpening(
        CAMPAIGN,
        "送温暖",
        today - timedelta(days=30),
        today + timedelta(days=30),
        today.year,
        POLICY,
    )
    policies.open_campaign(world.ledger, world.act(day=today), opening)
    world.receive("C01", 10**11)
    world.allocate("C01", "X01", 10**10)
    return world


def signed_in(world: World, staff: Sequence[str], sessions: int) -> dict[str, list[str]]:
    """Open so many sessions for each officer; return their secrets."""
    door = Door(world.home.access, RelyingParty("localhost", "http://localhost"))
    try:
        return {
            each: [
                door.sessions.open(officer_id(each), "test", bootstrap.now_s())
                for _ in range(sessions)
            ]
            for each in staff
        }
    finally:
        door.close()


def json_of(content: bytes) -> Any:
    """Read an answer: an object, or an object a line."""
    if content.count(b"\n") > 1:
        return [json.loads(line) for line in content.splitlines()]
    return json.loads(content)


def receipt(document: str) -> bytes:
    return json.dumps(
        {
            "organisation_code": "C01",
            "earmark": EARMARK,
            "source": "地方财政",
            "document": document,
            "vintage": 2017,
            "amount_fen": 100,
        }
    ).encode()


def people(number: int) -> list[Person]:
    """Return the people of one batch and of no other."""
    return [Person(number * ROWS + each) for each in range(ROWS)]


def order(code: str, rows: Sequence[Person]) -> tuple[bytes, str]:
    """Write the form of a batch with its roster; return it and its media type."""
    title = "序号,姓名,身份证号码,联系电话,类别,困难原因,开户行,银行卡号,金额(元)"
    lines = [
        f"{n},{p.name},{p.id_number},{p.phone},{SHEET_CLASS},大病,,,300"
        for n, p in enumerate(rows, 1)
    ]
    roster = "\n".join((title, *lines, f"合计,,,,,,,,{300 * len(rows)}", "")).encode()
    form = {
        "code": code,
        "campaign_code": CAMPAIGN,
        "organisation_code": "X01",
        "earmark": EARMARK,
        "channel": "签字表",
    }
    request = httpx2.Request(
        "POST", "http://127.0.0.1", data=form, files={"roster": ("名册.csv", roster)}
    )
    return request.read(), request.headers["content-type"]
