"""A policy's terms as they are handed in and shown, and as they are adopted."""

from api.v1 import forms
from ledger.domain.policy import (
    AmountRule,
    CategoryRule,
    Deadline,
    LimitRule,
    Policy,
    PolicyTerms,
    RatioRule,
    SurplusTargets,
    YearsRule,
)
from ledger.domain.values import BasisPoints, Money


def terms_of(form: forms.PolicyForm) -> PolicyTerms:
    """Return the terms that a form asks to adopt."""
    minimum, within = form.first_year_minimum, form.all_within
    return PolicyTerms(
        code=form.code,
        title=form.title,
        effective_from=form.effective_from,
        categories=tuple(
            CategoryRule(
                source=each.source,
                confidence=each.confidence,
                name=each.name,
                channel=each.channel,
                archive_required=each.archive_required,
                required_fields=tuple(each.required_fields),
                minimum=_amount(each.minimum),
                maximum=_amount(each.maximum),
                monthly_income_below=_amount(each.monthly_income_below),
                paid_from=tuple(each.paid_from),
                earmarks=tuple(each.earmarks),
            )
            for each in form.categories
        ),
        surplus=SurplusTargets(
            first_year_minimum=None
            if minimum is None
            else RatioRule(
                source=minimum.source,
                confidence=minimum.confidence,
                basis_points=BasisPoints(minimum.basis_points),
            ),
            all_within=None
            if within is None
            else YearsRule(source=within.source, confidence=within.confidence, years=within.years),
        ),
        deadlines=tuple(
            Deadline(
                source=each.source, confidence=each.confidence, name=each.name, due_on=each.due_on
            )
            for each in form.deadlines
        ),
        limits=tuple(
            LimitRule(
                source=each.source, confidence=each.confidence, name=each.name, value=each.value
            )
            for each in form.limits
        ),
    )


def _amount(terms: forms.AmountTerms | None) -> AmountRule | None:
    if terms is None:
        return None
    return AmountRule(
        source=terms.source, confidence=terms.confidence, amount_fen=Money(terms.amount_fen)
    )


def form_of(adopted: Policy.Adopted) -> forms.PolicyForm:
    """Show rules as they were handed in; what an older form allowed is shown too."""
    return forms.PolicyForm.model_construct(
        code=adopted.code,
        title=adopted.title,
        effective_from=adopted.effective_from,
        categories=[
            forms.CategoryForm.model_construct(
                name=each.name,
                channel=each.channel,
                archive_required=each.archive_required,
                required_fields=list(each.required_fields),
                source=each.source,
                confidence=each.confidence,
                minimum=_terms_of(each.minimum),
                maximum=_terms_of(each.maximum),
                monthly_income_below=_terms_of(each.monthly_income_below),
                paid_from=list(each.paid_from),
                earmarks=list(each.earmarks),
            )
            for each in adopted.categories
        ],
        first_year_minimum=None
        if adopted.surplus.first_year_minimum is None
        else forms.RatioTerms.model_validate(adopted.surplus.first_year_minimum),
        all_within=None
        if adopted.surplus.all_within is None
        else forms.YearsTerms.model_validate(adopted.surplus.all_within),
        deadlines=[forms.DeadlineForm.model_validate(each) for each in adopted.deadlines],
        limits=[forms.LimitForm.model_validate(each) for each in adopted.limits],
    )


def _terms_of(rule: AmountRule | None) -> forms.AmountTerms | None:
    return None if rule is None else forms.AmountTerms.model_validate(rule)
