"""Where webhooks may go: to public addresses, and to the very one that was looked at.

Source: OWASP, Server-Side Request Forgery Prevention; RFC 6890 (special-purpose addresses).
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from ledger.errors import Kind, LedgerError

Address = IPv4Address | IPv6Address
Lookup = Callable[[str, int], Awaitable[list[str]]]
"""Returns the addresses of a host's name."""

URL_LENGTH_MAX = 500
NAT64 = IPv6Network("64:ff9b::/96")
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")


class UrlRefused(LedgerError):
    """Webhooks go to https addresses out there, not to what stands in this house."""

    code = "webhook.url_refused"
    kind = Kind.INVALID

    def __init__(self, cause: str) -> None:
        super().__init__(f"the address is not one for webhooks: {cause}")


async def looked_up(host: str, port: int) -> list[str]:
    """Return the addresses of a host, as this machine resolves its name."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(sockaddr[0]) for *_, sockaddr in found]


def require_url(url: str, *, inside: bool) -> None:
    """Check how an address is written, and where it leads if it says so without a name.

    Args:
        url: The address.
        inside: Whether this machine and private networks are allowed.

    Raises:
        UrlRefused: It is not https, carries a password, or leads inside.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise UrlRefused("it cannot be read") from None
    if len(url) > URL_LENGTH_MAX or not url.isascii() or not url.isprintable() or " " in url:
        raise UrlRefused(f"it has odd characters, or more than {URL_LENGTH_MAX} of them")
    if not host or parts.username is not None or parts.password is not None or parts.fragment:
        raise UrlRefused("it is a host and a path, without password and fragment")
    at_home = inside and host in LOOPBACK_NAMES
    if parts.scheme != "https" and not (at_home and parts.scheme == "http"):
        raise UrlRefused("it has to begin with https")
    try:
        host.encode("idna")  # as whoever looks the name up does
    except UnicodeError:
        raise UrlRefused("its host has a part that is empty, or too long for a name") from None
    try:
        literal = ip_address(host)
    except ValueError:
        return
    if not inside and not is_public(literal):
        raise UrlRefused("it leads inside")


async def pinned(url: str, lookup: Lookup, *, inside: bool) -> str:
    """Return the address to connect to; every address that the name has must be allowed.

    What was looked at is connected to: a name that is asked twice may answer otherwise the second
    time (DNS rebinding).

    Raises:
        UrlRefused: One of its addresses leads inside, or there is none.
        OSError: The name is not known.
    """
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    found = [
        ip_address(each.partition("%")[0]) for each in await lookup(parts.hostname or "", port)
    ]
    if not found:
        raise UrlRefused("its name has no address")
    if not inside and not all(map(is_public, found)):
        raise UrlRefused("it leads inside")
    return str(found[0])


def is_public(address: Address) -> bool:
    """Say whether an address is out there, also when another stands in it."""
    if isinstance(address, IPv6Address):
        within = address.ipv4_mapped or address.sixtofour
        if address in NAT64:
            within = IPv4Address(int(address) & 0xFFFFFFFF)
        if within is not None:
            return is_public(within)
        if address.teredo is not None or address.is_site_local:
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved
