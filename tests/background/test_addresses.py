"""Where webhooks may go, and where they may not, however it is spelt."""

import asyncio
from ipaddress import ip_address

import pytest

from api.background.addresses import UrlRefused, is_public, pinned, require_url

INSIDE = (
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fc00::1",
    "fec0::1",
    "ff02::1",
    "::ffff:10.0.0.1",
    "2002:0a00:0001::",
    "64:ff9b::a9fe:a9fe",
    "2001:0:1::1",
)


@pytest.mark.parametrize("address", INSIDE)
def test_addresses_inside_are_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f::1", "64:ff9b::5db8:d70e"])
def test_addresses_out_there_are(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.org/x",
        "ftp://hooks.example.org/x",
        "https://",
        "https://user:secret@hooks.example.org/",
        "https://user@hooks.example.org/",
        "https://hooks.example.org/#part",
        "https://hooks.example.org:notaport/",
        "https://hooks.example.org/a b",
        "https://hooks.example.org/\r\nx-injected: 1",
        "https://hooks.example.org/钩",
        "https://[::1",
        "https://127.0.0.1/",
        "https://[::ffff:127.0.0.1]/",
        "https://169.254.169.254/latest/meta-data",
        "https://hooks.example.org/" + "x" * 500,
    ],
)
def test_what_is_no_address_for_webhooks_is_refused(url: str) -> None:
    with pytest.raises(UrlRefused):
        require_url(url, inside=False)


def test_https_out_there_is_taken_and_plain_http_at_home_alone() -> None:
    require_url("https://hooks.example.org:8443/a?b=c", inside=False)
    require_url("http://127.0.0.1:9000/", inside=True)
    require_url("https://10.0.0.7/", inside=True)
    with pytest.raises(UrlRefused):
        require_url("http://10.0.0.7/", inside=True)


@pytest.mark.parametrize(
    "found", [["10.0.0.1"], ["93.184.215.14", "127.0.0.1"], ["fe80::1%eth0"], []]
)
def test_a_name_that_leads_inside_with_any_address_is_refused(found: list[str]) -> None:
    async def lookup(_host: str, _port: int) -> list[str]:
        return found

    with pytest.raises(UrlRefused):
        asyncio.run(pinned("https://hooks.example.org/", lookup, inside=False))


def test_the_first_address_of_a_name_is_the_one_to_connect_to() -> None:
    asked = []

    async def lookup(host: str, port: int) -> list[str]:
        asked.append((host, port))
        return ["93.184.215.14", "93.184.215.15"]

    url = "https://hooks.example.org:8443/"
    assert asyncio.run(pinned(url, lookup, inside=False)) == "93.184.215.14"
    assert asked == [("hooks.example.org", 8443)]
