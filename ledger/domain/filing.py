"""Filings: what an organisation has to hand in by a day (签字表, 总结, 统计表)."""

from datetime import date
from uuid import UUID

from ledger.domain.aggregate import Act, Event, Root
from ledger.domain.clear_text import holds_personal_data, require_no_personal_data
from ledger.domain.values import stable_id
from ledger.errors import Kind, LedgerError

WORDS_CHARACTERS_MAX = 5_000
"""Of an office's own words in its report: about four sheets of paper."""


class WordsTooLong(LedgerError):
    """An office's own words go on some sheets of paper, and into one entry of the log."""

    code = "filing.words_too_long"
    kind = Kind.INVALID

    def __init__(self, length: int) -> None:
        super().__init__(f"{length} characters, {WORDS_CHARACTERS_MAX} at most")


class PersonalDataInWords(LedgerError):
    """What an office writes is kept in clear: it names nobody by a number."""

    code = "filing.personal_data"
    kind = Kind.INVALID

    def __init__(self) -> None:
        super().__init__("the text holds what looks like an ID, phone or card number")


class HandedInAlready(LedgerError):
    """It was handed in; a further one follows when the first is sent back."""

    code = "filing.handed_in"
    kind = Kind.CONFLICT

    def __init__(self, filing_id: UUID, since: date) -> None:
        super().__init__(f"filing {filing_id} was handed in on {since}")


class NotHandedIn(LedgerError):
    """There is nothing to send back."""

    code = "filing.not_handed_in"
    kind = Kind.CONFLICT

    def __init__(self, filing_id: UUID) -> None:
        super().__init__(f"filing {filing_id} is not handed in")


class DeadlineUnknown(LedgerError):
    """The campaign's policy asks for nothing of this name."""

    code = "filing.deadline_unknown"
    kind = Kind.INVALID

    def __init__(self, campaign_id: UUID, count: int) -> None:
        super().__init__(
            f"the policy of campaign {campaign_id} has {count} deadlines, none of this name"
        )


MINUTES = ("minutes", "会议纪要")
"""What policies call the minutes of the meeting that decided: there are some of each meeting."""


class Filing(Root):
    TOPIC = "filing"

    class HandedIn(Event, frozen=True):
        """Late where it happened after `due_on`; a late one is taken all the same."""

        TOPIC = "filing.handed_in"
        campaign_id: UUID
        organisation_id: UUID
        name: str
        due_on: date
        document_sha256: str
        handed_in_by: UUID

        def apply(self, aggregate: "Filing") -> None:
            aggregate.organisation_id = self.organisation_id
            aggregate.handed_in_on = self.happened_on

    class Narrated(Event, frozen=True):
        """What the office says in its own words in the report that it hands in with this.

        `paper` is where the figures stand that they go with; empty where it was not made here.
        """

        TOPIC = "filing.narrated"
        organisation_id: UUID
        words: str
        paper: str
        written_by: UUID

    class SentBack(Event, frozen=True):
        """An organisation above found something wrong with it; it is to be handed in again."""

        TOPIC = "filing.sent_back"
        organisation_id: UUID
        sent_back_by: UUID
        reason: str

        def apply(self, aggregate: "Filing") -> None:
            aggregate.handed_in_on = None

    organisation_id: UUID
    handed_in_on: date | None

    @classmethod
    def begin_with(
        cls,
        act: Act,
        *,
        campaign_id: UUID,
        organisation_id: UUID,
        name: str,
        due_on: date,
        document_sha256: str,
        handed_in_by: UUID,
    ) -> "Filing":
        return cls.begin(
            cls.HandedIn,
            act,
            filing_id(campaign_id, organisation_id, name),
            campaign_id=campaign_id,
            organisation_id=organisation_id,
            name=name,
            due_on=due_on,
            document_sha256=document_sha256,
            handed_in_by=handed_in_by,
        )

    def hand_in_again(
        self,
        act: Act,
        *,
        campaign_id: UUID,
        name: str,
        due_on: date,
        document_sha256: str,
        handed_in_by: UUID,
    ) -> None:
        if self.handed_in_on is not None and name not in MINUTES:
            raise HandedInAlready(self.id, self.handed_in_on)
        self.trigger_event(
            self.HandedIn,
            act,
            campaign_id=campaign_id,
            organisation_id=self.organisation_id,
            name=name,
            due_on=due_on,
            document_sha256=document_sha256,
            handed_in_by=handed_in_by,
        )

    def narrate(self, act: Act, *, words: str, paper: str, written_by: UUID) -> None:
        """Add the office's own words to what was handed in with the same act.

        Raises:
            WordsTooLong, PersonalDataInWords: As they say.
        """
        self.trigger_event(
            self.Narrated,
            act,
            organisation_id=self.organisation_id,
            words=own_words(words),
            paper=paper,
            written_by=written_by,
        )

    def send_back(self, act: Act, *, sent_back_by: UUID, reason: str) -> None:
        if self.handed_in_on is None:
            raise NotHandedIn(self.id)
        require_no_personal_data(reason)
        self.trigger_event(
            self.SentBack,
            act,
            organisation_id=self.organisation_id,
            sent_back_by=sent_back_by,
            reason=reason,
        )


def own_words(written: str) -> str:
    """Return an office's words without blanks around them.

    Raises:
        WordsTooLong, PersonalDataInWords: As they say.
    """
    words = written.replace("\r\n", "\n").strip()
    if len(words) > WORDS_CHARACTERS_MAX:
        raise WordsTooLong(len(words))
    if holds_personal_data(words):
        raise PersonalDataInWords
    return words


def filing_id(campaign_id: UUID, organisation_id: UUID, name: str) -> UUID:
    return stable_id("filing", campaign_id, organisation_id, name)
