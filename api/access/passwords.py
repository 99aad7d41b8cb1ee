"""Passwords: argon2id, long enough, not among those that everybody tries first."""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from api.access.refusals import PasswordWeak

LENGTH_MIN = 12
LENGTH_MAX = 256
DISTINCT_MIN = 5

COMMON = ("password", "123456789", "qwertyuiop", "nuanzhang", "songwennuan", "gonghui", "admin")


class Passwords:
    """Hashes and checks. The defaults are RFC 9106's second recommended option, at 64 MiB."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=4)
        # Checked against where there is no account, so that the answer takes as long.
        self._nobodys = self._hasher.hash("nobody signs in with this")

    def hash(self, password: str, staff_number: str) -> str:
        """Return what is kept of a password.

        Raises:
            PasswordWeak: Too short, too long, or one of those that are tried first.
        """
        require_strong(password, staff_number)
        return self._hasher.hash(password)

    def rehash(self, password: str) -> str:
        """Hash a password that was accepted before, as it is done now."""
        return self._hasher.hash(password)

    def holds(self, kept: str | None, password: str) -> bool:
        """Say whether it is the password; without an account it is not, after the same time."""
        if len(password) > LENGTH_MAX:
            return False
        try:
            right = self._hasher.verify(kept or self._nobodys, password)
        except (VerifyMismatchError, VerificationError, InvalidHashError):
            return False
        return right and kept is not None

    def outdated(self, kept: str) -> bool:
        """Say whether it was hashed more cheaply than is done now."""
        return self._hasher.check_needs_rehash(kept)


def require_strong(password: str, staff_number: str) -> None:
    """Check a new password.

    Raises:
        PasswordWeak: As it says.

    Source: NIST SP 800-63B, 5.1.1.2: length, and no common words; no rules of composition.
    """
    if not LENGTH_MIN <= len(password) <= LENGTH_MAX:
        raise PasswordWeak(f"{LENGTH_MIN} to {LENGTH_MAX} characters")
    lowered = password.lower()
    if staff_number.lower() in lowered:
        raise PasswordWeak("the staff number stands in it")
    if any(common in lowered for common in COMMON) or len(set(lowered)) < DISTINCT_MIN:
        raise PasswordWeak("it is one of those that are tried first")
