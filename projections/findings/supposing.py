"""What is supposed of rules: an earlier version of one, or the limits of a policy's adoption."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ledger.errors import Kind, LedgerError
from projections.findings.limits import Version


class RuleNotNamed(LedgerError):
    """A version is one of a rule."""

    code = "finding.rule_not_named"
    kind = Kind.INVALID

    def __init__(self, version: int) -> None:
        super().__init__(f"version {version} of which rule")


class PolicyNotNamed(LedgerError):
    """Where there are several policies it is said whose adoption is meant, and which one."""

    code = "finding.policy_not_named"
    kind = Kind.INVALID

    def __init__(self, codes: Iterable[str]) -> None:
        super().__init__(f"adoption of which policy: {', '.join(sorted(codes))}")


class NoSuchAdoption(LedgerError):
    """A policy has the adoptions that were on record at the moment that is asked of."""

    code = "finding.no_such_adoption"
    kind = Kind.ABSENT

    def __init__(self, policy: str, number: int, newest: int) -> None:
        super().__init__(f"policy {policy} has no adoption {number}, its newest is {newest}")


class Supposition(NamedTuple):
    """`version` of a `rule`, and the `adoption`th reading of a `policy`; what is None stands."""

    rule: str | None = None
    version: int | None = None
    policy: str | None = None
    adoption: int | None = None

    @property
    def made(self) -> bool:
        """Whether anything is supposed; a rule alone is no more than a filter."""
        return self.version is not None or self.adoption is not None


def instead_of(versions: Sequence[Version], supposing: Supposition) -> Version | None:
    """Return the adoption that is supposed to stand for its policy; None where none is.

    Raises:
        PolicyNotNamed, NoSuchAdoption: As they say.
    """
    if supposing.adoption is None:
        return None
    codes = {each.adopted.code for each in versions}
    if supposing.policy is None and len(codes) > 1:
        raise PolicyNotNamed(codes)
    code = supposing.policy or next(iter(codes), "")
    of = {each.number: each for each in versions if each.adopted.code == code}
    if supposing.adoption not in of:
        raise NoSuchAdoption(code, supposing.adoption, max(of, default=0))
    return of[supposing.adoption]
