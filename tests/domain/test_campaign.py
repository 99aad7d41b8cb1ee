"""Campaigns and the policies they run under."""

from datetime import date, timedelta

import msgspec
import pytest

from ledger.domain.campaign import Campaign, PeriodBackwards, campaign_id
from ledger.domain.policy import Policy, PolicyNotInForce, PolicyTerms, RuleTwice, policy_id
from tests.domain.acting import ACT, memory, only, replayed, settled
from tests.world import terms

FIRST = date(2016, 12, 1)


def opened(starts_on: date, ends_on: date) -> Campaign:
    return Campaign.open(
        ACT,
        code="2017-lianjie",
        name="两节",
        starts_on=starts_on,
        ends_on=ends_on,
        fiscal_year=2017,
        policy_id=policy_id("hefei-2017"),
    )


def titled(title: str, day: date) -> PolicyTerms:
    return msgspec.structs.replace(terms(day), title=title)


def test_a_campaign_says_when_and_under_which_policy() -> None:
    campaign = opened(date(2016, 12, 15), date(2017, 2, 11))

    event = only(campaign, Campaign.Opened)
    assert (event.code, event.name, event.fiscal_year) == ("2017-lianjie", "两节", 2017)
    assert (event.starts_on, event.ends_on) == (date(2016, 12, 15), date(2017, 2, 11))
    assert event.policy_id == policy_id("hefei-2017")
    assert campaign.id == campaign_id("2017-lianjie")


def test_a_campaign_may_last_a_day_but_does_not_end_before_it_starts() -> None:
    assert opened(FIRST, FIRST).fiscal_year == 2017
    with pytest.raises(PeriodBackwards):
        opened(FIRST, FIRST - timedelta(days=1))


def test_an_adoption_holds_every_value_with_its_source_and_how_sure_it_is() -> None:
    policy = Policy.adopt(ACT, terms())

    adopted = only(policy, Policy.Adopted)
    assert adopted.COMMITS
    facts = {name: getattr(adopted, name) for name in PolicyTerms.__struct_fields__}
    assert facts == {name: getattr(terms(), name) for name in PolicyTerms.__struct_fields__}
    for rule in adopted.categories:
        assert rule.source
        assert rule.confidence


def test_the_latest_adoption_that_counts_on_the_day_is_in_force() -> None:
    policy = settled(Policy.adopt(ACT, titled("初稿", FIRST)))
    policy.adopt_again(ACT, titled("更正", FIRST))
    policy.adopt_again(ACT, titled("修订", FIRST + timedelta(days=31)))

    titles = [policy.in_force_on(FIRST + timedelta(days=n)).title for n in (0, 30, 31, 900)]

    assert titles == ["更正", "更正", "修订", "修订"]


def test_before_its_day_a_policy_does_not_count() -> None:
    policy = Policy.adopt(ACT, terms(FIRST))

    with pytest.raises(PolicyNotInForce):
        policy.in_force_on(FIRST - timedelta(days=1))


def test_a_replayed_policy_is_the_one_that_was_adopted() -> None:
    policy = Policy.adopt(ACT, titled("初稿", FIRST))
    policy.adopt_again(ACT, titled("更正", FIRST))

    assert memory(replayed(policy.collect_events())) == memory(policy)


def test_a_policy_says_which_adoption_counts_from_when_on() -> None:
    policy = Policy.adopt(ACT, titled("first", FIRST))
    policy.adopt_again(ACT, titled("later", date(2017, 2, 1)))
    policy.adopt_again(ACT, titled("misread", date(2017, 3, 1)))
    policy.adopt_again(ACT, titled("corrected", date(2017, 3, 1)))

    assert [(day, adopted.title) for day, adopted in policy.periods()] == [
        (FIRST, "first"),
        (date(2017, 2, 1), "later"),
        (date(2017, 3, 1), "corrected"),
    ]


@pytest.mark.parametrize("field", ["categories", "deadlines"])
def test_of_two_rules_for_one_thing_neither_is_adopted(field: str) -> None:
    given = terms(FIRST)
    twice = msgspec.structs.replace(given, **{field: getattr(given, field)[:1] * 2})

    with pytest.raises(RuleTwice):
        twice.require_each_once()
    given.require_each_once()
