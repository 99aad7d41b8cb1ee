"""A payee's name that the roster has wrong: put right as a payment that came back is made again."""

from uuid import UUID

from ledger.commands.sealing import ARCHIVE_FILE, PAYEE, unseal
from ledger.domain.disbursement import Disbursement, Ground, Status
from ledger.domain.recipient import Recipient
from ledger.errors import Kind, LedgerError
from ledger.files.text import person_name
from ledger.store.application import Work

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
    work: Work, payment: Disbursement, given: str, *, with_card: bool
) -> tuple[str, Ground]:
    """Return how the name is spelt from now on, and what ties it to the person.

    The person stays who they are by their ID number. The name has to be one that the archive has
    for that number, or, where the archive has none but the wrong one, be the one that was approved
    with a single slip put right, however often that is tried: nobody else is paid by calling them
    a misspelling, nor a misspelling of one.

    Args:
        work: The piece of work.
        payment: The payment; it came back.
        given: The name as it is to be.
        with_card: Whether another card or bank is given in the same act.

    Raises:
        NameNotDoubted, NameAndCard, NameOfAnother: As they say.
        PersonErased: The recipient's data is gone, or may not be used.
    """
    if payment.status is not Status.RETURNED or not _sent_back_for_its_name(work, payment):
        raise NameNotDoubted(payment.id)
    if with_card:
        raise NameAndCard(payment.id)
    paid_to = unseal(work.ledger, payment.person_id, PAYEE, payment.payee)["name"]
    name, on_file = person_name(given), _names_on_file(work, payment.person_id)
    if name != paid_to and name in on_file:
        return name, Ground.ON_FILE
    approved = _approved_name(work, payment)
    if name == paid_to or on_file - {paid_to, approved} or not is_slip(approved, name):
        raise NameOfAnother(payment.id)
    return name, Ground.SLIP


def _approved_name(work: Work, payment: Disbursement) -> str:
    instructed = work.ledger.event(payment.id, 1)
    assert isinstance(instructed, Disbursement.Instructed)  # noqa: S101 - begins every payment
    return unseal(work.ledger, payment.person_id, PAYEE, instructed.payee)["name"]


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
