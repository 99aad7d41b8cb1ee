"""The lists behind figures: where each of them is made up row by row."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from ledger.domain.disbursement import Status
from ledger.domain.policy import Channel
from ledger.files.amounts import yuan
from projections.asked import Moment
from projections.findings.finding import Finding
from projections.movements import Kind

EVERY_YEAR = 0
PAID = "paid"


@dataclass(frozen=True, slots=True)
class Behind:
    """Lists of an organisation with all below it, or of it `alone`; of all, where there is no code.

    Their moment is that of the figure.
    """

    code: str | None
    alone: bool
    moment: Moment

    def payments(self, **conditions: object) -> str:
        return self._address("/ledger", **self._place(), **conditions)

    @property
    def received(self) -> str:
        return self._address("/flow/receipts", year=EVERY_YEAR, **self._place())

    @property
    def came_down(self) -> str:
        return self._address("/flow/allocations", year=EVERY_YEAR, **self._side("taker"))

    @property
    def passed_on(self) -> str:
        return self._address("/flow/allocations", year=EVERY_YEAR, **self._side("giver"))

    @property
    def in_hand(self) -> str:
        return self._address("/flow/holdings", year=EVERY_YEAR, **self._place())

    def held_of(self, vintage: int) -> str:
        return self._address("/flow/holdings", year=EVERY_YEAR, vintage=vintage, **self._place())

    def opening(self, year: int, vintage: int | None = None) -> str:
        """What of a year's opening surplus reached people, document by document."""
        return self._address("/flow/opening", year=year, vintage=vintage, **self._place())

    @property
    def paid(self) -> str:
        return self.payments(status=PAID)

    @property
    def returned(self) -> str:
        """What the bank ever sent back: the payments that still stand so may be fewer."""
        return self.payments(kind=Kind.RETURN.value)

    @property
    def in_transit(self) -> str:
        return self.payments(status=Status.IN_TRANSIT.value)

    @property
    def unanswered(self) -> str:
        return self.payments(status=Status.IN_TRANSIT.value, channel=Channel.BANK_CARD.value)

    @property
    def findings(self) -> str:
        return self._address("/findings", **self._place())

    def findings_of(self, severity: str) -> str:
        return self._address("/findings", **self._place(), severity=severity)

    def deadline(self, campaign: str, name: str) -> str:
        return self._address("/deadlines", **self._place(), campaign=campaign, name=name)

    def of_finding(self, finding: Finding, campaign: str | None) -> str:
        """Return what a finding rests on."""
        if finding.detail in MADE_GOOD:
            kind, channel = MADE_GOOD[finding.detail], CHANNELS.get(finding.rule)
            return self.payments(campaign=campaign, kind=kind, channel=channel)
        return self._by_rule(finding, campaign) or self._by_ids(finding, campaign)

    def _by_rule(self, finding: Finding, campaign: str | None) -> str | None:
        """Return the list that a rule looks at, where it has one of its own."""
        back = {"campaign": campaign, "kind": Kind.RETURN.value}
        lists: Mapping[str, Callable[[], str]] = {
            "C2": lambda: self.payments(**back, reason="NAME_MISMATCH"),
            "D2": lambda: self._signatures(finding),
            "D5": lambda: self.deadline(campaign or "", finding.detail or ""),
            "F3": lambda: self.in_hand,
            "G1": lambda: self._address("/overview", organisation=self.code, year=finding.year),
            "G3": lambda: self._address("/flow", organisation=self.code, year=finding.year),
            "G4": lambda: self._address("/flow", organisation=self.code, year=finding.year),
            **(
                {"H4": lambda: self.payments(kind=Kind.RECEIPT.value)}
                if finding.position is None
                else {}
            ),
            "B4": lambda: self.payments(
                campaign=campaign,
                category=finding.detail,
                **({} if finding.position is None else _exactly(finding)),
            ),
            "B5": lambda: self.payments(campaign=campaign, **_exactly(finding)),
            "F4": lambda: f"/bank/{finding.account_id}",
            "F6": lambda: f"/bank/{finding.account_id}",
            "F9": lambda: self._address("/remittances", organisation=self.code, state="on_its_way"),
            "J3": lambda: self.payments(**back),
            "K1": lambda: self._address("/batches", organisation=self.code),
        }
        found = lists.get(finding.rule)
        return None if found is None else found()

    def _signatures(self, finding: Finding) -> str:
        if finding.detail in DEVICES:
            return f"/findings/devices/{finding.position}"
        if finding.detail in ALIKE:
            return "/findings/signatures"
        return f"/verify/{finding.position}"

    def _by_ids(self, finding: Finding, campaign: str | None) -> str:
        """Return the payments, the batch or the entry that a finding names."""
        if finding.detail in (Status.RETURNED, Status.IN_TRANSIT):
            channel = CHANNELS.get(finding.rule)
            return self.payments(campaign=campaign, status=finding.detail, channel=channel)
        if finding.person_id is not None:
            return f"/trace/people/{finding.person_id}"
        if finding.payment_ids:
            return f"/trace/payments/{finding.payment_ids[0]}"
        if finding.batch_id is not None:
            return f"/batches/{finding.batch_id}"
        if finding.position is None:
            return "/integrity"
        return f"/verify/{finding.position}"

    def _place(self) -> dict[str, object]:
        return {"organisation": self.code, "alone": "yes" if self.alone and self.code else None}

    def _side(self, side: str) -> dict[str, object]:
        alone = "yes" if self.alone else None
        return {} if self.code is None else {side: self.code, f"{side}_alone": alone}

    def _address(self, path: str, **conditions: object) -> str:
        asked = {**conditions, "as_of": self.moment.as_of, "at": self.moment.at}
        query = urlencode({name: value for name, value in asked.items() if value is not None})
        return f"{path}?{query}" if query else path


MADE_GOOD: Mapping[str | None, str | None] = {
    "paid_again_late": Kind.REISSUE.value,
    "withdrawn_again": Kind.WITHDRAWAL.value,
    "reached_late": None,
    "signed_late": None,
}
"""What is told of payments that were made good late or not at all, and which movements show it."""

DEVICES = ("pace", "in_a_row", "night")
ALIKE = ("strokes", "image", "same")
"""What D2 says of devices, and of signatures beside one another."""


def _exactly(finding: Finding) -> dict[str, object]:
    """Return the conditions that payments of one amount meet."""
    each = yuan((finding.amount_fen or 0) // finding.count)
    return {"least": each, "most": each}


CHANNELS = {
    "D3": Channel.SIGNATURE_SHEET.value,
    "G5": Channel.BANK_CARD.value,
    "J4": Channel.BANK_CARD.value,
    "F5": Channel.BANK_CARD.value,
}
"""By which channel the payments went that a rule looks at."""
