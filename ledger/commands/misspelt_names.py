"""A payee's name that the roster has wrong: put right as a payment that came back is made again."""

from collections.abc import Mapping
from uuid import UUID

from ledger.commands.sealing import ARCHIVE_FILE, PAYEE, unseal
from ledger.domain.disbursement import Disbursement, Ground, Status
from ledger.domain.recipient import Recipient
from ledger.errors import Kind, LedgerError
from ledger.files.text import person_name
from ledger.store.application import Ledger, Work

NAME_MISMATCH = "NAME_MISMATCH"


class NameNotDoubted(LedgerError):
    """A name is put right where the bank sent money back for it; else it stays as approved."""

    code = "reissue.name_not_doubted"
    kind = Kind.CONFLICT

    def __init__(self, disbursement_id: UUID) -> None:
        super().__init__(f"the bank did not send payment {disbursement_id} back for its name")


class NameAndCard(LedgerError):
    """The name is put right for the card that the bank refused; nobody changes both at once."""

    code = "reissue.name_and_card"
    kind = Kind.INVALID

    def __init__(self, disbursement_id: UUID) -> None:
        super().__init__(f"payment {disbursement_id} would change its name and its card at once")


class NameOfAnother(LedgerError):
    """It is neither the name on file nor the one that was approved with one slip put right."""

    code = "reissue.name_of_another"
    kind = Kind.INVALID

    def __init__(self, disbursement_id: UUID) -> None:
        super().__init__(
            f"payment {disbursement_id}: the archive has another name, or the name differs by more"
            " than one slip"
        )


def put_right(
    work: Work, payment: Disbursement, given: str, where: Mapping[str, str]
) -> tuple[str, Ground]:
    """Return how the name is spelt from now on, and what ties it to the person.

    A name that an attempt before had may always be put back, so that the payment is made again as
    the bank says that it arrived: to the card that it goes to, or as that attempt stood.

    The person stays who they are by their ID number. The name has to be one that the archive has
    for that number, or, where the archive has none but the wrong one, be the one that was approved
    with a single slip put right, however often that is tried: nobody else is paid by calling them
    a misspelling, nor a misspelling of one.

    Args:
        work: The piece of work.
        payment: The payment; it came back, or was withdrawn.
        given: The name as it is to be.
        where: Card and bank that are given in the same act.

    Raises:
        NameNotDoubted, NameAndCard, NameOfAnother: As they say.
        PersonErased: The recipient's data is gone, or may not be used.
    """
    payees, name = _payees(work, payment), person_name(given)
    approved, paid_to = payees[0]["name"], payees[-1]["name"]
    before = [each for each in payees if each["name"] == name]
    if name != paid_to and before:
        if where and not any(where.items() <= each.items() for each in before):
            raise NameAndCard(payment.id)
        return name, Ground.BEFORE
    if payment.status is not Status.RETURNED or not _sent_back_for_its_name(work, payment):
        raise NameNotDoubted(payment.id)
    if where:
        raise NameAndCard(payment.id)
    on_file = _names_on_file(work, payment.person_id)
    if name != paid_to and name in on_file:
        return name, Ground.ON_FILE
    if name == paid_to or on_file - {paid_to, approved} or not is_slip(approved, name):
        raise NameOfAnother(payment.id)
    return name, Ground.SLIP


def _payees(work: Work, payment: Disbursement) -> list[dict[str, str]]:
    """Return whom it was to be paid to each time, as it was approved first."""
    return [
        unseal(work.ledger, payment.person_id, PAYEE, event.payee)
        for event in work.ledger.events.get(payment.id, lte=payment.version)
        if isinstance(event, Disbursement.Instructed | Disbursement.Reissued)
    ]


def was_put_right(ledger: Ledger, payment: Disbursement) -> bool:
    """Say whether a payment was made again under another name, so that one may be put back."""
    return any(
        isinstance(event, Disbursement.Reissued) and event.name_put_right is not None
        for event in ledger.events.get(payment.id, lte=payment.version)
    )


def _sent_back_for_its_name(work: Work, payment: Disbursement) -> bool:
    last = work.ledger.event(payment.id, payment.outcomes[-1][0])
    return isinstance(last, Disbursement.Returned) and last.reason == NAME_MISMATCH


def _names_on_file(work: Work, person: UUID) -> set[str]:
    recipient = work.find(Recipient, person)
    files = [] if recipient is None else recipient.files.values()
    opened = (unseal(work.ledger, person, ARCHIVE_FILE, each.details) for each in files)
    return {name for each in opened if (name := person_name(each.get("name", "")))}


def is_slip(wrong: str, right: str) -> bool:
    """Say whether one slip of the hand makes one name of another.

    One character is another, is missing or one too many, or two neighbours changed places. What is
    left of a name has to be a name of two characters at least.
    """
    if min(len(wrong), len(right)) < 2 or wrong == right:  # noqa: PLR2004 - characters of a name
        return False
    head = _alike(wrong, right)
    wrong, right = wrong[head:], right[head:]
    tail = _alike(wrong[::-1], right[::-1])
    wrong, right = wrong[: len(wrong) - tail], right[: len(right) - tail]
    swapped = len(wrong) == 2 and wrong == right[::-1]  # noqa: PLR2004 - neighbours
    return swapped or max(len(wrong), len(right)) == 1


def _alike(one: str, other: str) -> int:
    """Return how many characters two texts begin with in common."""
    for at, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return at
    return min(len(one), len(other))
