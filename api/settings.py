"""Settings, each from an environment variable of the same name; there are few on purpose."""

from pathlib import Path

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from ledger.errors import Kind, LedgerError

PREFIX = "NUANZHANG_"


class SettingsInvalid(LedgerError):
    """A setting is not of its kind. Its value is not repeated: it may be a secret."""

    code = "settings.invalid"
    kind = Kind.INVALID

    def __init__(self, invalid: ValidationError) -> None:
        super().__init__(
            "; ".join(
                f"{PREFIX}{'_'.join(map(str, each['loc'])).upper()}: {each['msg']}"
                for each in invalid.errors(include_input=False, include_url=False)
            )
        )


class Settings(BaseSettings):
    """Every setting has a default, so that nothing need be configured."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, use_attribute_docstrings=True)

    def __init__(self) -> None:
        """Read the environment.

        Raises:
            SettingsInvalid: One is not of its kind.
        """
        try:
            super().__init__()
        except ValidationError as invalid:
            raise SettingsInvalid(invalid) from None

    home: Path = Path("nuanzhang-data")
    """Folder that holds all state: log, vault, read models and keys (NUANZHANG_HOME)."""

    database: SecretStr | None = None
    """Address of the PostgreSQL database that holds the log, `postgresql://…`; it may be kept in
    the home folder instead. None: a file in the home folder holds it (NUANZHANG_DATABASE)."""

    port: int = Field(8017, ge=0, le=65535)
    """TCP port on the loopback address that `serve` listens on (NUANZHANG_PORT)."""

    host: str = "127.0.0.1"
    """Address that `serve` listens on; another than the loopback one asks for a reverse proxy with
    TLS in front of it (NUANZHANG_HOST)."""

    workers: int = 1
    """Processes that `serve` answers with; several need the log in PostgreSQL (NUANZHANG_WORKERS).
    """

    origin: str = ""
    """Where browsers find the service, e.g. `https://zhang.example.org`; empty: this machine alone
    (NUANZHANG_ORIGIN)."""

    webhooks_inside: bool = False
    """Whether webhooks may lead to this machine and into private networks; elsewhere than in a
    closed network they may not (NUANZHANG_WEBHOOKS_INSIDE)."""

    verify_every_s: int = 300
    """Seconds between two verifications of what is new in the log, while it is served; 0: on
    request alone (NUANZHANG_VERIFY_EVERY_S)."""

    verify_whole_every_s: int = 86400
    """Seconds between two verifications of the whole log (NUANZHANG_VERIFY_WHOLE_EVERY_S)."""

    witness_home: Path = Path("nuanzhang-witness")
    """Folder of the witness program, apart from any ledger (NUANZHANG_WITNESS_HOME)."""

    service_key: SecretStr | None = None
    """The ledger's private key, where it is not to stand in a file (NUANZHANG_SERVICE_KEY)."""

    pkcs11_module: Path | None = None
    """Driver of a token, a shared library (NUANZHANG_PKCS11_MODULE)."""

    pkcs11_token: str = ""
    """Label of the token (NUANZHANG_PKCS11_TOKEN)."""

    pkcs11_pin: SecretStr = SecretStr("")
    """What opens the token (NUANZHANG_PKCS11_PIN)."""

    pkcs11_key: str = ""
    """Label of the key in the token that signs; empty: it is elsewhere (NUANZHANG_PKCS11_KEY)."""
