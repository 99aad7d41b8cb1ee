"""A province fetches what its cities publish, from a real server, and believes none of it."""

import io
import ssl
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import httpx2
import pytest
from typer.testing import CliRunner, Result

from api.cli.main import app
from api.cli.province_fetching import AuthoritiesUnreadable
from api.fetching import FetchFailed, fetch
from tests.background.receiver import Quiet, answering
from tests.background.test_webhooks import certificate
from tests.packs.test_consolidation import Province
from tests.packs.test_consolidation import province as province  # noqa: PLC0414 - a fixture


@dataclass
class Server:
    """Answers a path with what stands there: status, body, and how long it claims the body is."""

    port: int
    authorities: Path
    files: dict[str, bytes] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    claimed: dict[str, int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    drip_s: float = 0

    def url(self, path: str, scheme: str = "https") -> str:
        return f"{scheme}://localhost:{self.port}{path}"

    def client(self) -> httpx2.Client:
        return httpx2.Client(verify=ssl.create_default_context(cafile=self.authorities))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    public, private = certificate("localhost")
    (tmp_path / "both.pem").write_bytes(public + private)
    (tmp_path / "authorities.pem").write_bytes(public)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "both.pem")

    class Handler(Quiet, BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            serving.asked.append(self.path)
            body = serving.files.get(self.path, b"")
            self.send_response(serving.statuses.get(self.path, 200 if body else 404))
            self.send_header("Location", "/elsewhere")
            length = serving.claimed.get(self.path, len(body))
            self.send_header("Content-Length", str(length))
            self.end_headers()
            for at in range(0, len(body), 1000):
                self.wfile.write(body[at : at + 1000])
                time.sleep(serving.drip_s)

    with answering(Handler, tls) as port:
        serving = Server(port, tmp_path / "authorities.pem")
        yield serving


def fetched(province: Province, server: Server, *more: str) -> Result:
    """List both cities with addresses, and fetch."""
    lines = []
    for name, side in province.cities.items():
        lines += [f"[cities.{name}]", f'key = "{side.key_id}"']
        lines += [f'origin = "{side.world.ledger.origin}"', f'file = "{name}.zip"']
        lines += [f'pack_at = "{server.url(f"/{name}.zip?let=me-in")}"']
    (province.folder / "province.toml").write_text("\n".join(lines), encoding="utf-8")
    file = str(province.folder / "province.toml")
    words = ["province", "fetch", file, "--authorities", str(server.authorities)]
    return CliRunner().invoke(app, [*words, *more])


def test_what_was_fetched_is_put_together(province: Province, server: Server) -> None:
    for name in province.cities:
        path = province.publish(name)
        server.files[f"/{name}.zip?let=me-in"] = path.read_bytes()
        path.unlink()

    done = fetched(province, server)

    assert done.exit_code == 0, done.output
    assert province.consolidate()[0].exit_code == 0


def test_a_city_that_cannot_be_had_is_named_and_the_others_go_on(
    province: Province, server: Server
) -> None:
    kept = province.publish("north").read_bytes()
    south = province.publish("south").read_bytes()
    server.files["/south.zip?let=me-in"] = south
    (province.folder / "south.zip").unlink()

    done = fetched(province, server)

    assert done.exit_code == 1
    assert "north: no pack: it answered with status 404" in done.output
    assert f"south: pack of {len(south)} bytes" in done.output
    assert "let=me-in" not in done.output
    assert (province.folder / "north.zip").read_bytes() == kept
    assert province.consolidate()[0].exit_code == 0


def test_a_city_whose_file_has_no_place_is_named_and_the_others_go_on(
    province: Province, server: Server
) -> None:
    for name in province.cities:
        server.files[f"/{name}.zip?let=me-in"] = province.publish(name).read_bytes()
    lines = []
    for name, file in (("north", "packs/north.zip"), ("south", "south.zip")):
        side = province.cities[name]
        lines += [f"[cities.{name}]", f'key = "{side.key_id}"', f'file = "{file}"']
        lines += [f'origin = "{side.world.ledger.origin}"']
        lines += [f'pack_at = "{server.url(f"/{name}.zip?let=me-in")}"']
    path = province.folder / "province.toml"
    path.write_text("\n".join(lines), encoding="utf-8")

    words = ["province", "fetch", str(path), "--authorities", str(server.authorities)]
    done = CliRunner().invoke(app, words)

    assert isinstance(done.exception, SystemExit), done.exception
    assert done.exit_code == 1
    assert "north: no pack: it cannot be put in its place (No such file" in done.output
    assert "south: pack of" in done.output


def zipped() -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("a", "b" * 5000)
    return written.getvalue()


def test_a_file_is_replaced_only_by_a_whole_one(server: Server, tmp_path: Path) -> None:
    place = tmp_path / "city.zip"
    place.write_bytes(b"before")
    whole = zipped()
    server.files = {
        "/whole": whole,
        "/cut": whole,
        "/page": b"<html>come back later</html>",
        "/moved": whole,
    }
    server.claimed["/cut"] = len(whole) + 1
    server.statuses["/moved"] = 302
    refused = {
        server.url("/cut"): "cannot be reached",
        server.url("/page"): "no pack",
        server.url("/moved"): "has moved",
        server.url("/none"): "status 404",
        server.url("/whole", "http"): "no https address",
        "https://localhost:1/whole": "cannot be reached",
        "https://[": "cannot be reached",
        "": "no https address",
    }

    with server.client() as client:
        for url, told in refused.items():
            with pytest.raises(FetchFailed, match=told):
                fetch(client, url, place, 10_000, archive=True)
        with pytest.raises(FetchFailed, match="larger than 5000 bytes"):
            fetch(client, server.url("/whole"), place, 5_000, archive=True)
        assert place.read_bytes() == b"before"
        assert fetch(client, server.url("/whole"), place, 10_000, archive=True) == len(whole)

    assert place.read_bytes() == whole
    wrong = {tmp_path: "Is a directory", place / "pack": "Not a directory"}
    with server.client() as client:
        for path, told in wrong.items():
            with pytest.raises(FetchFailed, match=told):
                fetch(client, server.url("/whole"), path, 10_000, archive=True)
    assert "/elsewhere" not in server.asked
    assert not list(tmp_path.glob("*.new"))


def test_a_server_that_never_ends_is_left(server: Server, tmp_path: Path) -> None:
    server.files["/slow"] = b"x" * 1_000_000
    server.drip_s = 0.02
    with server.client() as client, pytest.raises(FetchFailed, match="took too long"):
        fetch(client, server.url("/slow"), tmp_path / "a", 10**7, archive=False, total_s=0.2)


def test_who_is_certified_by_nobody_known_is_not_asked(server: Server, tmp_path: Path) -> None:
    server.files["/whole"] = zipped()
    with httpx2.Client() as client, pytest.raises(FetchFailed, match="cannot be reached"):
        fetch(client, server.url("/whole"), tmp_path / "a", 10_000, archive=True)
    assert server.asked == []


def test_a_file_that_certifies_nobody_is_refused(province: Province, server: Server) -> None:
    server.authorities.write_text("nobody")
    assert isinstance(fetched(province, server).exception, AuthoritiesUnreadable)
