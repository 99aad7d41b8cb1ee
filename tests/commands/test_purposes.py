"""专款专用: of what sources, and out of which accounts, the policy lets a category be paid."""

from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from msgspec.structs import replace

from ledger.commands import disbursements, funds, policies
from ledger.commands.batches import Draft, _instruct, draft_batch
from ledger.domain.batch import Batch, batch_id
from ledger.domain.disbursement import Disbursement, Status
from ledger.domain.fund import FundAccount
from ledger.domain.policy import Channel, EarmarkNotForCategory
from ledger.store.application import Answer, Work
from projections.explanation.checked import Outcome
from projections.findings.finding import Finding, Severity
from projections.findings.purposes import OTHER_EARMARK, OTHER_SOURCE, drawn_otherwise
from projections.findings.supposing import Supposition
from projections.findings.versions import EARLIER
from projections.runner import catch_up
from tests.projections.test_explanations import explained
from tests.projections.test_explanations import of as of_rule
from tests.projections.test_findings import asked_of, bank_says
from tests.projections.test_policy_places import of
from tests.projections.test_rule_versions import supposed
from tests.world import (
    CAMPAIGN,
    CARD_CLASS,
    DAY,
    EARMARK,
    MODEL_CLASS,
    POLICY,
    SHEET_CLASS,
    Person,
    World,
    failed,
    roster,
    roster_row,
    settled,
    terms,
)

STATE, OWN, GIVEN = "中央财政", "本级工会经费", "社会捐赠"
ONE, TWO, THREE = map(Person, range(1, 4))
EARLY, LATER = date(2016, 12, 2), date(2017, 1, 16)


def adopt(
    world: World, day: date = EARLY, earmarks: tuple[str, ...] = (), **sources: tuple[str, ...]
) -> None:
    """Have the policy say which sources pay model workers and cards, and which accounts cards."""
    card, model, sheets = terms().categories
    card = replace(card, paid_from=sources.get("card", ()), earmarks=earmarks)
    model = replace(model, paid_from=sources.get("model", ()), monthly_income_below=None)
    told = replace(terms(day), categories=(card, model, sheets))
    policies.adopt_policy(world.ledger, world.act("A-C01", day), told)


def receive(world: World, source: str, fen: int, vintage: int = 2017) -> None:
    order = funds.FundReceipt(
        "X01",
        EARMARK,
        source,
        f"拨〔{vintage}〕{source}",
        vintage,
        fen,
        2017 if vintage < 2017 else None,
        POLICY,
    )
    funds.receive_funds(world.ledger, world.act(day=date(2017, 1, 2)), order)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World.at(tmp_path / "ledger").settle_in()
    world.file(ONE, TWO, THREE)
    yield world
    world.ledger.close()


def drawn(world: World, person: Person) -> dict[str, int]:
    """Return what a payment was drawn from, in fen by source."""
    lots, found = world.fund("X01").lots, Counter[str]()
    for part in world.payment(person).parts:
        found[lots[part.lot_id].source] += part.amount_fen
    return dict(found)


def handed_in(world: World, *amounts: tuple[Person, str, int]) -> Answer:
    rows = [
        roster_row(number, person, fen, category)
        for number, (person, category, fen) in enumerate(amounts, 1)
    ]
    world.draft("B1", *rows)
    world.review("B1")
    return world.approve("B1")


def test_older_money_of_another_source_is_passed_over(world: World) -> None:
    adopt(world, model=(OWN,))
    receive(world, STATE, 500_000, vintage=2015)
    receive(world, OWN, 100_000)
    receive(world, OWN, 50_000)
    handed_in(world, (ONE, MODEL_CLASS, 120_000), (TWO, CARD_CLASS, 100_000))

    assert drawn(world, ONE) == {OWN: 120_000}
    assert drawn(world, TWO) == {STATE: 100_000}
    assert of("F1", world) == []


def test_who_may_be_paid_from_few_sources_draws_first(world: World) -> None:
    adopt(world, model=(OWN,), card=(OWN, GIVEN))
    receive(world, OWN, 100_000, vintage=2015)
    receive(world, GIVEN, 60_000)
    receive(world, STATE, 10_000_000)
    handed_in(world, (ONE, CARD_CLASS, 60_000), (TWO, MODEL_CLASS, 100_000))

    assert drawn(world, ONE) == {GIVEN: 60_000}
    assert drawn(world, TWO) == {OWN: 100_000}


@pytest.mark.parametrize("card_first", [True, False])
def test_categories_that_share_a_source_are_paid_in_the_order_that_pays_both(
    world: World, card_first: bool
) -> None:
    """Model workers would take the old money that is all that cards may have."""
    adopt(world, model=(OWN, STATE), card=(OWN, GIVEN))
    receive(world, OWN, 100_000, vintage=2015)
    receive(world, STATE, 120_000)
    rows = [(ONE, CARD_CLASS, 100_000), (TWO, MODEL_CLASS, 120_000)]
    assert handed_in(world, *(rows if card_first else rows[::-1])).refusal_code is None

    assert drawn(world, ONE) == {OWN: 100_000}
    assert drawn(world, TWO) == {STATE: 120_000}
    assert of("F1", world) == []


def test_too_little_of_the_sources_is_refused_and_on_record(world: World) -> None:
    adopt(world, model=(OWN,))
    receive(world, STATE, 1_000_000)
    receive(world, OWN, 99_999)
    refused = handed_in(world, (ONE, MODEL_CLASS, 100_000))

    assert refused.refusal_code == "fund.sources_insufficient"
    assert "999.99" in (refused.refusal_detail or "")
    assert OWN in (refused.refusal_detail or "")
    [finding] = of("F1", world)
    assert (finding.detail, finding.count) == ("fund.sources_insufficient", 1)
    receive(world, OWN, 1)
    assert world.approve("B1").refusal_code is None


def test_too_little_of_all_is_told_as_that(world: World) -> None:
    adopt(world, model=(OWN,))
    receive(world, STATE, 50_000)
    refused = handed_in(world, (ONE, MODEL_CLASS, 100_000))
    assert refused.refusal_code == "fund.insufficient"


def test_an_account_for_another_use_pays_nobody_of_the_category(world: World) -> None:
    adopt(world, earmarks=("助学",))
    receive(world, STATE, 1_000_000)
    world.draft("B1", roster_row(1, ONE, 100_000), roster_row(2, TWO, 100_000, MODEL_CLASS))
    batch = world.ledger.load(Batch, batch_id("B1"))
    assert batch is not None
    assert list(batch.rows) == [2]
    [finding] = of("F1", world)
    assert (finding.detail, finding.count) == ("earmark.not_for_category", 1)
    other = Draft(
        "B2",
        CAMPAIGN,
        "X01",
        "助学",
        Channel.BANK_CARD,
        "unionpay-df",
        "H-X01",
        roster(roster_row(1, THREE, 100_000)),
    )
    draft_batch(world.ledger, world.act("H-X01"), other)
    batch = world.ledger.load(Batch, batch_id("B2"))
    assert batch is not None
    assert list(batch.rows) == [1]


def test_a_reading_of_before_the_approval_counts(world: World) -> None:
    receive(world, STATE, 1_000_000)
    world.draft("B1", roster_row(1, ONE, 100_000))
    world.review("B1")
    adopt(world, day=DAY, earmarks=("助学",))
    with pytest.raises(Exception, match=r"earmark\.not_for_category"):
        world.approve("B1")


def test_what_came_back_draws_of_the_sources_of_the_day_it_is_paid_again(world: World) -> None:
    receive(world, STATE, 100_000)
    receive(world, OWN, 100_000)
    handed_in(world, (ONE, CARD_CLASS, 100_000), (TWO, CARD_CLASS, 60_000))
    world.answer("B1", failed(1, ONE, 100_000), settled(2, TWO, 60_000))
    assert world.payment(ONE).status is Status.RETURNED
    adopt(world, day=DAY, card=(OWN,))
    again = disbursements.Reissue(world.payment_id(ONE), "账号已更正", "")
    with pytest.raises(Exception, match=r"400\.00") as refused:
        disbursements.reissue_payment(world.ledger, world.act(), again)
    assert refused.value.code == "fund.sources_insufficient"  # type: ignore[attr-defined]
    receive(world, OWN, 60_000)
    disbursements.reissue_payment(world.ledger, world.act(), again)
    assert drawn(world, ONE) == {OWN: 100_000}


def past_its_rules(world: World) -> None:
    """Pay row 1 of B1 of the oldest money, as whoever has the ledger's own key can."""

    def decide(work: Work) -> None:
        batch = work.get(Batch, batch_id("B1"))
        fund = work.get(FundAccount, world.fund("X01").id)
        payment = _instruct(work.act, batch, fund, batch.rows[1], sources=())
        work.save(fund, payment)

    world.ledger.perform(world.act(), "test.past_its_rules", None, decide)


def found(world: World) -> list[Finding]:
    return [each for each in of("F1", world) if each.severity is Severity.ERROR]


@pytest.mark.parametrize("later", [False, True])
def test_what_was_paid_of_other_money_all_the_same_is_found(world: World, *, later: bool) -> None:
    """A policy that is adopted later accuses nobody of before."""
    receive(world, STATE, 100_000)
    receive(world, OWN, 100_000)
    world.draft("B1", roster_row(1, ONE, 150_000))
    if later:
        past_its_rules(world)
        assert found(world) == []
    adopt(world, card=(OWN,))
    if later:
        assert found(world) == []
        return
    past_its_rules(world)
    [finding] = found(world)
    assert (finding.detail, finding.count, finding.amount_fen) == (OTHER_SOURCE, 1, 150_000)
    assert finding.payment_ids == (world.payment_id(ONE),)
    checked = of_rule(explained(world, ONE), "F1")
    assert checked.outcome is Outcome.BROKEN
    assert dict(checked.facts) | {"paid_from": OWN, "other_money": STATE} == dict(checked.facts)


def test_what_an_account_for_another_use_paid_is_found(world: World) -> None:
    receive(world, STATE, 200_000)
    world.draft("B1", roster_row(1, ONE, 150_000))
    adopt(world, earmarks=("助学",))
    past_its_rules(world)
    [finding] = found(world)
    assert (finding.detail, finding.count) == (OTHER_EARMARK, 1)


def test_a_reading_that_lets_other_money_pay_is_looser(world: World) -> None:
    adopt(world, card=(OWN,), earmarks=(EARMARK,))
    adopt(world, day=date(2017, 1, 20), card=(OWN, STATE))
    told = [each.detail for each in of("H6", world)]
    assert f"{POLICY} 3 sources {CARD_CLASS}" in told
    assert f"{POLICY} 3 earmarks {CARD_CLASS}" in told
    assert SHEET_CLASS not in " ".join(str(each) for each in told)


def again(world: World, day: date = LATER) -> Answer:
    order = disbursements.Reissue(world.payment_id(ONE), "账号已更正", "")
    return disbursements.reissue_payment(world.ledger, world.act(day=day), order)


def again_past_its_rules(world: World) -> None:
    """Pay again of the oldest money, as whoever has the ledger's own key can."""

    def decide(work: Work) -> None:
        payment = work.get(Disbursement, world.payment_id(ONE))
        fund = work.get(FundAccount, payment.fund_id)
        parts = fund.draw(
            work.act,
            disbursement_id=payment.id,
            batch_id=payment.batch_id,
            amount=payment.amount,
        )
        payment.reissue(
            work.act, parts=parts, payee=payment.payee, card_index=payment.card_index, reason=""
        )
        work.save(fund, payment)

    world.ledger.perform(world.act(day=LATER), "test.again", None, decide)


def came_back(world: World) -> None:
    world.answer("B1", failed(1, ONE, 100_000))
    assert world.payment(ONE).status is Status.RETURNED


def rename_cards(world: World, day: date) -> None:
    """Have the policy name the category otherwise, and say the same of it."""
    card, *others = terms().categories
    told = replace(terms(day), categories=(replace(card, name="在档困难职工"), *others))
    policies.adopt_policy(world.ledger, world.act("A-C01", day), told)


def test_what_came_back_is_not_paid_again_out_of_an_account_for_another_use(world: World) -> None:
    receive(world, STATE, 200_000)
    handed_in(world, (ONE, CARD_CLASS, 100_000))
    came_back(world)
    adopt(world, day=LATER, earmarks=("助学",))

    with pytest.raises(EarmarkNotForCategory, match="助学") as refused:
        again(world)

    assert refused.value.code == "earmark.not_for_category"
    assert world.payment(ONE).status is Status.RETURNED
    again(world, day=date(2017, 1, 15))
    assert of("F1", world) == []


def test_a_category_that_is_renamed_is_still_paid_of_its_own_money(world: World) -> None:
    """What was known when it was approved counts, and no reading of since for that day."""
    receive(world, STATE, 500_000, vintage=2015)
    receive(world, OWN, 100_000)
    adopt(world, card=(OWN,))
    handed_in(world, (ONE, CARD_CLASS, 100_000))
    came_back(world)
    adopt(world, card=(STATE,))
    rename_cards(world, LATER)

    again(world)

    assert drawn(world, ONE) == {OWN: 100_000}
    assert found(world) == []
    assert of_rule(explained(world, ONE), "F1").outcome is Outcome.HELD


def test_other_money_under_a_category_that_was_renamed_is_found(world: World) -> None:
    receive(world, STATE, 500_000, vintage=2015)
    receive(world, OWN, 100_000)
    adopt(world, card=(OWN,))
    handed_in(world, (ONE, CARD_CLASS, 100_000))
    came_back(world)
    rename_cards(world, LATER)
    again_past_its_rules(world)

    assert [each.detail for each in found(world)] == [OTHER_SOURCE]
    assert of_rule(explained(world, ONE), "F1").outcome is Outcome.BROKEN


def test_money_that_went_back_accuses_nobody(world: World) -> None:
    receive(world, STATE, 500_000, vintage=2015)
    receive(world, OWN, 100_000)
    adopt(world, card=(OWN,))
    handed_in(world, (ONE, CARD_CLASS, 100_000))
    came_back(world)
    again_past_its_rules(world)
    assert [each.detail for each in found(world)] == [OTHER_SOURCE]
    bank_says(world, "B1", LATER, failed(1, ONE, 100_000, "NAME_MISMATCH"))

    again(world)

    assert drawn(world, ONE) == {OWN: 100_000}
    assert found(world) == []
    assert of_rule(explained(world, ONE), "F1").outcome is Outcome.HELD


def test_what_was_paid_again_is_explained_by_the_policy_of_that_day(world: World) -> None:
    receive(world, STATE, 500_000)
    receive(world, OWN, 100_000)
    adopt(world, card=(OWN,))
    handed_in(world, (ONE, CARD_CLASS, 100_000))
    came_back(world)
    adopt(world, day=LATER, card=(STATE,))
    again(world)

    assert found(world) == []
    checked = of_rule(explained(world, ONE), "F1")
    assert checked.outcome is Outcome.HELD
    assert dict(checked.facts)["paid_from"] == STATE
    # Another reading that is supposed is held against what paid it, as other rules are.
    adopt(world, card=(GIVEN,))
    assert "F1" in explained(world, ONE).changed
    assert of_rule(explained(world, ONE), "F1").outcome is Outcome.HELD


def candidates(world: World, start: int = 0) -> set[bytes]:
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        asked = (model.execute(each).scalars() for each in drawn_otherwise(start))
        return {each for found in asked for each in found}


def test_only_what_a_reading_of_before_forbids_is_looked_at(world: World) -> None:
    receive(world, STATE, 500_000)
    of_another = replace(terms(EARLY), code="another")
    card, *others = of_another.categories
    of_another = replace(of_another, categories=(replace(card, paid_from=(GIVEN,)), *others))
    policies.adopt_policy(world.ledger, world.act("A-C01", EARLY), of_another)
    handed_in(world, (ONE, CARD_CLASS, 100_000))
    adopt(world, card=(OWN,))
    came_back(world)
    assert candidates(world) == set()
    adopt(world, card=(STATE,))
    again(world)
    assert candidates(world) == {world.payment_id(ONE).bytes}


def test_a_payment_that_is_read_after_its_draw_is_looked_at(world: World) -> None:
    """A read model that is built may stop between the two for a moment."""
    receive(world, STATE, 200_000)
    world.draft("B1", roster_row(1, ONE, 150_000))
    adopt(world, card=(OWN,))
    past_its_rules(world)
    [at] = [at for _, at in world.ledger.log.select_stream_positions(world.payment_id(ONE))]
    assert candidates(world, at) == {world.payment_id(ONE).bytes}
    assert candidates(world, at + 1) == set()


def test_earlier_versions_look_at_no_money(world: World) -> None:
    adopt(world, card=(OWN,), earmarks=("助学",))
    receive(world, STATE, 200_000)
    world.draft("B1", roster_row(1, ONE, 150_000), roster_row(2, TWO, 150_000, "无此类别"))
    adopt(world, day=date(2017, 1, 20))
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        rows = list(EARLIER["F1"][0].find(asked_of(world, model, date(2017, 1, 31))))
    assert [each.detail for each in rows] == ["category.not_in_policy"]
    known, _ = supposed(world, Supposition("H6", 1))
    before = {each.detail for each in known.findings if each.rule == "H6"}
    now = {each.detail for each in of("H6", world)}
    assert now - before == {
        f"{POLICY} {number} {what} {CARD_CLASS}"
        for number, what in ((3, "sources"), (3, "earmarks"))
    }
    assert before
