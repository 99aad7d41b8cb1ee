"""The driver's connection, with what it lacks: it does not wait for a server that is gone."""

from functools import cache
from typing import Any

from ledger.postgresql import DriverMissing
from ledger.postgresql_waiting import heeded

ASKED_FOR_S = 3
PROOF_MAX_S = 10.0
"""So long a server has, once we are connected, to show that it is able to commit."""
UNREPLICATED = "SyncRepWaitForLSN"
"""The server's function that waits for the replicas. Its name is in no user's language."""


@cache
def driver() -> Any:
    """Return the driver; an office whose log is in a file does without it.

    Raises:
        DriverMissing: It is not installed.
    """
    try:
        import psycopg  # noqa: PLC0415 - as said
    except ModuleNotFoundError:
        raise DriverMissing from None
    return psycopg


@cache
def line() -> Any:
    """Return the class of connections, which cannot be named before the driver is there."""
    base: Any = driver().Connection

    class Line(base):  # type: ignore[misc]
        def __init__(self, *given: Any, **named: Any) -> None:
            super().__init__(*given, **named)
            self.silence_max_s = PROOF_MAX_S
            self._unreplicated = False
            self.add_notice_handler(self._notice)
            # As text a list of four hundred ids takes a hundred times as long to write.
            self.adapters.register_dumper(list, driver().types.array.ListBinaryDumper)

        def wait(self, gen: Any, *given: Any, **named: Any) -> Any:
            gone = driver().OperationalError("the server is silent")
            found = super().wait(
                heeded(gen, self.silence_max_s, self._is_there, gone), *given, **named
            )
            if self._unreplicated:
                # An administrator broke off the wait for the replicas. The server calls that a
                # commit, but it is one that a failover would lose.
                self.close()
                raise driver().OperationalError("not replicated")
            return found

        def _notice(self, told: Any) -> None:
            self._unreplicated |= told.source_function == UNREPLICATED

        def _is_there(self) -> bool:
            """Say whether the very server that we wait for answers a newcomer."""
            there = {**self.info.get_parameters(), "host": self.info.host, "port": self.info.port}
            there |= {"hostaddr": self.info.hostaddr} if self.info.hostaddr else {}
            there |= {"password": self.info.password} if self.info.password else {}
            there |= {"connect_timeout": ASKED_FOR_S, "target_session_attrs": "any"}
            try:
                driver().connect(**there).close()
            except driver().OperationalError:
                return False
            return True

    return Line
