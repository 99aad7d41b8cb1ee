"""The province key: cities make tags of people under it, which the province can only compare.

Whoever has the key and a list of tags can try all ID numbers, of which there are few. So the key
stays with the cities, and what lists hold is sealed for the province alone: neither has both.
"""

import hmac
import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import scrypt, sha256
from typing import ClassVar, Self

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from ledger.errors import Kind, LedgerError

KEY_BYTES = 32

SCRYPT_N, SCRYPT_R, SCRYPT_P = 2**12, 8, 1
"""What one tag costs: 4 MiB and some milliseconds, for those who try all ID numbers, too.

A stored list is compared under these values for good; other ones ask for another `_Written.format`.
"""

INFO = b"nuanzhang tag list 1"
FORMAT = "nuanzhang province key 1"


class ProvinceKeyUnreadable(LedgerError):
    """The file is no province key, or no opening key of the province."""

    code = "province_key.unreadable"
    kind = Kind.INVALID

    def __init__(self, expected: str) -> None:
        super().__init__(f"this is no {expected}")


class NotSealedForUs(LedgerError):
    """The list was sealed for another opening key, or was altered on its way."""

    code = "province_key.not_for_us"
    kind = Kind.BROKEN

    def __init__(self) -> None:
        super().__init__("the list of tags does not open with this key, or was altered")


class _Written(msgspec.Struct, forbid_unknown_fields=True):
    format: str
    edition: int
    key: str


@dataclass(frozen=True, slots=True)
class ProvinceKey:
    """One edition of the key; a new one makes all other tags of the same people."""

    edition: int
    raw: bytes = field(repr=False)

    @classmethod
    def make(cls, edition: int) -> Self:
        return cls(edition, secrets.token_bytes(KEY_BYTES))

    @classmethod
    def from_text(cls, text: bytes) -> Self:
        """Read what `text` wrote.

        Raises:
            ProvinceKeyUnreadable: It is something else.
        """
        try:
            read = msgspec.json.decode(text, type=_Written)
            raw = bytes.fromhex(read.key)
        except (msgspec.MsgspecError, UnicodeDecodeError, ValueError):
            raise ProvinceKeyUnreadable("province key") from None
        if read.format != FORMAT or len(raw) != KEY_BYTES or read.edition < 1:
            raise ProvinceKeyUnreadable("province key")
        return cls(read.edition, raw)

    def text(self) -> bytes:
        return msgspec.json.encode(_Written(FORMAT, self.edition, self.raw.hex())) + b"\n"

    @property
    def name(self) -> str:
        """Name the key by its edition, and by what tells two of one edition apart."""
        return f"{self.edition}-{self._digest('name')[:8].hex()}"

    def tags(self, id_numbers: list[str], period: str) -> list[str]:
        """Return the tag of each ID number for a period: 64 hex digits.

        Tags of different periods have nothing in common, so nobody is followed from one to another.

        Source: RFC 7914 (scrypt), under HMAC-SHA-256 with the key.
        """
        salt = self._digest("salt", period)

        def tag(number: str) -> str:
            slow = scrypt(
                number.encode(), salt=salt, n=SCRYPT_N, r=SCRYPT_R, p=SCRYPT_P, dklen=KEY_BYTES
            )
            return self._digest("tag", period, slow.hex()).hex()

        with ThreadPoolExecutor() as pool:
            return list(pool.map(tag, id_numbers))

    def _digest(self, *named: str) -> bytes:
        # Each part with its length, so that no two lists of parts give the same bytes.
        message = b"".join(b"%d:%b" % (len(part), part) for part in map(str.encode, named))
        return hmac.digest(self.raw, message, "sha256")


@dataclass(frozen=True, slots=True)
class OpeningKey:
    """The province's own key: what cities seal for it, it opens. No city has it."""

    SUITE: ClassVar[Suite] = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)

    private: X25519PrivateKey = field(repr=False)

    @classmethod
    def make(cls) -> Self:
        return cls(X25519PrivateKey.generate())

    @classmethod
    def from_text(cls, text: bytes) -> Self:
        """Read what `text` wrote.

        Raises:
            ProvinceKeyUnreadable: It is something else.
        """
        try:
            raw = bytes.fromhex(text.decode().strip())
            return cls(X25519PrivateKey.from_private_bytes(raw))
        except ValueError:
            raise ProvinceKeyUnreadable("opening key of a province") from None

    def text(self) -> bytes:
        return self.private.private_bytes_raw().hex().encode() + b"\n"

    @property
    def recipient(self) -> str:
        """Return the public half, 64 hex digits, which cities seal for."""
        return self.private.public_key().public_bytes_raw().hex()

    def open(self, sealed: bytes) -> bytes:
        """Open what `seal_for` sealed.

        Raises:
            NotSealedForUs: It was sealed for another, or altered.

        Source: RFC 9180, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM.
        """
        try:
            return self.SUITE.decrypt(sealed, self.private, INFO)
        except (InvalidTag, ValueError):
            raise NotSealedForUs from None


def seal_for(recipient: str, content: bytes) -> bytes:
    """Seal a list for the province; see `OpeningKey.open`.

    Raises:
        ProvinceKeyUnreadable: That is no public half of an opening key.
    """
    try:
        public = X25519PublicKey.from_public_bytes(bytes.fromhex(recipient))
        return OpeningKey.SUITE.encrypt(content, public, INFO)
    except ValueError:
        raise ProvinceKeyUnreadable("public half of an opening key: 64 hex digits") from None


def recipient_id(recipient: str) -> str:
    """Name an opening key in the log: 32 hex digits of the SHA-256 of its public half, bare."""
    return sha256(bytes.fromhex(recipient)).hexdigest()[:32]
