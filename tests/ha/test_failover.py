"""A primary is killed, frozen, cut off and switched over under load; nothing acknowledged is lost.

The tests build on one another, in their order: faults first, then what the log says. How many
rounds of each there are say `HA_KILLS`, `HA_FREEZES`, `HA_CUTS`, `HA_SWITCHOVERS` and `HA_ALONE`.
"""

import json
import os
from base64 import b64encode
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date

import pytest

from ledger.domain.fund import FundAccount
from ledger.evidence.merkle import leaf_hash
from ledger.store.application import Ledger
from ledger.store.home import Home
from ledger.store.mapper import event_of
from tests.ha.answers import ACKNOWLEDGED, UNREACHABLE, Answer
from tests.ha.cluster import DATABASE, Cluster
from tests.ha.office import Office
from tests.ha.rounds import ALONE, Rounds, planned

pytestmark = pytest.mark.ha

FAULTS = planned(
    kills=int(os.environ.get("HA_KILLS", "10")),
    freezes=int(os.environ.get("HA_FREEZES", "3")),
    cuts=int(os.environ.get("HA_CUTS", "3")),
    switchovers=int(os.environ.get("HA_SWITCHOVERS", "1")),
    alone=int(os.environ.get("HA_ALONE", "1")),
)
EVENTS_AT_ONCE = 10_000


@pytest.fixture(scope="module")
def given(rounds: Rounds) -> list[Answer]:
    """All answers, once every writer had its last one."""
    rounds.office.stop_writing()
    return rounds.answers()


@pytest.fixture(scope="module")
def ledger(given: list[Answer], office: Office) -> Iterator[Ledger]:
    """The log as it is afterwards, read anew."""
    assert given
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PGPASSFILE", str(office.passwords))
        ledger = Home(office.home).open("2026-01-01T00:00:00.000Z", date(2026, 1, 1))
        yield ledger
        ledger.close()


@pytest.mark.parametrize(
    "fault", [pytest.param(fault, id=f"{n}, {fault}") for n, fault in enumerate(FAULTS, 1)]
)
def test_all_are_answered_again_by_another_primary(rounds: Rounds, fault: str) -> None:
    done = rounds.run(fault)

    assert fault == ALONE or done.leader != done.former


def test_nobody_was_told_no_but_to_ask_again_later(
    rounds: Rounds, given: list[Answer], capsys: pytest.CaptureFixture[str]
) -> None:
    with capsys.disabled():
        print(f"\n{rounds.told()}")  # noqa: T201 - the run is for these figures
    answers = [*given, *rounds.shown()]
    assert [each for each in answers if each.outcome not in {ACKNOWLEDGED, UNREACHABLE}] == []


def test_one_server_alone_acknowledges_nothing(rounds: Rounds, given: list[Answer]) -> None:
    for each in rounds.done:
        if each.fault == ALONE:
            alone = [
                answer
                for answer in given
                if each.began < answer.asked_at and answer.answered_at < each.mended
            ]
            assert {answer.outcome for answer in alone} == {UNREACHABLE}


def test_the_log_verifies(office: Office, given: list[Answer]) -> None:
    assert given
    assert json.loads(office.nuanzhang("verify", "--json"))["holds"]


def test_what_was_asked_for_is_in_the_log_once_where_the_answer_says(
    ledger: Ledger, given: list[Answer]
) -> None:
    found: dict[str, list[tuple[int, str, int]]] = defaultdict(list)
    for position, event, leaf in everything(ledger):
        if isinstance(event, FundAccount.Received):
            found[event.document].append((position, leaf, int(event.amount_fen)))
    answered = {
        each.document: [(each.position, each.leaf, each.amount_fen)]
        for each in given
        if each.outcome == ACKNOWLEDGED
    }

    assert Counter(each.outcome for each in given)[ACKNOWLEDGED] == len(answered)
    assert answered.keys() == {each.document for each in given}
    assert found == answered


def test_nothing_that_was_shown_was_gone_later(rounds: Rounds, ledger: Ledger) -> None:
    shown = [each.position for each in rounds.shown() if each.position is not None]

    assert shown == sorted(shown)
    assert shown
    assert shown[-1] < ledger.size()


def test_positions_have_no_gaps(ledger: Ledger) -> None:
    assert [position for position, _, _ in everything(ledger)] == list(range(ledger.size()))


def test_each_checkpoint_that_was_handed_out_is_the_logs_own(
    ledger: Ledger, given: list[Answer]
) -> None:
    """It commits to all before it: none shows what the log does not have."""
    own = {note for _, note in ledger.log.select_checkpoints(0)}

    assert {each.note for each in given if each.note is not None} <= own


def test_all_three_servers_hold_the_same(cluster: Cluster, given: list[Answer]) -> None:
    assert given
    cluster.wait_until_whole()
    held = []
    for machine in cluster.machines:
        with cluster.connected(machine, DATABASE) as sql:
            asked = "SELECT count(*), md5(string_agg(state, NULL ORDER BY position)) FROM {}"
            held.append(sql.execute(asked.format("nuanzhang.log_events")).fetchone())

    assert held[0] == held[1] == held[2]


def everything(ledger: Ledger) -> Iterator[tuple[int, object, str]]:
    """Return each event with its position and the hash of its envelope (base64)."""
    for start in range(0, ledger.size(), EVENTS_AT_ONCE):
        for position, topic, state in ledger.log.select_states(start, EVENTS_AT_ONCE):
            yield position, event_of(topic, state), b64encode(leaf_hash(state)).decode()
