"""Samples over HTTP: planned, published, drawn; and the same for whoever has the public parts."""

from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.sampling import universe_now
from ledger.anchoring.publications import announce
from ledger.commands.organisations import Move, move_organisation
from ledger.commands.samples import Plan, plan_sample
from ledger.domain.sample import SIZE_MAX, Condition, Method, Sample
from projections.runner import catch_up, rebuild
from tests.api.service import Service, service_at
from tests.api.staging import refusal
from tests.evidence.tiny_sampler import drawn as drawn_by_format
from tests.world import CAMPAIGN, Person, roster_row

FORM = {
    "title": "两节抽查",
    "organisation_code": "X01",
    "campaign": CAMPAIGN,
    "method": "stratified",
    "size": 4,
    "stratum": "batch",
    "least_fen": 60_000,
}


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with service_at(tmp_path) as found:
        people = [Person(serial) for serial in range(1, 10)]
        world = found.world
        world.receive("X01", 5_000_000)
        world.file(*people)
        rows = [roster_row(n, each, 50_000 + n * 10_000) for n, each in enumerate(people, 1)]
        world.pay("B1", *rows[:5])
        world.pay("B2", *rows[5:])
        yield found


def publish(service: Service) -> None:
    announce(service.world.ledger, service.served.maps, service.world.act())


def plan(service: Service, **changes: Any) -> str:
    planned = service.done("J-C01", "/v1/samples", FORM | changes)
    return f"/v1/samples/{planned['result']['sample_id']}"


def test_a_sample_is_planned_seeded_and_drawn_and_anybody_draws_it_again(
    service: Service,
) -> None:
    publish(service)
    planned = service.done("J-C01", "/v1/samples", FORM, Idempotency_Key="p1")
    again = service.post("J-C01", "/v1/samples", FORM, Idempotency_Key="p1")
    assert again.headers["idempotency-replayed"] == "true"
    path = f"/v1/samples/{planned['result']['sample_id']}"
    # What was published before the plan was known to whoever planned: it seeds nothing.
    assert refusal(service.post("J-C01", f"{path}/draws")) == (409, "sample.not_published_yet")
    assert service.get("J-C01", f"{path}/verification") == {
        "holds": True,
        "universe": True,
        "checkpoint": None,
        "drawn": None,
    }
    publish(service)
    # What comes later changes neither the seed nor what is drawn from.
    service.world.file(Person(20), Person(21))
    service.world.pay("B3", roster_row(1, Person(20), 80_000), roster_row(2, Person(21), 80_000))
    publish(service)

    assert service.done("U-C01", f"{path}/draws")["result"] == {"drawn": 4}

    assert refusal(service.post("U-C01", f"{path}/draws")) == (409, "sample.drawn_already")
    shown = service.get("H-X01", path)
    universe = service.browser("H-X01").get(f"{path}/universe").content
    assert shown["universe_count"] == len(universe.splitlines()) == 9
    assert shown["draw"]["drawn"] == drawn_by_format(
        "stratified", 4, universe, shown["sample_id"], b64decode(shown["draw"]["root"])
    )
    listed = service.get("H-X01", "/v1/disbursements", organisation="X01")["items"]
    drawn = [each for each in listed if each["position"] in shown["draw"]["drawn"]]
    assert {each["batch_code"] for each in drawn} == {"B1", "B2"}
    assert sum(each["amount_fen"] for each in drawn) == shown["draw"]["drawn_fen"]
    assert service.get("H-X01", f"{path}/verification") == {
        "holds": True,
        "universe": True,
        "checkpoint": True,
        "drawn": True,
    }
    [only] = service.get("H-X01", "/v1/samples")["items"]
    assert only == shown
    assert refusal(service.browser("H-X02").get(path)) == (403, "access.outside_reach")
    service.world.check_log()


def test_what_is_recorded_while_a_sample_is_planned_is_not_in_it_and_it_is_drawn(
    service: Service,
) -> None:
    world = service.world
    conditions = (Condition("organisation", "X01"),)
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        world.file(Person(20))
        world.pay("B3", roster_row(1, Person(20), 80_000))
        universe = universe_now(model, conditions, None)
    order = Plan("两节抽查", "X01", conditions, Method.SIMPLE, 4)
    planned = plan_sample(world.ledger, world.act("J-C01"), order, universe)
    path = f"/v1/samples/{planned.result['sample_id']}"
    publish(service)

    assert service.done("J-C01", f"{path}/draws")["result"] == {"drawn": 4}
    shown = service.get("H-X01", path)
    assert shown["universe_count"] == 9
    assert service.get("J-C01", f"{path}/verification")["holds"] is True


def test_a_union_that_moves_later_changes_no_plan(service: Service) -> None:
    world = service.world
    path = plan(service, organisation_code="C01", method="simple", stratum=None, campaign=None)
    move_organisation(world.ledger, world.act(), Move("X01", None, "区划调整"))
    publish(service)

    assert service.done("J-C01", f"{path}/draws")["result"] == {"drawn": 4}
    assert service.get("J-C01", f"{path}/verification")["holds"] is True


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"least_fen": 10**9}, 422, "sample.universe_empty"),
        ({"size": 10}, 422, "sample.size_impossible"),
        ({"size": 1}, 422, "sample.too_few_for_strata"),
        ({"method": "simple"}, 422, "sample.strata_unclear"),
        ({"least_fen": 9, "most_fen": 8}, 422, "request.range_backwards"),
        ({"organisation_code": "X9"}, 404, "ledger.not_on_record"),
        ({"size": SIZE_MAX + 1}, 422, "request.invalid"),
        ({"seed": "mine"}, 422, "request.invalid"),
    ],
)
def test_plans_that_cannot_be_are_refused(
    service: Service, changes: dict[str, Any], status: int, code: str
) -> None:
    before = service.world.ledger.size()

    assert refusal(service.post("J-C01", "/v1/samples", FORM | changes)) == (status, code)
    assert service.world.ledger.size() == before


def test_another_checkpoint_or_other_payments_are_seen(service: Service) -> None:
    path = plan(service)
    publish(service)
    service.done("J-C01", f"{path}/draws")
    world = service.world
    [(_, position)] = [
        (each.event, each.position)
        for each in world.ledger.read(0, 10_000)
        if isinstance(each.event, Sample.Drawn)
    ]
    model = catch_up(world.ledger, world.home.read_models)
    with model.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE sample_draws SET drawn = '[1, 2, 3, 4]'")
    assert service.get("J-C01", f"{path}/verification")["holds"] is False
    rebuild(world.ledger, world.home.read_models)
    assert service.get("J-C01", f"{path}/verification")["holds"] is True
    with catch_up(world.ledger, world.home.read_models).engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE disbursements SET amount_fen = amount_fen + 1 WHERE position < ?", (position,)
        )
    assert service.get("J-C01", f"{path}/verification") == {
        "holds": False,
        "universe": False,
        "checkpoint": True,
        "drawn": True,
    }
