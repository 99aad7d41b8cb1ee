"""Refusals: what the ledger says no with, in a public code and in words a clerk understands."""

from enum import Enum


class Kind(Enum):
    """What sort of no it is; the edge turns it into an HTTP status or an exit status."""

    INVALID = "invalid"  # what was handed in cannot be understood, or breaks a rule
    ABSENT = "absent"  # what was named does not exist
    STALE = "stale"  # it is not as it was when it was looked at
    CONFLICT = "conflict"  # the ledger has moved on, or holds something else under this name
    UNKNOWN_CALLER = "unknown_caller"  # nobody knows who is asking
    BUSY = "busy"  # not now; the refusal may say when
    UNREACHABLE = "unreachable"  # what it rests on does not answer; nothing is wrong with it
    FORBIDDEN = "forbidden"  # this officer may not do this
    BROKEN = "broken"  # evidence does not hold: something was altered


class LedgerError(Exception):
    """Base of all refusals. `code` is public: once released it keeps its meaning.

    The message never holds personal data: ids, codes, row numbers and amounts only.
    """

    code: str
    kind: Kind
