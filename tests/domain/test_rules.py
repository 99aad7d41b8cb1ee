"""The rules for a row: a fixed order, and every edge of every rule."""

import pytest

from ledger.domain.policy import AmountRule, CategoryRule, Channel
from ledger.domain.recipient import OnFile
from ledger.domain.rules import CARD_FIELD, FIELDS, RowFacts, judge, judge_again
from ledger.domain.values import Money


def amount(fen: int) -> AmountRule:
    return AmountRule(source="通知", confidence="uncertain", amount_fen=Money(fen))


RULE = CategoryRule(
    source="通知",
    confidence="stated",
    name="困难劳模",
    channel=Channel.BANK_CARD,
    archive_required=True,
    required_fields=("联系电话",),
    minimum=amount(90_000),
    maximum=amount(200_000),
    monthly_income_below=amount(500_000),
)

SOUND = RowFacts(
    given=frozenset({*FIELDS, CARD_FIELD, "联系电话"}),
    id_is_text=True,
    id_fault=None,
    card_is_text=True,
    amount=Money(100_000),
    channel=Channel.BANK_CARD,
    category=RULE,
    on_file=OnFile.LIVE,
    monthly_income=Money(499_999),
    paid_in_campaign=False,
)

# Each breaks one rule more than those below it, so the first of them must be named.
BREAKS: list[tuple[str, dict[str, object]]] = [
    ("field.missing", {"given": SOUND.given - {"联系电话"}}),
    ("id.not_text", {"id_is_text": False}),
    ("id.invalid", {"id_fault": "id.invalid"}),
    ("card.not_text", {"card_is_text": False}),
    ("archive.not_on_file", {"on_file": OnFile.ABSENT}),
    ("model_worker.income_above_line", {"monthly_income": Money(500_000)}),
    ("amount.below_minimum", {"amount": Money(89_999)}),
    ("person.duplicate_in_campaign", {"paid_in_campaign": True}),
]


def test_a_sound_row_stands() -> None:
    assert judge(SOUND) is None
    assert judge_again(SOUND) is None


@pytest.mark.parametrize("at", range(len(BREAKS)))
def test_the_first_rule_that_is_broken_is_named(at: int) -> None:
    changes: dict[str, object] = {}
    for _, change in BREAKS[at:]:
        changes |= change

    verdict = judge(SOUND._replace(**changes))  # type: ignore[arg-type]

    assert verdict is not None
    assert verdict.code == BREAKS[at][0]


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("category.not_in_policy", {"category": None}),
        ("channel.card_required", {"channel": Channel.SIGNATURE_SHEET}),
        ("archive.closed", {"on_file": OnFile.CLOSED}),
        ("model_worker.income_above_line", {"monthly_income": None}),
        ("amount.invalid", {"amount": None}),
        ("amount.invalid", {"amount": Money(0)}),
        ("amount.above_maximum", {"amount": Money(200_001)}),
    ],
)
def test_each_rule_has_its_code(code: str, changes: dict[str, object]) -> None:
    verdict = judge(SOUND._replace(**changes))  # type: ignore[arg-type]

    assert verdict is not None
    assert verdict.code == code


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("category.not_in_policy", {"category": None}),
        ("channel.card_required", {"channel": Channel.SIGNATURE_SHEET}),
        ("field.missing", {"asked_since": ("联系电话", "困难原因")}),
    ],
)
def test_what_another_reading_of_the_policy_asks_is_judged_again(
    code: str, changes: dict[str, object]
) -> None:
    verdict = judge_again(SOUND._replace(**changes))  # type: ignore[arg-type]

    assert verdict is not None
    assert verdict.code == code


def test_a_field_that_was_asked_for_all_along_is_not_looked_at_again() -> None:
    assert judge_again(SOUND._replace(given=frozenset())) is None
    assert judge_again(SOUND._replace(asked_since=("联系电话",))) is None


@pytest.mark.parametrize("fen", [90_000, 200_000])
def test_the_bounds_themselves_are_allowed(fen: int) -> None:
    assert judge(SOUND._replace(amount=Money(fen))) is None


def test_a_sheet_needs_no_card() -> None:
    rule = replace_rule(channel=Channel.SIGNATURE_SHEET, archive_required=False)
    row = SOUND._replace(
        channel=Channel.SIGNATURE_SHEET,
        category=rule,
        given=SOUND.given - {CARD_FIELD},
        card_is_text=False,
    )

    assert judge(row) is None


def test_who_may_sign_may_also_be_paid_by_card() -> None:
    assert judge(SOUND._replace(category=replace_rule(channel=Channel.SIGNATURE_SHEET))) is None


def replace_rule(**changes: object) -> CategoryRule:
    import msgspec

    return msgspec.structs.replace(RULE, **changes)
