"""Personal data as it stands in an event: sealed, with a commitment to what was sealed."""

import msgspec


class Sealed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Ciphertext under one person's data key, and the SHA-256 of the salted plaintext.

    The commitment lets an evidence pack show later that what it unseals is what was sealed; the
    salt stands inside the ciphertext, so after erasure it tells nothing.
    """

    ciphertext: str
    commitment: str
