"""Tiles, bundles and proofs in the public forms: one way to write each, nothing else is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.evidence.merkle import ProofBroken
from ledger.evidence.proofs import Receipt
from ledger.evidence.tlog_proof import read_tlog_proof, write_tlog_proof
from ledger.evidence.tlog_tiles import (
    BundleBroken,
    Tile,
    TilePathUnknown,
    read_bundle,
    tiles_of,
    write_bundle,
)
from tests.evidence.sample_log import sample_log
from tests.evidence.sample_vectors import receipt_for

levels = st.one_of(st.none(), st.integers(0, 63))
tiles = st.builds(Tile, levels, st.integers(0, 10**12), st.integers(1, 256))


@given(tiles)
def test_a_path_reads_back_as_its_tile(tile: Tile) -> None:
    assert Tile.from_path(tile.path()) == tile


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 1234067), "tile/0/x001/x234/067"),
        (Tile(0, 273, 112), "tile/0/273.p/112"),
        (Tile(None, 5), "tile/entries/005"),
        (Tile(2, 0, 1), "tile/2/000.p/1"),
        (Tile(1, 1000), "tile/1/x001/000"),
    ],
)
def test_paths_are_those_of_the_specification(tile: Tile, path: str) -> None:
    assert tile.path() == path


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/0",
        "tile/0/0000",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/0/-01",
        "tile/0/x000/001",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/../000",
        "tile/0/000/",
        "tile/0/٠٠١",
        "tile/entry/000",
        "tile/entries/x001",
        "/tile/0/000",
        "tile/0/000\n",
        "tile/0/000.p/",
        "tile/0/" + "x001/" * 7 + "001",
        "tile/0/" + "x001/" * 2000 + "001",
        "",
    ],
)
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(TilePathUnknown):
        Tile.from_path(path)


def test_a_tree_has_the_tiles_of_the_specification() -> None:
    # The example of tlog-tiles: a tree of 70,000 entries.
    found = [tile for tile in tiles_of(70_000) if tile.level is not None]

    assert [tile.width for tile in found if tile.level == 0] == [256] * 273 + [112]
    assert [tile.width for tile in found if tile.level == 1] == [256, 17]
    assert [tile.width for tile in found if tile.level == 2] == [1]
    assert len(found) == 277


def test_a_full_tile_has_no_partial_beside_it() -> None:
    assert [(tile.level, tile.width) for tile in tiles_of(256)] == [(None, 256), (0, 256), (1, 1)]


@given(st.integers(0, 200_000), st.integers(0, 3_000))
def test_a_grown_tree_needs_what_it_had_not(since: int, more: int) -> None:
    size = since + more

    new = set(tiles_of(size, since))

    assert new == set(tiles_of(size)) - set(tiles_of(since))
    assert all(tile.is_within(size) for tile in new)


@given(st.lists(st.binary(max_size=400), max_size=256))
def test_a_bundle_reads_back_as_its_entries(entries: list[bytes]) -> None:
    assert read_bundle(write_bundle(entries)) == entries


@given(st.lists(st.binary(min_size=1, max_size=50), min_size=1, max_size=5), st.data())
def test_a_bundle_cut_off_is_refused_or_shorter(entries: list[bytes], data: st.DataObject) -> None:
    whole = write_bundle(entries)
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]

    try:
        read = read_bundle(cut)
    except BundleBroken:
        return
    assert read == entries[: len(read)] != entries


def test_an_entry_too_long_for_its_length_is_refused() -> None:
    assert len(write_bundle([bytes(65535)])) == 65537
    with pytest.raises(BundleBroken):
        write_bundle([bytes(65536)])


def receipt() -> Receipt:
    return receipt_for(sample_log(), 3)


def test_a_receipt_reads_back_from_its_tlog_proof() -> None:
    text = write_tlog_proof(receipt())

    assert read_tlog_proof(text) == receipt()
    lines = text.split("\n")
    assert lines[0] == "c2sp.org/tlog-proof@v1"
    assert lines[2] == "index 3"
    assert text.endswith("\n" + receipt().checkpoint)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("index 3", "index 03"),
        ("index 3", "index +3"),
        ("index 3", "index -3"),
        ("index 3", "index ٣"),
        ("index 3", "index 3\nAAAA"),
        ("proof@v1", "proof@v2"),
        ("extra ", "extras "),
        ("=\n\n", "\n\n"),
        ("\n\n", "\n"),
        ("c2sp", "\nc2sp"),
    ],
)
def test_a_proof_in_another_form_is_refused(old: str, new: str) -> None:
    with pytest.raises(ProofBroken):
        read_tlog_proof(write_tlog_proof(receipt()).replace(old, new, 1))


def test_a_linear_path_is_refused() -> None:
    # CVE-2022-36111: a verifier that takes as many steps as it is given proves anything.
    lines = write_tlog_proof(receipt()).split("\n")
    longer = [*lines[:3], *["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="] * 70, *lines[3:]]

    with pytest.raises(ProofBroken):
        read_tlog_proof("\n".join(longer))
