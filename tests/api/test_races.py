"""Many at once, over real sockets: one approval is valid, no account is overdrawn."""

import json
import threading
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn

from api.serving import config_of
from ledger.commands import batches, officers
from ledger.domain.campaign import campaign_id
from ledger.domain.officer import officer_id
from ledger.domain.policy import Channel
from ledger.evidence.envelope import PAYLOAD_TYPE, pae
from tests.api.service import EARLY, Service, service_at
from tests.world import CAMPAIGN, EARMARK, Person, roster, roster_row

AT_ONCE = 50
DIFFERS = "signature.prepared_differs"
COOKIE = "nuanzhang_session"


@dataclass
class Listening:
    """The service on a real port, and those who come to it."""

    service: Service
    address: str
    clients: ExitStack

    def client(self, staff: str = "") -> httpx2.Client:
        cookies = {}
        if staff:
            door, now_s = self.service.served.door, self.service.clock.now_s
            cookies[COOKIE] = door.sessions.open(officer_id(staff), "test", now_s)
        http = httpx2.Client(
            base_url=self.address, headers={"origin": self.address}, cookies=cookies, timeout=120
        )
        return self.clients.enter_context(http)


@contextmanager
def listening(service: Service) -> Iterator[Listening]:
    server = uvicorn.Server(config_of(service.app, port=0, lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            thread.join(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        with ExitStack() as clients:
            yield Listening(service, f"http://127.0.0.1:{port}", clients)
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with service_at(tmp_path) as found:
        yield found


def at_once(tasks: Sequence[Callable[[], httpx2.Response]]) -> list[httpx2.Response]:
    """Let all begin in the same moment."""
    gate = threading.Barrier(len(tasks))

    def run(task: Callable[[], httpx2.Response]) -> httpx2.Response:
        gate.wait()
        return task()

    with ThreadPoolExecutor(len(tasks)) as threads:
        return list(threads.map(run, tasks))


def statuses(answers: Sequence[httpx2.Response]) -> Counter[int]:
    return Counter(each.status_code for each in answers)


def also_approves(service: Service, *staff: str) -> None:
    world = service.world
    for each in staff:
        order = officers.Appointment(each, "某某", "X01", "审批")
        officers.appoint_officer(world.ledger, world.act(day=EARLY), order)


def batch_ready(service: Service, code: str, person: Person, amount: int = 80_000) -> str:
    """Return the path of a batch that awaits its approval."""
    world = service.world
    world.file(person)
    drafted = batches.draft_batch(
        world.ledger,
        world.act("H-X01"),
        batches.Draft(
            code,
            CAMPAIGN,
            "X01",
            EARMARK,
            Channel.BANK_CARD,
            "unionpay-df",
            "H-X01",
            roster(roster_row(1, person, amount)),
        ),
    )
    world.review(code)
    return f"/v1/batches/{drafted.result['batch_id']}"


def with_money(service: Service, amount: int) -> None:
    service.world.receive("C01", amount)
    service.world.allocate("C01", "X01", amount)


def signed_by(service: Service, staff: str, prepared: Any) -> dict[str, Any]:
    """Sign another's preparation as one's own: the actor is changed, the key is one's own."""
    payload = json.loads(b64decode(prepared["payload"]))
    payload["actor"] = str(officer_id(staff))
    payload["data"]["approved_by"] = str(officer_id(staff))
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
    signer = service.world.officers[staff]
    return {
        "signed": {
            "payload": b64encode(text).decode(),
            "key_id": signer.public_key.key_id,
            "signature": b64encode(signer.sign(pae(PAYLOAD_TYPE, text))).decode(),
        }
    }


def test_of_fifty_approvals_at_once_by_all_three_exactly_one_is_valid(service: Service) -> None:
    with_money(service, 1_000_000)
    also_approves(service, "H-X01", "R-X01")
    path = batch_ready(service, "B1", Person(1))
    prepared = service.done("A-X01", f"{path}/approval/preparation")

    def approving(staff: str, http: httpx2.Client) -> Callable[[], httpx2.Response]:
        return lambda: http.post(f"{path}/approval", json=signed_by(service, staff, prepared))

    def preparing_again(http: httpx2.Client) -> Callable[[], httpx2.Response]:
        """Prepare, sign and commit until others' refused tries no longer come in between."""

        def run() -> httpx2.Response:
            while True:
                mine = http.post(f"{path}/approval/preparation")
                if mine.status_code != 200:
                    return mine
                body = {"signed": service.signed("A-X01", mine.json())}
                answer = http.post(f"{path}/approval", json=body)
                if answer.status_code == 201 or answer.json()["code"] != DIFFERS:
                    return answer

        return run

    with listening(service) as server:
        staff = [("H-X01", "R-X01", "A-X01")[n % 3] for n in range(AT_ONCE)]
        answers = at_once(
            [
                preparing_again(server.client(each))
                if each == "A-X01"
                else approving(each, server.client(each))
                for each in staff
            ]
        )

    done = [who for who, each in zip(staff, answers, strict=True) if each.status_code == 201]
    assert done == ["A-X01"]
    assert set(statuses(answers)) <= {201, 403, 409}
    types = Counter(service.world.types())
    assert (types["batch.approved"], types["disbursement.instructed"], types["fund.drawn"]) == (
        1,
        1,
        1,
    )
    assert service.world.fund("X01").balance == 920_000
    service.world.check_log()


def test_fifty_draws_at_once_never_overdraw_an_account(service: Service) -> None:
    enough_for = 20
    with_money(service, enough_for * 80_000 + 79_999)
    paths = [batch_ready(service, f"B{n}", Person(n)) for n in range(1, AT_ONCE + 1)]
    bodies = [
        {"signed": service.signed("A-X01", service.done("A-X01", f"{path}/approval/preparation"))}
        for path in paths
    ]

    with listening(service) as server:
        http = [server.client("A-X01") for _ in paths]
        answers = at_once(
            [
                partial(http.post, f"{path}/approval", json=body)
                for http, path, body in zip(http, paths, bodies, strict=True)
            ]
        )

    assert statuses(answers) == {201: enough_for, 409: AT_ONCE - enough_for}
    refused = {each.json()["code"] for each in answers if each.status_code != 201}
    assert refused == {"fund.insufficient"}
    assert service.world.fund("X01").balance == 79_999
    held = service.get("J-C01", "/v1/balances")
    assert sum(held["trial_balance_fen"].values()) == 0
    service.world.check_log()


def test_passing_money_down_and_paying_it_out_at_once_spends_it_once(service: Service) -> None:
    with_money(service, 10 * 80_000)
    path = batch_ready(service, "B1", Person(1))
    body = {
        "signed": service.signed("A-X01", service.done("A-X01", f"{path}/approval/preparation"))
    }
    order = {
        "from_code": "X01",
        "to_code": "X01-01",
        "earmark": EARMARK,
        "document": "下拨〔2017〕2号",
        "amount_fen": 10 * 80_000,
    }
    signed = service.signed("A-X01", service.done("A-X01", "/v1/allocations/preparations", order))

    with listening(service) as server:
        http = [server.client("A-X01") for _ in range(20)]
        down = {"allocation": order, "signed": signed}
        answers = at_once(
            [
                partial(each.post, f"{path}/approval", json=body)
                if n % 2
                else partial(each.post, "/v1/allocations", json=down)
                for n, each in enumerate(http)
            ]
        )

    assert statuses(answers)[201] == 1
    assert set(statuses(answers)) <= {201, 409}
    assert service.world.fund("X01").balance in {0, 9 * 80_000}
    service.world.check_log()


def test_one_key_sent_many_times_at_once_is_one_act(service: Service) -> None:
    form = {
        "organisation_code": "C01",
        "earmark": EARMARK,
        "source": "地方财政",
        "document": "拨〔2017〕1号",
        "vintage": 2017,
        "amount_fen": 100,
    }

    with listening(service) as server:
        http = [server.client("K-C01") for _ in range(AT_ONCE)]
        keyed = {"idempotency-key": "key-1"}
        answers = at_once(
            [partial(each.post, "/v1/appropriations", json=form, headers=keyed) for each in http]
        )

    assert statuses(answers) == {201: AT_ONCE}
    assert Counter(each.json()["replayed"] for each in answers) == {False: 1, True: AT_ONCE - 1}
    assert len({each.json()["result"]["lot_id"] for each in answers}) == 1
    assert service.world.types().count("fund.received") == 1


def test_a_campaign_closed_in_the_midst_of_approvals_lets_none_follow(service: Service) -> None:
    with_money(service, 30 * 80_000)
    paths = [batch_ready(service, f"B{n}", Person(n)) for n in range(1, 21)]
    bodies = [
        {"signed": service.signed("A-X01", service.done("A-X01", f"{path}/approval/preparation"))}
        for path in paths
    ]
    closing = f"/v1/campaigns/{campaign_id(CAMPAIGN)}/closing"

    with listening(service) as server:
        http = [server.client("A-X01") for _ in paths]
        ends = server.client("A-C01")
        answers = at_once(
            [
                *(
                    partial(http.post, f"{path}/approval", json=body)
                    for http, path, body in zip(http, paths, bodies, strict=True)
                ),
                partial(ends.post, closing, json={"reason": "结束"}),
            ]
        )

    assert answers[-1].status_code == 201
    assert set(statuses(answers)) <= {201, 409}
    types = service.world.types()
    assert "batch.approved" not in types[types.index("campaign.closed") :]
    assert types.count("batch.approved") == statuses(answers)[201] - 1
    service.world.check_log()


def test_an_invitation_accepted_many_times_at_once_is_good_once(service: Service) -> None:
    door = service.served.door
    code = door.invite(officer_id("K-X01"), "K-X01", None, service.clock.now_s)

    with listening(service) as server:
        answers = at_once(
            [
                partial(
                    server.client().post,
                    "/v1/session/invitation",
                    json={"code": code, "password": f"correct horse battery {n}"},
                )
                for n in range(20)
            ]
        )

    assert statuses(answers) == {200: 1, 401: 19}
