"""Many people at once: no account is overdrawn, nobody is paid twice."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable

from ledger.domain.disbursement import Status
from ledger.errors import LedgerError
from tests.world import Person, World, roster_row

THREADS = 8


def at_once(acts: Iterable[Callable[[], str | None]]) -> Counter[str | None]:
    """Run the acts in threads that start together; count the codes they ended with."""
    ready = list(acts)
    start = threading.Barrier(len(ready))
    ended: list[str | None] = []

    def run(act: Callable[[], str | None]) -> None:
        start.wait()
        try:
            ended.append(act())
        except LedgerError as refusal:
            ended.append(refusal.code)

    threads = [threading.Thread(target=run, args=(act,)) for act in ready]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Counter(ended)


def approving(world: World, code: str) -> Callable[[], str | None]:
    return lambda: world.approve(code).refusal_code


def test_eight_batches_on_one_account_pay_what_is_there_and_no_more(world: World) -> None:
    people = [Person(number) for number in range(1, THREADS + 1)]
    world.receive("X01", 5 * 60_000 + 1)
    world.file(*people)
    for number, person in enumerate(people):
        world.draft(f"B{number}", roster_row(1, person, 60_000))
        world.review(f"B{number}")

    ended = at_once(approving(world, f"B{number}") for number in range(THREADS))

    assert ended == {None: 5, "fund.insufficient": 3}
    assert world.fund("X01").balance == 1
    assert world.types().count("disbursement.instructed") == 5
    assert world.types().count("batch.refused") == 3
    world.check_log()


def test_a_person_in_eight_batches_is_paid_once(world: World) -> None:
    person = Person(1)
    world.receive("X01", 1_000_000)
    world.file(person)
    for number in range(THREADS):
        world.draft(f"B{number}", roster_row(1, person, 60_000))
        world.review(f"B{number}")

    ended = at_once(approving(world, f"B{number}") for number in range(THREADS))

    assert ended == {None: 1, "batch.empty": 7}
    assert world.fund("X01").balance == 940_000
    assert world.payment(person).status is Status.IN_TRANSIT
    world.check_log()


def test_a_batch_that_eight_approve_at_once_is_paid_once(world: World) -> None:
    world.receive("X01", 1_000_000)
    world.file(Person(1))
    world.draft("B1", roster_row(1, Person(1), 60_000))
    world.review("B1")

    ended = at_once([approving(world, "B1")] * THREADS)

    assert ended == {None: 1, "batch.wrong_stage": 7}
    assert world.fund("X01").balance == 940_000
    world.check_log()


def test_money_passed_down_at_once_is_neither_made_nor_lost(world: World) -> None:
    world.receive("C01", 500)

    def passing(taker: str) -> Callable[[], str | None]:
        return lambda: world.allocate("C01", taker, 100).refusal_code

    ended = at_once(passing(("X01", "X02")[number % 2]) for number in range(THREADS))

    assert ended == {None: 5, "fund.insufficient": 3}
    assert world.fund("C01").balance == 0
    assert world.fund("X01").balance + world.fund("X02").balance == 500
    world.check_log()
