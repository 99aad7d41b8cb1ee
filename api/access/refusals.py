"""What access says no with; never which part of a name and a password was wrong."""

from ledger.errors import Kind, LedgerError


class NotSignedIn(LedgerError):
    """Nobody knows who is asking."""

    code = "access.not_signed_in"
    kind = Kind.UNKNOWN_CALLER

    def __init__(self) -> None:
        super().__init__("sign in, or send a token that is in force")


class SignInFailed(LedgerError):
    """Staff number and password do not go together; which of them is wrong is not said."""

    code = "access.sign_in_failed"
    kind = Kind.UNKNOWN_CALLER

    def __init__(self) -> None:
        super().__init__("staff number and password do not go together")


class TooManyTries(LedgerError):
    """This device or address has to wait; others who know the password need not."""

    code = "access.wait"
    kind = Kind.BUSY

    def __init__(self, retry_after_s: int) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(f"too many tries from here; try again in {retry_after_s} seconds")


class PresenceNotProved(LedgerError):
    """What lets in for longer than a session is made by who has just shown who they are."""

    code = "access.presence_not_proved"
    kind = Kind.FORBIDDEN

    def __init__(self) -> None:
        super().__init__(
            "show anew who you are, by password or passkey: a token or passkey is made, or a"
            " passkey removed, within ten minutes of it"
        )


class TooManyLooks(LedgerError):
    """Whole numbers and names are sought, and lists tried, so often a day: nobody guesses them."""

    code = "access.too_many_looks"
    kind = Kind.BUSY

    def __init__(self, most: int) -> None:
        super().__init__(
            f"today's {most} looks at people by whole values are used up; go on tomorrow, or by"
            " values as they are shown masked"
        )


class InvitationUnknown(LedgerError):
    """The code was never given out, was used, or is too old."""

    code = "access.invitation_unknown"
    kind = Kind.UNKNOWN_CALLER

    def __init__(self) -> None:
        super().__init__("this code is not in force; ask the security administrator for another")


class PasswordWeak(LedgerError):
    """The password is easily guessed."""

    code = "access.password_weak"
    kind = Kind.INVALID

    def __init__(self, cause: str) -> None:
        super().__init__(f"choose another password: {cause}")


class AccountUnknown(LedgerError):
    """Nobody was invited under this id."""

    code = "access.account_unknown"
    kind = Kind.ABSENT

    def __init__(self, officer_id: str) -> None:
        super().__init__(f"officer {officer_id} has no account; invite them first")


class TokenUnknown(LedgerError):
    """The officer has no such token."""

    code = "access.token_unknown"
    kind = Kind.ABSENT

    def __init__(self, token_id: str) -> None:
        super().__init__(f"no token {token_id} is in force")


class PasskeyUnknown(LedgerError):
    """The officer has no such passkey."""

    code = "access.passkey_unknown"
    kind = Kind.ABSENT

    def __init__(self, passkey_id: str) -> None:
        super().__init__(f"there is no passkey {passkey_id}")


class PasskeyRefused(LedgerError):
    """What the authenticator answered does not hold here."""

    code = "access.passkey_refused"
    kind = Kind.UNKNOWN_CALLER

    def __init__(self, cause: str) -> None:
        super().__init__(f"the passkey was not accepted: {cause}")
