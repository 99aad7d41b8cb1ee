"""Whether the policy of the day allowed it: for whom, by which channel, and how much."""

from collections.abc import Iterator

from sqlalchemy import func, select

from ledger.domain.policy import AmountRule, Channel
from ledger.domain.rules import CARD_FIELD, FIELDS
from projections.explanation.asked import Asked, Reading
from projections.explanation.checked import Checked, Fact, Outcome, Scope
from projections.payment_states import disbursements


def entitlement(asked: Asked, reading: Reading | None) -> Iterator[Checked]:
    """A1, A2, A7, B1, B2, C1, F1: what a reading of the policy says of the payment."""
    rule = asked.category_by(reading)
    category = Fact("category", asked.payment.category)
    if rule is None:
        yield Checked("F1", Outcome.BROKEN, (category,))
        return
    where = (Fact("source", rule.source), Fact("confidence", rule.confidence))
    yield Checked("F1", Outcome.HELD, (category, *where))
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
    channel = Fact("channel", asked.payment.channel)
    if rule.channel is not Channel.BANK_CARD:
        yield Checked("C1", Outcome.NOT_ASKED, (category, channel))
    else:
        kept = asked.payment.channel == Channel.BANK_CARD
        facts = (category, channel, Fact("required_channel", rule.channel.value))
        yield Checked("C1", Outcome.HELD if kept else Outcome.BROKEN, facts)


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


def _archive(asked: Asked, *, required: bool) -> Iterator[Checked]:
    category, paid = (
        Fact("category", asked.payment.category),
        Fact("paid_on", asked.payment.happened_on),
    )
    if not required:
        yield Checked("A1", Outcome.NOT_ASKED, (category,))
        yield Checked("A2", Outcome.NOT_ASKED, (category,))
        return
    opened = [each for each in asked.files if each.opened_on <= asked.paid_on]
    live = [each for each in opened if each.closed_on is None or each.closed_on > asked.paid_on]
    first = min((each.opened_on.isoformat() for each in live or opened), default=None)
    yield Checked(
        "A1", Outcome.HELD if opened else Outcome.BROKEN, (Fact("opened_on", first), paid)
    )
    closed = [each.closed_on.isoformat() for each in opened if each.closed_on is not None]
    left = max(closed) if opened and not live else None
    yield Checked(
        "A2",
        Outcome.HELD if live else Outcome.BROKEN if opened else Outcome.NOT_ASKED,
        (paid,) if left is None else (Fact("closed_on", left), paid),
    )


def _judged(code: str, line: AmountRule | None, facts: tuple[Fact, ...]) -> Checked:
    if line is None:
        return Checked(code, Outcome.NOT_ASKED)
    return Checked(code, Outcome.HELD, (*facts, *_where(line)), scope=Scope.BATCH)


def _where(limit: AmountRule) -> tuple[Fact, Fact]:
    return Fact("source", limit.source), Fact("confidence", limit.confidence)
