"""The tree: agreement with a peer, proofs of every place, and forged ones."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from ledger.evidence.merkle import (
    EMPTY_ROOT,
    Edge,
    Node,
    ProofBroken,
    consistency_path,
    inclusion_path,
    leaf_hash,
    node_hash,
    root_hash,
    verify_consistency,
    verify_inclusion,
)

trees = st.lists(st.binary(max_size=8), min_size=1, max_size=70).map(
    lambda entries: [leaf_hash(entry) for entry in entries]
)
SMALL = [leaf_hash(bytes([number])) for number in range(40)]


def root_as_defined(leaves: list[bytes]) -> bytes:
    """MTH of RFC 9162, section 2.1.1, word by word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return node_hash(root_as_defined(leaves[:k]), root_as_defined(leaves[k:]))


def reader(leaves: list[bytes]) -> Node:
    """Read complete subtrees of these leaves, and refuse to read any other."""

    def node(level: int, index: int) -> bytes:
        covered = leaves[index << level : (index + 1) << level]
        assert len(covered) == 1 << level
        return root_as_defined(covered)

    return node


@given(st.lists(st.binary(max_size=8), max_size=70))
def test_roots_agree_with_the_definition_and_with_a_peer(entries: list[bytes]) -> None:
    leaves = [leaf_hash(entry) for entry in entries]

    assert root_hash(leaves) == root_as_defined(leaves)
    if entries:
        assert root_hash(leaves) == InmemoryTree.init_from_entries(entries).get_root()


def test_the_empty_tree_has_the_root_of_the_standard() -> None:
    assert root_hash([]) == EMPTY_ROOT == Edge.empty().root() == sha256(b"").digest()


@given(trees, st.data())
def test_an_edge_grows_the_same_in_any_steps_and_travels_as_bytes(
    leaves: list[bytes], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(leaves)))

    edge = Edge.empty().extend(leaves[:cut])
    edge = Edge.from_bytes(edge.to_bytes())
    for leaf in leaves[cut:]:
        edge = edge.append(leaf)

    assert edge == Edge.empty().extend(leaves)
    assert edge.root() == root_as_defined(leaves)
    assert edge.to_bytes()[:8] == len(leaves).to_bytes(8)
    assert len(edge.peaks) == len(leaves).bit_count()


@given(trees, st.integers(1, 40))
def test_an_edge_with_bytes_missing_or_to_spare_is_refused(leaves: list[bytes], count: int) -> None:
    written = Edge.empty().extend(leaves).to_bytes()

    for damaged in (written[:-count], written + bytes(count), b"", written[:7]):
        if damaged != written:
            with pytest.raises(ProofBroken):
                Edge.from_bytes(damaged)


@given(trees, st.data())
def test_every_entry_of_every_tree_proves_its_place(
    leaves: list[bytes], data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))

    path = inclusion_path(index, len(leaves), reader(leaves))

    verify_inclusion(leaves[index], index, len(leaves), path, root_hash(leaves))


@given(trees, st.data())
def test_every_tree_proves_what_it_grew_from(leaves: list[bytes], data: st.DataObject) -> None:
    size = data.draw(st.integers(1, len(leaves)))

    path = consistency_path(size, len(leaves), reader(leaves))

    before, after = root_hash(leaves[:size]), root_hash(leaves)
    verify_consistency(size, len(leaves), before, after, path)


def test_a_proof_holds_for_one_index_size_and_root_only() -> None:
    root = root_hash(SMALL[:13])
    for index in range(13):
        path = inclusion_path(index, 13, reader(SMALL[:13]))
        for claimed in range(-1, 16):
            if claimed != index:
                with pytest.raises(ProofBroken):
                    verify_inclusion(SMALL[index], claimed, 13, path, root)
        with pytest.raises(ProofBroken):
            verify_inclusion(SMALL[index], index, 13, path, root_hash(SMALL[:12]))
        with pytest.raises(ProofBroken):
            verify_inclusion(SMALL[20], index, 13, path, root)


@given(st.integers(1, 40), st.data())
def test_a_path_cut_short_lengthened_or_altered_proves_nothing(
    size: int, data: st.DataObject
) -> None:
    leaves = SMALL[:size]
    root = root_hash(leaves)
    index = data.draw(st.integers(0, size - 1))
    path = inclusion_path(index, size, reader(leaves))
    wrong = [[*path, SMALL[0]], [SMALL[0], *path], [*path, b""], [*path, *[SMALL[0]] * 70]]
    for at in range(len(path)):
        wrong.append(path[:at] + path[at + 1 :])
        wrong.append([*path[:at], leaf_hash(b"altered"), *path[at + 1 :]])
        wrong.append([*path[:at], path[at][:31], *path[at + 1 :]])

    for each in wrong:
        with pytest.raises(ProofBroken):
            verify_inclusion(leaves[index], index, size, each, root)


@given(st.integers(1, 39), st.data())
def test_a_forked_history_proves_no_consistency(size: int, data: st.DataObject) -> None:
    later = data.draw(st.integers(size + 1, 40))
    changed = data.draw(st.integers(0, size - 1))
    forked = [*SMALL[:changed], leaf_hash(b"forged"), *SMALL[changed + 1 : later]]
    path = consistency_path(size, later, reader(forked))

    with pytest.raises(ProofBroken):
        verify_consistency(size, later, root_hash(SMALL[:size]), root_hash(forked), path)


@given(st.integers(1, 39), st.data())
def test_a_consistency_path_cut_short_lengthened_or_altered_proves_nothing(
    size: int, data: st.DataObject
) -> None:
    later = data.draw(st.integers(size + 1, 40))
    before, after = root_hash(SMALL[:size]), root_hash(SMALL[:later])
    path = consistency_path(size, later, reader(SMALL[:later]))
    wrong = [[], [*path, SMALL[0]], [SMALL[0], *path], path[::-1] if len(set(path)) > 1 else []]
    for at in range(len(path)):
        wrong.append(path[:at] + path[at + 1 :])
        wrong.append([*path[:at], leaf_hash(b"forged"), *path[at + 1 :]])

    for each in wrong:
        if each != path:
            with pytest.raises(ProofBroken):
                verify_consistency(size, later, before, after, each)


def test_a_consistency_proof_between_equal_sizes_needs_equal_roots() -> None:
    root = root_hash(SMALL[:5])

    verify_consistency(5, 5, root, root, [])
    for root2, path in ((SMALL[0], []), (root, [SMALL[0]])):
        with pytest.raises(ProofBroken):
            verify_consistency(5, 5, root, root2, path)


@pytest.mark.parametrize(("size1", "size2"), [(0, 0), (0, 3), (4, 3), (-1, 3)])
def test_nothing_is_shown_of_an_empty_or_larger_tree(size1: int, size2: int) -> None:
    with pytest.raises(ProofBroken):
        verify_consistency(size1, size2, EMPTY_ROOT, root_hash(SMALL[:3]), [])
    with pytest.raises(ProofBroken):
        consistency_path(size1, size2, reader(SMALL))


@pytest.mark.parametrize("index", [-1, 3, 4])
def test_a_place_outside_the_tree_has_no_path(index: int) -> None:
    with pytest.raises(ProofBroken):
        inclusion_path(index, 3, reader(SMALL[:3]))


def test_a_node_cannot_be_passed_off_as_a_leaf() -> None:
    # CVE-2012-2459 and its kin: the two children of a node, taken together for an entry.
    root = root_hash(SMALL[:2])
    entry = b"\x01" + SMALL[0] + SMALL[1]

    assert sha256(entry).digest() == root
    assert leaf_hash(entry) != root
    with pytest.raises(ProofBroken):
        verify_inclusion(leaf_hash(entry), 0, 1, [], root)


def test_a_last_leaf_counted_twice_gives_another_root() -> None:
    assert root_hash(SMALL[:3]) != root_hash([*SMALL[:3], SMALL[2]])


def test_an_inner_node_proves_no_place_as_if_it_were_an_entry() -> None:
    # A proof cut at its lower end leads from an inner node to the root, for a smaller tree.
    root = root_hash(SMALL[:8])
    inner = node_hash(SMALL[0], SMALL[1])
    path = inclusion_path(0, 8, reader(SMALL[:8]))[1:]

    with pytest.raises(ProofBroken):
        verify_inclusion(inner, 0, 8, path, root)


def test_a_path_longer_than_the_tree_is_high_proves_nothing() -> None:
    # Otherwise the second of two entries would pass for the only one of a tree of one.
    root = node_hash(SMALL[0], SMALL[1])

    with pytest.raises(ProofBroken):
        verify_inclusion(SMALL[1], 0, 1, [SMALL[0]], root)
