"""A real server that stops: who follows events is let go, and the step under way is kept."""

import socket
import threading
import time
from pathlib import Path

import httpx2

from api.app import Serving, create_app
from api.background.jobs import State
from api.background.work import ROSTER, RosterWork, packed
from api.serving import Listener, config_of
from ledger.domain.batch import Batch, batch_id
from ledger.domain.officer import Role, officer_id
from ledger.domain.policy import Channel
from tests.api.service import CHEAP, EARLY, Hands
from tests.api.test_campaign_over_http import roster_csv
from tests.world import CAMPAIGN, EARMARK, Person, World


def test_who_follows_events_does_not_hold_up_the_end(tmp_path: Path) -> None:
    world = World.at(tmp_path).settle_in()
    world.appoint("J-C01", "C01", Role.INSPECTOR, EARLY)
    hands = Hands()
    app = create_app(world.home, world.ledger, Serving(hands.clock(), passwords=CHEAP))
    token, _ = app.state.served.door.tokens.issue(
        officer_id("J-C01"), label="t", read_only=True, ttl_s=3600, now_s=hands.now_s
    )
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    sock.listen()
    server = Listener(config_of(app), [app.state.background.stopping])
    serving = threading.Thread(target=server.run, kwargs={"sockets": [sock]})
    serving.start()
    url = f"http://127.0.0.1:{sock.getsockname()[1]}"

    with httpx2.stream(
        "GET", f"{url}/v1/events", headers={"authorization": f"Bearer {token}"}, timeout=20
    ) as answer:
        assert answer.status_code == 200
        lines = answer.iter_lines()
        assert next(lines) == "retry: 3000"
        world.register("X09", "C01")
        assert next(line for line in lines if line.startswith("event:")) == (
            "event: organisation.registered"
        )
        job = app.state.background.jobs.submit(
            ROSTER,
            officer_id("H-X01"),
            None,
            packed(
                RosterWork(
                    code="B1",
                    campaign_code=CAMPAIGN,
                    organisation_code="X01",
                    earmark=EARMARK,
                    channel=Channel.BANK_CARD,
                    bank_format="unionpay-df",
                    drafted_by="H-X01",
                    filename="r.csv",
                    content=roster_csv(*map(Person, range(1, 300))),
                    dry_run=False,
                )
            ),
            hands.now_s,
        )
        began = time.monotonic()
        server.should_exit = True
        assert not [line for line in lines if line.startswith("event: organisation")]
    serving.join(20)

    assert not serving.is_alive()
    assert time.monotonic() - began < 15
    reopened = create_app(world.home, world.ledger, Serving(hands.clock(), passwords=CHEAP))
    state = reopened.state.background.jobs.find(job.job_id).state
    drafted = world.ledger.load(Batch, batch_id("B1")) is not None
    assert (state, drafted) in {(State.DONE, True), (State.WAITING, False), (State.WAITING, True)}
    world.check_log()
    world.ledger.close()
