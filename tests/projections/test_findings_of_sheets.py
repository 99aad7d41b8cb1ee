"""What signature sheets say of officers: who drafted them, and when they were signed."""

from dataclasses import replace
from datetime import date

import pytest

from ledger.domain.batch import batch_id
from ledger.domain.organisation import organisation_id
from projections.asked import NOW
from projections.findings.finding import Finding, Severity
from projections.findings.rules import findings
from projections.findings.versions import EARLIER
from projections.runner import catch_up
from tests.projections.test_findings import asked_of
from tests.world import Person, World, signature

ONE, TWO = Person(1), Person(2)
TODAY = date(2017, 2, 1)


@pytest.fixture
def world(world: World) -> World:
    world.receive("X01", 1_000_000)
    world.sheet("S1", ONE, TWO)
    return world


def found(world: World, rule: str, version: int | None = None) -> list[Finding]:
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        asked = asked_of(world, model, TODAY, NOW)
        every = findings(asked) if version is None else EARLIER[rule][version - 1].find(asked)
        return [each for each in every if each.rule == rule]


def test_who_drafted_a_list_and_certifies_it_is_told(world: World) -> None:
    world.sign("S1", signature(1, ONE.name), witness="R-X01")
    assert found(world, "H1") == []
    world.sign("S1", signature(2, TWO.name), witness="H-X01")

    [own] = found(world, "H1")

    assert own.severity is Severity.INFORMATION
    assert (own.organisation_id, own.batch_id) == (organisation_id("X01"), batch_id("S1"))
    assert (own.count, own.amount_fen, own.detail) == (1, 30_000, "drafted_and_witnessed")
    assert found(world, "H1", 2) == []


def test_a_sheet_that_was_signed_ahead_is_stopped_and_told(world: World) -> None:
    ahead = replace(signature(1, ONE.name), signed_at="2017-01-09T09:00:00+08:00")
    world.sign("S1", ahead, witness="R-X01")

    [told] = found(world, "H4")

    assert (told.batch_id, told.detail) == (batch_id("S1"), "signature.before_approval")
    assert found(world, "H4", 1) == []
