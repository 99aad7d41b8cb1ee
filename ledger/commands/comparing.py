"""Signatures shown to those who compare them: on record, person by person, before that."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple
from uuid import UUID

from ledger.commands.duties import require_post
from ledger.commands.recipients import MAY_UNMASK, require_may_unmask
from ledger.commands.sealing import SIGNATURE, unseal
from ledger.commands.unnamed import perform_unnamed, require_unnamed
from ledger.domain.disbursement import Disbursement, Manner
from ledger.domain.recipient import Recipient
from ledger.store.act import CommandAct
from ledger.store.application import Ledger, NotOnRecord, Work
from ledger.vault.keys import PersonErased

FIELD = "signature"
"""What is said to have been shown, beside the fields of payees."""


class Picture(NamedTuple):
    """A signature as it was taken down: drawn it is SVG, scanned it is PNG in base64."""

    manner: str
    content: str


def show_signatures(
    ledger: Ledger, act: CommandAct, wanted: Sequence[tuple[UUID, str]], reason: str
) -> dict[tuple[UUID, str], Picture]:
    """Return pictures of signatures, by payment and hash; each person's is an event first.

    Those of people who were erased or restricted, and of files that hold hashes alone, are left
    out: nobody is shown anything of them.

    Raises:
        OfficerRequired, RoleMissing: The actor holds no role that may see personal data.
        NotOnRecord: There is no such payment, or nothing can be shown of any.
    """
    if not wanted:
        raise NotOnRecord("signature", UUID(int=0))
    require_may_unmask(ledger, act, wanted[0][0])
    payments = {id_: ledger.load(Disbursement, id_) for id_, _ in wanted}
    pictures = {}
    for id_, digest in wanted:
        payment = payments[id_]
        if payment is None:
            raise NotOnRecord("disbursement", id_)
        picture = _picture(ledger, payment, digest)
        if picture is not None:
            pictures[id_, digest] = picture
    if not pictures:
        raise NotOnRecord("signature", wanted[0][0])
    people = {
        payment.person_id: payment.organisation_id
        for id_, _ in pictures
        if (payment := payments[id_]) is not None
    }

    def decide(work: Work) -> None:
        for person, organisation in people.items():
            require_post(work, act, MAY_UNMASK, organisation)
            require_unnamed(ledger, {person}, reason)
            recipient = work.find(Recipient, person)
            if recipient is None:
                recipient = Recipient.register(
                    act, person, id_index="", organisation_id=organisation
                )
            recipient.unmask(act, fields=(FIELD,), reason=reason)
            work.save(recipient)

    # Each time that they are shown they are shown to somebody: a repetition is another event.
    anew = replace(act, idempotency_key=None)
    perform_unnamed(ledger, anew, "signature.show", (wanted, reason), wanted[0][0], decide)
    return pictures


def _picture(ledger: Ledger, payment: Disbursement, digest: str) -> Picture | None:
    """Return a picture that ever was taken down for a payment: the last one is not always it."""
    for event in ledger.events.get(payment.id):
        if isinstance(event, Disbursement.SignatureCaptured) and event.image_sha256 == digest:
            try:
                opened = unseal(ledger, payment.person_id, SIGNATURE, event.drawing)
            except PersonErased:
                return None
            return Picture(Manner(event.manner), opened["image"])
    return None
