"""Campaigns: one round of visits under one policy, within one fiscal year."""

from collections.abc import Collection
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


class CampaignClosed(LedgerError):
    """A closed campaign takes no further lists, reviews or approvals."""

    code = "campaign.closed"
    kind = Kind.CONFLICT

    def __init__(self, campaign_id: UUID) -> None:
        super().__init__(f"campaign {campaign_id} is closed")


class CampaignOfAnother(LedgerError):
    """In a campaign the union that opened it takes part, and those below it."""

    code = "campaign.of_another_union"
    kind = Kind.FORBIDDEN

    def __init__(self, campaign_id: UUID, organisation_id: UUID) -> None:
        super().__init__(f"campaign {campaign_id} is of {organisation_id} and those below it")


class Campaign(Root):
    TOPIC = "campaign"

    class Opened(Event, frozen=True):
        """A round of visits of an organisation and those below it; None is of all there are."""

        TOPIC = "campaign.opened"
        code: str
        name: str
        starts_on: date
        ends_on: date
        fiscal_year: int
        policy_id: UUID
        organisation_id: UUID | None = None

        def apply(self, aggregate: "Campaign") -> None:
            aggregate.code = self.code
            aggregate.organisation_id = self.organisation_id
            aggregate.fiscal_year = self.fiscal_year
            aggregate.policy_id = self.policy_id
            aggregate.closed = False

    class Closed(Event, frozen=True):
        """No list is drafted, reviewed or approved for it any more; what is under way ends."""

        TOPIC = "campaign.closed"
        reason: str

        def apply(self, aggregate: "Campaign") -> None:
            aggregate.closed = True

    code: str
    fiscal_year: int
    policy_id: UUID
    organisation_id: UUID | None
    closed: bool

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
        organisation_id: UUID | None = None,
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
            organisation_id=organisation_id,
        )

    def require_open(self) -> None:
        """Check that lists may still be drafted, reviewed and approved.

        Raises:
            CampaignClosed: It was closed.
        """
        if self.closed:
            raise CampaignClosed(self.id)

    def require_of(self, line: Collection[UUID]) -> None:
        """Check that an organisation takes part, by itself and all above it.

        Raises:
            CampaignOfAnother: It does not.
        """
        if self.organisation_id is not None and self.organisation_id not in line:
            raise CampaignOfAnother(self.id, self.organisation_id)

    def close(self, act: Act, *, reason: str) -> None:
        self.require_open()
        self.trigger_event(self.Closed, act, reason=reason)


def campaign_id(code: str) -> UUID:
    return stable_id("campaign", code)
