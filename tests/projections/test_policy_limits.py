"""Limits of findings are policy: adopted, dated, signed; usual ones count where it is silent."""

from datetime import date
from typing import Any

import msgspec
import pytest

from api.known import Kept, Known
from api.policy_terms import form_of, terms_of
from api.web.language import languages
from api.web.policy_form import given_of, policy_of
from ledger.commands import policies
from ledger.domain.policy import (
    LIMIT_MAX,
    LimitName,
    LimitOutside,
    LimitRule,
    Policy,
    RuleTwice,
    policy_id,
)
from ledger.evidence.canonical import canonical_json
from ledger.evidence.envelope import decode, encode
from ledger.store.mapper import event_of
from projections.asked import NOW, Moment
from projections.findings.asked import Patience
from projections.findings.limits import DAYS_MAX, JUDGED_WHEN_LISTED, LIMITS_OF
from projections.runner import catch_up
from tests.projections.test_findings_of_people import next_campaign, pay_in_summer
from tests.world import POLICY, Person, World, roster_row, terms

ONE, TWO = Person(1), Person(2)
TODAY = date(2017, 3, 10)


@pytest.fixture
def world(world: World) -> World:
    world.receive("X01", 10_000_000)
    world.receive("X02", 10_000_000)
    world.file(ONE, TWO)
    return world


def limit(name: LimitName, value: int) -> LimitRule:
    return LimitRule(source="细则 3", confidence="stated", name=name, value=value)


def adopt(
    world: World,
    *limits: LimitRule,
    since: date = date(2017, 2, 1),
    on: date = date(2017, 1, 20),
    by: str = "A-C01",
    code: str = POLICY,
) -> None:
    proposed = msgspec.structs.replace(terms(), code=code, effective_from=since, limits=limits)
    policies.adopt_policy(world.ledger, world.act(by, on), proposed)


def known(world: World, day: date = TODAY, moment: Moment = NOW) -> Known:
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        return Kept().known(model, world.ledger, moment, day)


def test_a_policy_says_what_is_borne_from_its_day_on(world: World) -> None:
    world.pay("B1", roster_row(1, ONE, 60_000))
    next_campaign(world, date(2017, 2, 1))
    pay_in_summer(world, ONE, 70_000, date(2017, 2, 2), "X02")
    before = Moment(at=world.ledger.size() - 1)
    assert {each.rule for each in known(world).findings} >= {"E2"}
    [usual] = known(world).limits.of("E2")
    assert (usual.value, usual.version) == (60, None)

    adopt(world, limit(LimitName.AGAIN_DAYS, 10))
    told = known(world)
    [stood] = told.limits.of("E2")
    assert "E2" not in {each.rule for each in told.findings}
    assert stood.version is not None
    assert (stood.value, stood.version.number, stood.version.adopted.code) == (10, 2, POLICY)
    assert stood.version.position == world.ledger.size() - 1
    assert [each.version for each in told.limits.of("G5")] == [None], "silent on this"
    assert "E2" in {each.rule for each in known(world, moment=before).findings}
    assert known(world, date(2017, 1, 31)).limits.patience == Patience(), "not in force yet"
    adopt(world)
    assert known(world).limits.patience == Patience(), "a reading that is silent again"


def test_a_limit_is_said_once_and_within_its_bounds(world: World) -> None:
    with pytest.raises(RuleTwice):
        adopt(world, limit(LimitName.CARD_DAYS, 1), limit(LimitName.CARD_DAYS, 2))
    for name, value in ((LimitName.CARD_DAYS, -1), (LimitName.IDLE_SHARE_BP, 10_001)):
        with pytest.raises(LimitOutside):
            adopt(world, limit(name, value))


def test_more_days_than_a_calendar_has_keep_no_finding_from_being_told(world: World) -> None:
    world.pay("B1", roster_row(1, ONE, 60_000))
    next_campaign(world, date(2017, 2, 1))
    pay_in_summer(world, ONE, 70_000, date(2017, 2, 2), "X02")
    days = [name for name in LimitName if name.value.endswith("_days")]

    adopt(world, *(limit(name, LIMIT_MAX) for name in days))

    told = known(world)
    assert "E2" in {each.rule for each in told.findings}
    assert {getattr(told.limits.patience, name.value) for name in days} == {DAYS_MAX}


def test_every_limit_is_one_that_rules_look_at(world: World) -> None:
    assert {each.value for each in LimitName} == set(Patience.__dataclass_fields__)
    by_rules = {name for names in LIMITS_OF.values() for name in names}
    assert by_rules | JUDGED_WHEN_LISTED == set(LimitName)
    assert not by_rules & JUDGED_WHEN_LISTED
    assert world.check_log().holds


def test_limits_come_through_forms_unchanged(world: World) -> None:
    limits = (
        limit(LimitName.YEARLY_MAXIMUM_FEN, 300_050),
        limit(LimitName.RUSH_SHARE_BP, 2_550),
        limit(LimitName.BANK_DAYS, 7),
    )
    adopt(world, *limits)
    policy = world.ledger.load(Policy, policy_id(POLICY))
    assert policy is not None
    adopted = policy.adoptions[-1]
    assert adopted.limits == limits

    assert terms_of(form_of(adopted)).limits == limits
    given = given_of(adopted)
    assert (given["l0.value"], given["l1.value"]) == ("3000.50", "25.5")
    assert terms_of(policy_of(given, languages()["zh"])).limits == limits
    given["l1.drop"] = "yes"
    given["l3.name"] = LimitName.MANY.value
    assert len(policy_of(given, languages()["zh"]).limits) == 2, "an empty one is left out"


def test_names_of_money_come_through_forms_unchanged(world: World) -> None:
    sources = ("上级工会补助（省、市）", "财政拨款, 中央", "社会捐赠 定向")
    card, *others = terms().categories
    card = msgspec.structs.replace(card, paid_from=sources, earmarks=("送温暖、帮扶",))
    told = msgspec.structs.replace(terms(), categories=(card, *others))
    policies.adopt_policy(world.ledger, world.act("A-C01"), told)
    policy = world.ledger.load(Policy, policy_id(POLICY))
    assert policy is not None

    given = given_of(policy.adoptions[-1])
    assert terms_of(policy_of(given, languages()["zh"])).categories == told.categories
    given["c0.paid_from"] = "中央财政\r\n\r\n 社会捐赠 "
    [first, *_] = policy_of(given, languages()["zh"]).categories
    assert first.paid_from == ["中央财政", "社会捐赠"]


def test_adoptions_from_before_there_were_limits_are_read(world: World) -> None:
    [(_, topic, state)] = [
        each for each in world.ledger.log.select_states(0, 200) if each[1] == Policy.Adopted.TOPIC
    ]
    payload: dict[str, Any] = msgspec.json.decode(decode(state).payload)
    del payload["data"]["limits"]

    old = event_of(topic, encode(canonical_json(payload), []))
    assert isinstance(old, Policy.Adopted)
    assert old.limits == ()
