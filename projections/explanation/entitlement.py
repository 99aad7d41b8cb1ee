"""Whether the policy of the day allowed it: for whom, by which channel, and how much."""

from collections.abc import Iterator
from datetime import date

from sqlalchemy import func, select

from ledger.domain.policy import AmountRule, CategoryRule, Channel
from ledger.domain.recipient import OnFile, standing_with
from ledger.domain.rules import CARD_FIELD, FIELDS
from projections.explanation.asked import Asked, Reading
from projections.explanation.checked import Checked, Fact, Ground, Outcome, Scope
from projections.findings.archive import (
    Category,
    doubted_beside,
    entered_after,
    refusals_of,
)
from projections.findings.purposes import drawn_last, other_money
from projections.listed_people import NOT_ON_FILE
from projections.payment_states import disbursements


def entitlement(asked: Asked, reading: Reading | None) -> Iterator[Checked]:
    """A1, A2, A7, B1, B2, C1, F1: what a reading of the policy says of the payment."""
    rule = asked.category_by(reading)
    category = Fact("category", asked.payment.category)
    if rule is None:
        yield Checked("F1", Outcome.BROKEN, (category,))
        return
    where = (Fact("source", rule.source), Fact("confidence", rule.confidence))
    yield _of_money(asked, reading, rule, (category, *where))
    yield from _archive(asked, required=rule.archive_required)
    line = rule.monthly_income_below
    # The income itself stands sealed: that it was judged is known from the approval.
    yield _judged("A7", line, () if line is None else (Fact("income_below_fen", line.amount_fen),))
    amount = asked.payment.amount_fen
    for code, name, limit in (
        ("B1", "minimum_fen", rule.minimum),
        ("B2", "maximum_fen", rule.maximum),
    ):
        if limit is None:
            yield Checked(code, Outcome.NOT_ASKED, (category,))
            continue
        kept = amount >= limit.amount_fen if code == "B1" else amount <= limit.amount_fen
        yield Checked(
            code,
            Outcome.HELD if kept else Outcome.BROKEN,
            (Fact("amount_fen", amount), Fact(name, limit.amount_fen), *_where(limit)),
        )
    yield _by_card(asked, reading, rule)


def _of_money(
    asked: Asked, reading: Reading | None, rule: CategoryRule, facts: tuple[Fact, ...]
) -> Checked:
    """F1: of what money it was paid last, by the reading of that day, or by one that is supposed.

    Where the reading of that day knows the category no more, that of its approval counts.
    """
    drawn = drawn_last(asked.connection, asked.payment.disbursement_id)
    if drawn is not None and reading == asked.reading:
        rule = asked.category_by(asked.reading_on(drawn.happened_on, drawn.position)) or rule
    purposes = tuple(
        Fact(name, "、".join(words))
        for name, words in (("paid_from", rule.paid_from), ("earmarks", rule.earmarks))
        if words
    )
    other = [
        name
        for money in (() if drawn is None else drawn.money)
        for _, name in other_money(rule.paid_from, rule.earmarks, *money)
    ]
    if not other:
        return Checked("F1", Outcome.HELD, (*facts, *purposes))
    told = Fact("other_money", "、".join(dict.fromkeys(other)))
    return Checked("F1", Outcome.BROKEN, (*facts, *purposes, told))


def listing(asked: Asked) -> Iterator[Checked]:
    """D4, E1, J1: what was judged when the row was listed, and again when it was approved."""
    rule = asked.category
    fields = list(FIELDS)
    fields += [CARD_FIELD] if asked.payment.channel == Channel.BANK_CARD else []
    fields += [] if rule is None else [each for each in rule.required_fields if each not in fields]
    listed = Fact("listed_on", asked.batch.happened_on)
    yield Checked("D4", Outcome.HELD, (Fact("fields", "、".join(fields)), listed))
    of = disbursements.c
    paid = asked.connection.execute(
        select(func.count()).where(
            of.person_id == asked.payment.person_id.bytes,
            # Not to be looked for: a person's payments are few, a campaign's are not.
            func.hex(of.campaign_id) == asked.payment.campaign_id.hex.upper(),
        )
    ).scalar_one()
    once = Outcome.HELD if paid == 1 else Outcome.BROKEN
    yield Checked("E1", once, (Fact("campaign", asked.campaign.code), Fact("paid_count", paid)))
    amount = asked.payment.amount_fen
    yield Checked(
        "J1", Outcome.HELD if amount > 0 else Outcome.BROKEN, (Fact("amount_fen", amount),)
    )


def changed_by(asked: Asked) -> list[str]:
    """Return the rules that a later reading of the policy would answer otherwise."""
    if asked.later_reading is None:
        return []
    then = {each.rule: each.outcome for each in entitlement(asked, asked.reading)}
    now = {each.rule: each.outcome for each in entitlement(asked, asked.later_reading)}
    return sorted(code for code in then | now if then.get(code) != now.get(code))


def _by_card(asked: Asked, reading: Reading | None, rule: CategoryRule) -> Checked:
    """C1: by card where the class asks for it; and paid by sheet in another class while on file."""
    payment = asked.payment
    facts = [Fact("category", payment.category), Fact("channel", payment.channel)]
    if rule.channel is Channel.BANK_CARD:
        kept = payment.channel == Channel.BANK_CARD
        facts.append(Fact("required_channel", rule.channel.value))
        return Checked("C1", Outcome.HELD if kept else Outcome.BROKEN, tuple(facts))
    named = () if reading is None else reading.adopted.categories
    categories = [Category(each.name, each.channel, each.archive_required) for each in named]
    known = [each for each in asked.files if each.position < payment.position]
    if doubted_beside(payment.category, payment.channel, categories, known, asked.paid_on) is None:
        return Checked("C1", Outcome.NOT_ASKED, tuple(facts))
    _, file = standing_with(known, asked.paid_on)
    assert file is not None  # noqa: S101 - a live one is what is doubted
    facts.append(Fact("opened_on", file.opened_on.isoformat()))
    return Checked("C1", Outcome.BROKEN, tuple(facts), position=file.position)


def _archive(asked: Asked, *, required: bool) -> Iterator[Checked]:
    """A1, A2: whether somebody was on file when it was sent last, and since when or until when."""
    if not required:
        category = Fact("category", asked.payment.category)
        yield Checked("A1", Outcome.NOT_ASKED, (category,))
        yield Checked("A2", Outcome.NOT_ASKED, (category,))
        return
    day = asked.sent_on
    paid: tuple[Fact, ...] = (Fact("paid_on", asked.payment.happened_on),)
    paid += () if day == asked.paid_on else (Fact("paid_again_on", day.isoformat()),)
    on_file, file = standing_with(asked.files, day)
    opened = Fact("opened_on", None if file is None else file.opened_on.isoformat())
    absent = on_file is OnFile.ABSENT
    yield Checked(
        "A1", Outcome.BROKEN if absent else Outcome.HELD, (opened, *paid), _refused(asked, day)
    )
    closed = None if file is None or on_file is OnFile.LIVE else file.closed_on
    left = () if closed is None else (Fact("closed_on", closed.isoformat()),)
    yield Checked("A2", _LEFT[on_file], (*left, *paid))


_LEFT = {
    OnFile.LIVE: Outcome.HELD,
    OnFile.CLOSED: Outcome.BROKEN,
    OnFile.ABSENT: Outcome.NOT_ASKED,
}


def _refused(asked: Asked, day: date) -> tuple[Ground, ...]:
    """Tell of a list that refused the person as not on file, before the file was entered."""
    person, campaign = asked.payment.person_id.bytes, asked.payment.campaign_id.bytes
    refusals = refusals_of(asked.every, [person]).get((person, campaign), ())
    found = entered_after(refusals, asked.files, day)
    if found is None:
        return ()
    position, refused_on = found
    code = NOT_ON_FILE
    return (Ground("filed_after_refusal", None, refused_on.isoformat(), position, code=code),)


def _judged(code: str, line: AmountRule | None, facts: tuple[Fact, ...]) -> Checked:
    if line is None:
        return Checked(code, Outcome.NOT_ASKED)
    return Checked(code, Outcome.HELD, (*facts, *_where(line)), scope=Scope.BATCH)


def _where(limit: AmountRule) -> tuple[Fact, Fact]:
    return Fact("source", limit.source), Fact("confidence", limit.confidence)
