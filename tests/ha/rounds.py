"""Faults that befall a primary, one a round, and what those who wrote saw of them."""

import random
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

from tests.ha import answers
from tests.ha.answers import ACKNOWLEDGED, LOOKED, UNREACHABLE, Answer, longest_gap
from tests.ha.cluster import ETCD_PORTS, Cluster
from tests.ha.office import Office

KILLED, CRASHED, FROZEN, CUT, SWITCHED, ALONE = (
    "machine killed",
    "PostgreSQL killed",
    "frozen",
    "cut off from etcd",
    "switched over",
    "left alone",
)
QUIET_S = (1.0, 3.0)
"""For so long all is well before each fault, which comes at no moment of its own."""
ALL_ANSWERED_WITHIN_S = 120.0


@dataclass(frozen=True, slots=True)
class Round:
    """What befell whom; when another one was primary, or the others were back; when all stood."""

    fault: str
    former: str
    leader: str
    began: float
    mended: float
    whole: float


class Rounds:
    def __init__(self, cluster: Cluster, office: Office) -> None:
        self.cluster = cluster
        self.office = office
        self.done: list[Round] = []

    def run(self, fault: str) -> Round:
        """Let one fault befall the primary, wait for another, mend it, and wait for all."""
        cluster, network = self.cluster, self.cluster.network
        cluster.wait_until_whole()
        self.wait_for_all(time.monotonic())
        time.sleep(random.uniform(*QUIET_S))
        former = cluster.leader()
        assert former is not None
        machine = cluster.machines[former]
        began = time.monotonic()
        if fault == KILLED:
            machine.kill()
        elif fault == CRASHED:
            machine.kill_postgresql()
        elif fault == FROZEN:
            network.freeze(former)
        elif fault == CUT:
            network.cut(former, ETCD_PORTS)
        elif fault == SWITCHED:
            cluster.switch_over(former)
        else:
            return self._leave_alone(former)
        leader = cluster.wait_for_other_leader(former)
        replaced = time.monotonic()
        if fault == KILLED:
            machine.start()
        elif fault == FROZEN:
            network.thaw(former)
        elif fault == CUT:
            network.mend(former)
        return self._heal(fault, former, leader, began, replaced)

    def _leave_alone(self, primary: str) -> Round:
        """Kill both others, until each writer was told to ask again later."""
        others = [each for name, each in self.cluster.machines.items() if name != primary]
        for each in others:
            each.kill()
        began = time.monotonic()
        self._wait_for_all(UNREACHABLE, began)
        back = time.monotonic()
        for each in others:
            each.start()
        return self._heal(ALONE, primary, primary, began, back)

    def _heal(self, fault: str, former: str, leader: str, began: float, mended: float) -> Round:
        self.cluster.wait_until_whole()
        done = Round(fault, former, leader, began, mended, time.monotonic())
        self.wait_for_all(done.whole)
        self.done.append(done)
        return done

    def answers(self) -> list[Answer]:
        """Return what those who wrote were answered."""
        return list(answers.read(self.office.answers))

    def shown(self) -> list[Answer]:
        """Return what those were answered who looked on."""
        return list(answers.read(self.office.answers, LOOKED))

    def wait_for_all(self, since: float) -> None:
        """Wait until each writer was acknowledged something after a moment."""
        self._wait_for_all(ACKNOWLEDGED, since)

    def _wait_for_all(self, outcome: str, since: float) -> None:
        deadline = time.monotonic() + ALL_ANSWERED_WITHIN_S
        while waiting := [
            each
            for each in self.office.records()
            if (last := answers.last(each)) is None
            or last.outcome != outcome
            or last.answered_at < since
        ]:
            self.office.require_all_at_work()
            assert time.monotonic() < deadline, (
                f"{[each.stem for each in waiting]} are not answered"
            )
            time.sleep(0.5)

    def told(self) -> str:
        """Say what was seen: for each kind of fault how long nobody was answered."""
        given = self.answers()
        lines = [
            f"{'fault':<20}{'rounds':>7}{'nobody answered: median':>25}{'longest':>9}{'whole':>9}"
        ]
        for fault in dict.fromkeys(each.fault for each in self.done):
            those = [each for each in self.done if each.fault == fault]
            gaps = [longest_gap(given, each.began, each.whole) for each in those]
            whole = max(each.whole - each.began for each in those)
            lines.append(
                f"{fault:<20}{len(those):>7}{statistics.median(gaps):>23.1f} s{max(gaps):>7.1f} s"
                f"{whole:>7.1f} s"
            )
        acknowledged = [each for each in given if each.outcome == ACKNOWLEDGED]
        refused = [each for each in given if each.outcome == UNREACHABLE]
        replayed = sum(each.said == "replayed" for each in acknowledged)
        longest = max(each.answered_at - each.asked_at for each in given)
        lines.append(
            f"{len(acknowledged)} writes acknowledged, {replayed} of them as a repetition;"
            f" {len(refused)} times 503; the longest wait for an answer {longest:.1f} s"
        )
        shown = self.shown()
        refused = [each for each in shown if each.outcome == UNREACHABLE]
        longest = max(each.answered_at - each.asked_at for each in shown)
        lines.append(
            f"{len(shown) - len(refused)} lists shown, {len(refused)} times 503;"
            f" the longest wait {longest:.1f} s"
        )
        return "\n".join(lines)


def planned(*, kills: int, freezes: int, cuts: int, switchovers: int, alone: int) -> Sequence[str]:
    """Return the faults in their order; every second kill is one of PostgreSQL alone."""
    return [
        *[(KILLED, CRASHED)[number % 2] for number in range(kills)],
        *[FROZEN] * freezes,
        *[CUT] * cuts,
        *[SWITCHED] * switchovers,
        *[ALONE] * alone,
    ]
