"""Officers: people who act for organisations, in roles that are valid in time, with keys."""

from dataclasses import replace
from datetime import date
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from ledger.domain.aggregate import Act, Event, Root
from ledger.domain.sealed import Sealed
from ledger.domain.values import stable_id
from ledger.errors import Kind, LedgerError


class Role(StrEnum):
    """Posts of the finance-discipline rules; the values are the words of the registers."""

    HANDLER = "经办"
    REVIEWER = "复核"
    APPROVER = "审批"
    CASHIER = "出纳"
    ACCOUNTANT = "会计"
    AUDITOR = "审计"
    INSPECTOR = "纪检"
    SYSTEM_ADMINISTRATOR = "系统管理"
    SECURITY_ADMINISTRATOR = "安全管理"
    AUDIT_ADMINISTRATOR = "审计管理"


OWN_CUSTODY = "officer"
"""Nobody but the officer has the private key."""

BUSINESS = frozenset({Role.HANDLER, Role.REVIEWER, Role.APPROVER, Role.CASHIER, Role.ACCOUNTANT})
OBSERVERS = frozenset({Role.AUDITOR, Role.INSPECTOR})
ADMINISTRATORS = frozenset(
    {Role.SYSTEM_ADMINISTRATOR, Role.SECURITY_ADMINISTRATOR, Role.AUDIT_ADMINISTRATOR}
)


def incompatible(role: str) -> frozenset[Role]:
    """Return the posts that nobody holds beside this one, wherever they are.

    Observers and administrators do no business, and the three administrators are three people
    (三员分立). What one person may not do twice in one item is asked of the item.

    Source: 行政事业单位内部控制规范(试行) (财会〔2012〕21号), 不相容岗位相互分离; GB/T 22239-2019.
    """
    if role in BUSINESS:
        return OBSERVERS | ADMINISTRATORS
    if role in OBSERVERS:
        return BUSINESS | ADMINISTRATORS
    return frozenset(Role) - {role}


class RoleMissing(LedgerError):
    """Nobody acts in a role they do not hold for that organisation on that day."""

    code = "duty.role_missing"
    kind = Kind.FORBIDDEN

    def __init__(self, officer_id: UUID, role: str, organisation_id: UUID, day: date) -> None:
        super().__init__(
            f"officer {officer_id} does not hold role {role}"
            f" for organisation {organisation_id} on {day}"
        )


class PostsIncompatible(LedgerError):
    """Some posts are never one person's: who watches does not pay, who grants does not act."""

    code = "duty.posts_incompatible"
    kind = Kind.FORBIDDEN

    def __init__(self, officer_id: UUID, role: str, held: str) -> None:
        super().__init__(f"officer {officer_id} holds {held}, and cannot hold {role} beside it")


class KeyNotProposed(LedgerError):
    """A second officer confirms what the first one handed in, not something else."""

    code = "officer.key_not_proposed"
    kind = Kind.ABSENT

    def __init__(self, officer_id: UUID, key_id: str) -> None:
        super().__init__(f"officer {officer_id} has handed in no key {key_id}")


class OwnKeyConfirmed(LedgerError):
    """Nobody vouches for their own key."""

    code = "officer.own_key_confirmed"
    kind = Kind.FORBIDDEN

    def __init__(self, officer_id: UUID, key_id: str) -> None:
        super().__init__(f"officer {officer_id} cannot confirm their own key {key_id}")


class KeyTaken(LedgerError):
    """A key belongs to one officer and is registered once."""

    code = "officer.key_taken"
    kind = Kind.CONFLICT

    def __init__(self, officer_id: UUID, key_id: str) -> None:
        super().__init__(f"key {key_id}, handed in for officer {officer_id}, is on record already")


class KeyUnknown(LedgerError):
    """The officer has no such key in force."""

    code = "officer.key_unknown"
    kind = Kind.ABSENT

    def __init__(self, officer_id: UUID, key_id: str) -> None:
        super().__init__(f"officer {officer_id} has no key {key_id} in force")


class Tenure(NamedTuple):
    """A role for an organisation, from a day until the day before `until`."""

    organisation_id: UUID
    role: str
    since: date
    until: date | None

    def covers(self, day: date) -> bool:
        """Say whether the role is held on the day."""
        return self.since <= day and (self.until is None or day < self.until)


class OfficerKey(NamedTuple):
    """A public key as it was registered: algorithm name, raw key in base64, who holds the other."""

    algorithm: str
    public_key: str
    in_force: bool
    custody: str = ""


class Officer(Root):
    TOPIC = "officer"

    class Appointed(Event, frozen=True):
        """The name is sealed under the officer's own data key, like every person's."""

        TOPIC = "officer.appointed"
        staff_number: str
        subject_id: UUID
        identity: Sealed

        def apply(self, aggregate: "Officer") -> None:
            aggregate.staff_number = self.staff_number
            aggregate.tenures = []
            aggregate.keys = {}
            aggregate.proposals = {}

    class RoleGranted(Event, frozen=True):
        """`until` came later: the first day on which it is held no more, where that is known.

        Its end is an event of its own, too; but that carries no signature, and could be left out.
        """

        TOPIC = "officer.role_granted"
        VOUCHES = True
        organisation_id: UUID
        role: str
        until: date | None = None

        def apply(self, aggregate: "Officer") -> None:
            tenure = Tenure(self.organisation_id, self.role, self.happened_on, self.until)
            aggregate.tenures.append(tenure)

    class RoleEnded(Event, frozen=True):
        TOPIC = "officer.role_ended"
        organisation_id: UUID
        role: str

        def apply(self, aggregate: "Officer") -> None:
            aggregate.tenures = [
                tenure._replace(until=self.happened_on)
                if tenure[:2] == (self.organisation_id, self.role)
                and tenure.covers(self.happened_on)
                else tenure
                for tenure in aggregate.tenures
            ]

    class KeyProposed(Event, frozen=True):
        """The officer handed in a public key, and showed that they have its private half.

        It signs nothing until a second officer has confirmed whose it is.
        """

        TOPIC = "officer.key_proposed"
        key_id: str
        algorithm: str
        public_key: str

        def apply(self, aggregate: "Officer") -> None:
            aggregate.proposals[self.key_id] = OfficerKey(
                self.algorithm, self.public_key, in_force=False
            )

    class KeyRegistered(Event, frozen=True):
        """`custody` says who holds the private key.

        `officer`: the officer alone; `operator_keyring`: whoever enters a past campaign holds it
        for them, so the signature shows diligence, not the officer's own will.
        """

        TOPIC = "officer.key_registered"
        VOUCHES = True
        key_id: str
        algorithm: str
        public_key: str
        custody: str

        def apply(self, aggregate: "Officer") -> None:
            aggregate.keys[self.key_id] = OfficerKey(
                self.algorithm, self.public_key, in_force=True, custody=self.custody
            )
            aggregate.proposals.pop(self.key_id, None)

    class KeyRevoked(Event, frozen=True):
        TOPIC = "officer.key_revoked"
        key_id: str
        reason: str

        def apply(self, aggregate: "Officer") -> None:
            aggregate.keys[self.key_id] = aggregate.keys[self.key_id]._replace(in_force=False)

    class KeyCompromised(Event, frozen=True):
        """Somebody else had the key: what it signed from position `counts_from` on is in doubt."""

        TOPIC = "officer.key_compromised"
        key_id: str
        counts_from: int
        reason: str

        def apply(self, aggregate: "Officer") -> None:
            aggregate.keys[self.key_id] = aggregate.keys[self.key_id]._replace(in_force=False)

    staff_number: str
    tenures: list[Tenure]
    keys: dict[str, OfficerKey]  # by key id
    proposals: dict[str, OfficerKey]  # handed in, and not confirmed yet

    @classmethod
    def appoint(
        cls, act: Act, *, staff_number: str, subject_id: UUID, identity: Sealed
    ) -> "Officer":
        return cls.begin(
            cls.Appointed,
            act,
            officer_id(staff_number),
            staff_number=staff_number,
            subject_id=subject_id,
            identity=identity,
        )

    def grant(
        self, act: Act, *, organisation_id: UUID, role: str, until: date | None = None
    ) -> None:
        """Give a post from the day of the act on; one that is held already stays as it is.

        Until before a day, where one is named.

        Raises:
            PostsIncompatible: On that day or later they hold one that does not go with it.
            RoleMissing: It would end before it begins.
        """
        if self.holds(role, {organisation_id}, act.happened_on):
            return
        if until is not None and until < act.happened_on:
            raise RoleMissing(self.id, role, organisation_id, until)
        for tenure in self.tenures:
            ended = tenure.until is not None and tenure.until <= act.happened_on
            if not ended and tenure.role in incompatible(role):
                raise PostsIncompatible(self.id, role, tenure.role)
        self.trigger_event(
            self.RoleGranted, act, organisation_id=organisation_id, role=role, until=until
        )
        if until is not None:
            last = replace(act, happened_on=until)
            self.trigger_event(self.RoleEnded, last, organisation_id=organisation_id, role=role)

    def end(self, act: Act, *, organisation_id: UUID, role: str) -> None:
        if not self.holds(role, {organisation_id}, act.happened_on):
            raise RoleMissing(self.id, role, organisation_id, act.happened_on)
        self.trigger_event(self.RoleEnded, act, organisation_id=organisation_id, role=role)

    def propose_key(self, act: Act, *, key_id: str, algorithm: str, public_key: str) -> None:
        if key_id in self.keys:
            raise KeyTaken(self.id, key_id)
        if key_id not in self.proposals:
            self.trigger_event(
                self.KeyProposed,
                act,
                key_id=key_id,
                algorithm=algorithm,
                public_key=public_key,
            )

    def confirm_key(self, act: Act, *, key_id: str, custody: str) -> None:
        """Put a key that was handed in to force; somebody else does, who compared its id.

        Raises:
            KeyNotProposed: It was not handed in, or is in force already.
            OwnKeyConfirmed: The officer themselves would.
        """
        proposed = self.proposals.get(key_id)
        if proposed is None:
            raise KeyNotProposed(self.id, key_id)
        if act.actor == str(self.id):
            raise OwnKeyConfirmed(self.id, key_id)
        self.register_key(
            act,
            key_id=key_id,
            algorithm=proposed.algorithm,
            public_key=proposed.public_key,
            custody=custody,
        )

    def register_key(
        self, act: Act, *, key_id: str, algorithm: str, public_key: str, custody: str
    ) -> None:
        if key_id in self.keys:
            raise KeyTaken(self.id, key_id)
        self.trigger_event(
            self.KeyRegistered,
            act,
            key_id=key_id,
            algorithm=algorithm,
            public_key=public_key,
            custody=custody,
        )

    def revoke_key(self, act: Act, *, key_id: str, reason: str) -> None:
        self.key_in_force(key_id)
        self.trigger_event(self.KeyRevoked, act, key_id=key_id, reason=reason)

    def give_up_key(self, act: Act, *, key_id: str, counts_from: int, reason: str) -> None:
        """Record that somebody else had the key from a position of the log on.

        Raises:
            KeyUnknown: It was never this officer's.
        """
        if key_id not in self.keys:
            raise KeyUnknown(self.id, key_id)
        self.trigger_event(
            self.KeyCompromised, act, key_id=key_id, counts_from=counts_from, reason=reason
        )

    def keys_by_state(self) -> list[tuple[str, OfficerKey, str]]:
        """Return each key's id, the key, and its state: in_force, ended or proposed."""
        registered = [
            (key_id, key, "in_force" if key.in_force else "ended")
            for key_id, key in self.keys.items()
        ]
        return registered + [(key_id, key, "proposed") for key_id, key in self.proposals.items()]

    def has_own_key(self, *, in_force: bool = False) -> bool:
        """Say whether they ever had a key that nobody else holds, or have one now."""
        own = [each for each in self.keys.values() if each.custody == OWN_CUSTODY]
        return any(each.in_force or not in_force for each in own)

    def key_in_force(self, key_id: str) -> OfficerKey:
        """Return the officer's key of this id.

        Raises:
            KeyUnknown: Never registered for this officer, or revoked.
        """
        key = self.keys.get(key_id)
        if key is None or not key.in_force:
            raise KeyUnknown(self.id, key_id)
        return key

    def holds(self, role: str, organisation_ids: set[UUID], day: date) -> bool:
        """Say whether the officer held the role for one of the organisations on the day."""
        return any(
            tenure.role == role
            and tenure.organisation_id in organisation_ids
            and tenure.covers(day)
            for tenure in self.tenures
        )


def officer_id(staff_number: str) -> UUID:
    return stable_id("officer", staff_number)
