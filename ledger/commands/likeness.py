"""Signatures held against one another as they arrive: whose look alike is put on record."""

from base64 import b64decode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from ledger.commands.sealing import SIGNATURE, unseal
from ledger.domain import handwriting, outline
from ledger.domain.bands import bands, sought
from ledger.domain.disbursement import Disbursement, Manner
from ledger.domain.signature import SignatureClaim, signature_id
from ledger.domain.strokes import Strokes, from_text
from ledger.files.pictures import ink_of
from ledger.store.act import CommandAct
from ledger.store.application import Answer, Ledger, Work
from ledger.vault.keys import PersonErased
from ledger.vault.vault import Print

COMPARISON = 1
"""Rises with every change of what is found alike: prints of another version are not compared."""

IMAGE, STROKES = "image", "strokes"
"""By what two signatures look alike."""

NEAREST_MAX = 5
"""Of those that look like a new one so many are put on record: the rest look like these."""

INK_DOTS_MIN = 30
"""Less ink than that has no outline."""


@dataclass(frozen=True, slots=True)
class Trait:
    """What is compared of a signature, how, and from which distance on it is not alike."""

    by: str
    content: bytes = field(repr=False)
    products: Sequence[float] = field(repr=False)
    distance: Callable[[bytes, bytes], int] = field(repr=False)
    alike_max: int

    @property
    def kind(self) -> str:
        return f"{self.by} {COMPARISON}"


def traits_of_strokes(strokes: Strokes) -> list[Trait]:
    """Return what a drawn signature is compared by: its line, and what its picture looks like."""
    return [line_trait(strokes), *_outlines(outline.dots_of(strokes))]


def line_trait(strokes: Strokes) -> Trait:
    """Return the line of a drawn signature."""
    return Trait(
        STROKES,
        handwriting.line_bytes(handwriting.lined(strokes)),
        handwriting.products(strokes),
        _line_distance,
        handwriting.ALIKE_MAX,
    )


def traits_of_picture(picture: bytes) -> list[Trait]:
    """Return what a scanned signature is compared by."""
    return _outlines(ink_of(picture))


def compare(
    work: Work, act: CommandAct, claim: SignatureClaim, person: UUID, traits: Sequence[Trait]
) -> None:
    """Hold a signature against those of other people, and keep what it is compared by.

    Which of them it looks like is put on record with it. Nothing is refused: two signatures that
    look alike are a doubt, and nobody who writes two names learns here what gave them away.
    """
    vault = work.ledger.vault
    for trait in traits:
        for distance, other in _nearest(work, claim, person, trait):
            claim.find_alike(
                act, other=other, by=trait.by, distance=distance, comparison=COMPARISON
            )
        # Its print may be there while nothing is on record: it was decided once before, and what
        # was found could not be stored.
        if not _has_print(work, claim, trait):
            made = Print(
                person, claim.disbursement_id, claim.image_sha256, trait.kind, trait.content
            )
            vault.keep_print(made, bands(trait.products))
    work.save(claim)


def _has_print(work: Work, claim: SignatureClaim, trait: Trait) -> bool:
    return work.ledger.vault.has_print(claim.disbursement_id, claim.image_sha256, trait.kind)


def compare_again(ledger: Ledger, act: CommandAct, disbursement_id: UUID) -> Answer:
    """Hold a payment's last signature against all others, where that was never done.

    For signatures older than the comparison, or than its version. The result says `compared`.
    """
    compared: dict[str, bool] = {}  # before this command, however often it is decided

    def decide(work: Work) -> None:
        payment = work.get(Disbursement, disbursement_id)
        claim = payment.captured and work.find(
            SignatureClaim, signature_id(payment.captured.image_sha256)
        )
        traits = [] if claim is None else kept_traits(ledger, payment)
        if claim and traits:
            for trait in traits:
                compared.setdefault(trait.kind, _has_print(work, claim, trait))
            fresh = [trait for trait in traits if not compared[trait.kind]]
            compare(work, act, claim, payment.person_id, fresh)
        work.result.update(compared=bool(traits))

    return ledger.perform(act, "signature.compare", (disbursement_id, COMPARISON), decide)


def kept_traits(ledger: Ledger, payment: Disbursement) -> list[Trait]:
    """Return what a payment's last signature is compared by; nothing of people who were erased."""
    captured = payment.captured
    if captured is None:
        return []
    try:
        opened = unseal(ledger, payment.person_id, SIGNATURE, captured.drawing)
    except PersonErased:
        return []
    if captured.manner == Manner.DRAWN:
        return traits_of_strokes(from_text(opened["strokes"]))
    return traits_of_picture(b64decode(opened["image"]))


def _nearest(
    work: Work, claim: SignatureClaim, person: UUID, trait: Trait
) -> list[tuple[int, SignatureClaim]]:
    """Return the claims of others' signatures that look alike: the nearest, and of these the first.

    What a person signs for in several campaigns looks alike, as it should.
    """
    found = []
    for each in work.ledger.vault.prints_sharing(trait.kind, sought(trait.products)):
        if each.subject == person or each.payment == claim.disbursement_id:
            continue
        distance = trait.distance(trait.content, each.content)
        if distance <= trait.alike_max:
            # What a crash left in the vault, before its event was stored, stands for nothing.
            other = work.find(SignatureClaim, signature_id(each.image))
            if other is not None and other.disbursement_id == each.payment:
                found.append((distance, other))
    found.sort(key=lambda pair: (pair[0], pair[1].image_sha256))
    return found[:NEAREST_MAX]


def _outlines(dots: outline.Dots) -> list[Trait]:
    if len(dots) < INK_DOTS_MIN:
        return []
    products = outline.products(dots)
    content = outline.hashed(products)
    return [Trait(IMAGE, content, products, outline.distance, outline.ALIKE_MAX)]


def _line_distance(one: bytes, other: bytes) -> int:
    return handwriting.distance(handwriting.line_of(one), handwriting.line_of(other))
