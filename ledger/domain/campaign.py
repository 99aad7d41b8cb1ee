"""Campaigns: one round of visits under one policy, within one fiscal year."""

from datetime import date
from uuid import UUID

from ledger.domain.aggregate import Act, Event, Root
from ledger.domain.values import stable_id
from ledger.errors import Kind, LedgerError


class PeriodBackwards(LedgerError):
    """A period ends on or after the day it starts."""

    code = "campaign.period_backwards"
    kind = Kind.INVALID

    def __init__(self, starts_on: date, ends_on: date) -> None:
        super().__init__(f"the campaign starts on {starts_on} and ends before that, on {ends_on}")


class Campaign(Root):
    TOPIC = "campaign"

    class Opened(Event, frozen=True):
        TOPIC = "campaign.opened"
        code: str
        name: str
        starts_on: date
        ends_on: date
        fiscal_year: int
        policy_id: UUID

        def apply(self, aggregate: "Campaign") -> None:
            aggregate.code = self.code
            aggregate.fiscal_year = self.fiscal_year
            aggregate.policy_id = self.policy_id

    code: str
    fiscal_year: int
    policy_id: UUID

    @classmethod
    def open(
        cls,
        act: Act,
        *,
        code: str,
        name: str,
        starts_on: date,
        ends_on: date,
        fiscal_year: int,
        policy_id: UUID,
    ) -> "Campaign":
        if ends_on < starts_on:
            raise PeriodBackwards(starts_on, ends_on)
        return cls.begin(
            cls.Opened,
            act,
            campaign_id(code),
            code=code,
            name=name,
            starts_on=starts_on,
            ends_on=ends_on,
            fiscal_year=fiscal_year,
            policy_id=policy_id,
        )


def campaign_id(code: str) -> UUID:
    return stable_id("campaign", code)
