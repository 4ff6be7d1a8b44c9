"""Every file of a log follows from its leaves, has one path, and is read back strictly."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from testamur.errors import Refuted, Unavailable
from testamur.tlog.merkle import (
    CompactRange,
    InvalidProof,
    all_inclusion_proofs,
    leaf_hashes,
    prove_consistency,
    prove_inclusion,
    root_from,
    tree_root,
    verify_consistency,
    verify_inclusion,
)
from testamur.tlog.tiles import (
    MAX_ENTRY,
    WIDTH,
    BundlePath,
    MalformedTile,
    RightEdge,
    TileHashes,
    TilePath,
    bundle_path,
    decode_bundle,
    encode_bundle,
    full_tiles,
    new_bundles,
    new_tiles,
    parse_path,
    partial_width,
    split_tile,
    tile_levels,
    tile_path,
)
from tests.harness.shared_vectors import SHARED, load, needs_shared
from tests.harness.tile_resources import tile_resources

SIZE = 70_000  # three levels of tiles
LEAVES = leaf_hashes([b"%d" % number for number in range(SIZE)])
SIZES = [0, 1, 2, 255, 256, 257, 511, 512, 1000, 65_535, 65_536, 65_537, SIZE]


class Shelf(dict[str, bytes]):
    """Published files by path, which can lose some."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def fetch(self, path: str) -> bytes:
        self.asked.append(path)
        try:
            return self[path]
        except KeyError:
            raise Unavailable(f"nothing at {path}") from None


def published(*sizes: int) -> tuple[RightEdge, Shelf]:
    shelf = Shelf()
    edge = RightEdge.empty()
    for size in sizes:
        edge, tiles = new_tiles(edge, LEAVES[edge.size : size])
        shelf.update(tiles)
    return edge, shelf


# --- Paths ---


@given(st.integers(0, 63), st.integers(0, 10**21 - 1), st.integers(1, 256))
def test_every_path_is_read_back(level: int, index: int, width: int) -> None:
    assert parse_path(tile_path(level, index, width)) == TilePath(level, index, width)
    assert parse_path(bundle_path(index, width)) == BundlePath(index, width)
    assert str(TilePath(level, index, width)) == tile_path(level, index, width)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "checkpoint",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/000/",
        "/tile/0/000",
        "tile/00/000",
        "tile/01/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/8/001/000",
        "tile/0/x000/001",
        "tile/0/x000/x000/001",
        "tile/0/x001",
        "tile/0/x001/x000",
        "tile/0/X001/000",
        "tile/0/" + "x001/" * 7 + "000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/257",
        "tile/0/000.p/999",
        "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/0/000.p",
        "tile/0/000.p/1/",
        "tile/0/000.p/1\n",
        "tile/0/000\n",
        "tile/0/..",
        "tile/../checkpoint",
        "tile/entries/..%2f",
        "tile/entries/x000/001",
        "tile/entries/0_0",
        "tile/entries/+00",
        "tile/entries/\u0660\u0660\u0660",
        "tile/0/\u0660\u0660\u0660",
        "tile/²/000",
        "tile/Entries/000",
        "tile/0/000.P/1",
        "tile/3/5/123/456/078",
    ],
)
def test_no_other_path_is_read(path: str) -> None:
    with pytest.raises(MalformedTile):
        parse_path(path)


@given(st.text("tile/0123456789xp.entrsX-+_ \n", max_size=30))
def test_what_is_read_renders_to_itself(text: str) -> None:
    path = "tile/" + text
    try:
        parsed = parse_path(path)
    except MalformedTile:
        return
    assert str(parsed) == path


def test_a_refused_path_does_not_fill_the_message() -> None:
    with pytest.raises(MalformedTile) as refused:
        parse_path("tile/0/" + "\x1b" * 100_000)
    assert len(str(refused.value)) < 300
    assert "\x1b" not in str(refused.value)


# --- Geometry ---


def test_a_tree_of_70000_leaves_has_the_tiles_of_the_specification() -> None:
    assert [full_tiles(level, 70_000) for level in range(3)] == [273, 1, 0]
    assert [partial_width(level, 70_000) for level in range(3)] == [112, 17, 1]
    assert tile_levels(70_000) == 3


def test_a_tree_of_256_leaves_has_no_partial_tile_at_the_bottom() -> None:
    assert list(tile_resources(256)) == ["tile/entries/000", "tile/0/000", "tile/1/000.p/1"]


@pytest.mark.parametrize("size", SIZES)
def test_the_resources_of_a_tree_are_those_that_its_growth_writes(size: int) -> None:
    _, tiles = published(size)
    bundles = [path for path, _ in new_bundles(0, b"", [b""] * size)]
    assert list(tile_resources(size)) == [*bundles, *tiles]


def test_resources_of_a_huge_tree_are_named_one_by_one() -> None:
    assert next(tile_resources(2**62)) == "tile/entries/000"


# --- Entry bundles ---

ENTRIES = st.lists(st.binary(max_size=300), min_size=1, max_size=WIDTH)


@given(ENTRIES)
def test_a_bundle_gives_its_entries_back(entries: list[bytes]) -> None:
    assert decode_bundle(encode_bundle(entries), len(entries)) == entries


def test_a_bundle_is_lengths_and_bytes() -> None:
    assert encode_bundle([b"one", b""]) == b"\x00\x03one\x00\x00"


def test_the_largest_entry_fits_and_no_larger() -> None:
    largest = b"x" * MAX_ENTRY
    assert decode_bundle(encode_bundle([largest]), 1) == [largest]
    with pytest.raises(ValueError, match="65536 bytes"):
        encode_bundle([b"", largest + b"x"])


@pytest.mark.parametrize("count", [0, 257])
def test_a_bundle_holds_1_to_256_entries(count: int) -> None:
    with pytest.raises(ValueError, match="1 to 256"):
        encode_bundle([b""] * count)


@given(ENTRIES, st.data())
def test_a_bundle_cut_anywhere_is_refused(entries: list[bytes], data: st.DataObject) -> None:
    bundle = encode_bundle(entries)
    cut = data.draw(st.integers(0, len(bundle) - 1))
    with pytest.raises(MalformedTile):
        decode_bundle(bundle[:cut], len(entries))


@given(ENTRIES, st.binary(min_size=1, max_size=8))
def test_no_byte_of_a_bundle_is_left_over(entries: list[bytes], more: bytes) -> None:
    with pytest.raises(MalformedTile):
        decode_bundle(encode_bundle(entries) + more, len(entries))


def test_a_bundle_of_another_count_is_refused() -> None:
    bundle = encode_bundle([b"one", b"two"])
    for count in (0, 1, 3, 256):
        with pytest.raises(MalformedTile):
            decode_bundle(bundle, count)


@settings(deadline=None)
@given(st.lists(st.integers(0, 600), min_size=1, max_size=6))
def test_bundles_grow_to_the_same_bytes_whatever_the_batches(batches: list[int]) -> None:
    entries = [b"%d" % number for number in range(sum(batches))]
    shelf: dict[str, bytes] = {}
    size, partial = 0, b""
    for batch in batches:
        bundles = new_bundles(size, partial, entries[size : size + batch])
        shelf.update(bundles)
        size += batch
        if bundles:
            partial = bundles[-1][1] if size % WIDTH else b""
    for path in tile_resources(size):
        match parse_path(path):
            case BundlePath(index=index, width=width):
                start = index * WIDTH
                assert decode_bundle(shelf[path], width) == entries[start : start + width]
            case TilePath():
                break


@pytest.mark.parametrize(("size", "partial"), [(3, b""), (0, b"\x00\x00"), (256, b"\x00\x00")])
def test_bundles_do_not_grow_from_another_size(size: int, partial: bytes) -> None:
    with pytest.raises(ValueError, match="no partial bundle"):
        new_bundles(size, partial, [b""])


# --- Growing ---


@pytest.mark.parametrize("size", SIZES)
def test_the_edge_of_a_tree_has_its_root(size: int) -> None:
    edge, shelf = published(size)
    assert edge.root() == tree_root(LEAVES[:size])
    assert edge.compact() == CompactRange.empty().extended(LEAVES[:size])
    assert RightEdge.load(size, shelf.fetch) == edge


@settings(deadline=None)
@given(st.lists(st.integers(0, 700), max_size=8))
def test_tiles_grow_to_the_same_bytes_whatever_the_batches(batches: list[int]) -> None:
    sizes = [sum(batches[: count + 1]) for count in range(len(batches))]
    edge, shelf = published(*sizes)
    size = sum(batches)
    whole, at_once = published(size)
    assert edge == whole
    assert {path: shelf[path] for path in at_once} == at_once
    assert edge.root() == tree_root(LEAVES[:size])


def test_every_size_on_the_way_keeps_its_partial_tiles() -> None:
    sizes = list(range(1, 600))
    _, shelf = published(*sizes)
    for size in sizes:
        assert RightEdge.load(size, shelf.fetch).root() == tree_root(LEAVES[:size])


def test_a_partial_tile_that_did_not_grow_is_not_written_again() -> None:
    edge, _ = published(1000)
    _, tiles = new_tiles(edge, LEAVES[1000:1001])
    assert [path for path, _ in tiles] == ["tile/0/003.p/233"]
    assert new_tiles(edge, []) == (edge, [])


def test_an_edge_has_the_widths_of_its_size() -> None:
    leaf = LEAVES[0]
    for size, tiles in ((0, ((leaf,),)), (1, ()), (2, ((leaf,),)), (256, ((leaf,), ())), (-1, ())):
        with pytest.raises(ValueError, match=r"must have widths|cannot have"):
            RightEdge(size, tiles)


# --- Reading ---


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES[1:])
def test_tiles_prove_every_leaf_and_every_growth(size: int) -> None:
    _, shelf = published(size)
    reader = TileHashes(size, shelf.fetch)
    root = tree_root(LEAVES[:size])
    assert root_from(size, reader) == root
    for index in {0, size // 3, size // 2, size - 1}:
        verify_inclusion(index, size, LEAVES[index], prove_inclusion(index, size, reader), root)
    for old in {0, 1, 255, 256, 300, size // 2, size - 1, size}:
        if old <= size:
            path = prove_consistency(old, size, reader)
            verify_consistency(old, size, tree_root(LEAVES[:old]), root, path)


def test_tiles_prove_what_the_leaves_prove() -> None:
    _, shelf = published(600)
    reader = TileHashes(600, shelf.fetch)
    for index, path in enumerate(all_inclusion_proofs(LEAVES[:600])):
        assert prove_inclusion(index, 600, reader) == path


def test_a_tile_is_read_once() -> None:
    _, shelf = published(600)
    reader = TileHashes(600, shelf.fetch)
    for index in range(600):
        prove_inclusion(index, 600, reader)
    assert sorted(shelf.asked) == sorted(set(shelf.asked))
    assert len(shelf.asked) == 4


def test_another_size_of_the_log_shares_what_was_read() -> None:
    _, shelf = published(600, 700)
    prove_inclusion(5, 600, reader := TileHashes(600, shelf.fetch))
    shelf.asked.clear()
    later = reader.at(700)
    assert later.size == 700
    verify_inclusion(5, 700, LEAVES[5], prove_inclusion(5, 700, later), tree_root(LEAVES[:700]))
    assert "tile/0/000" not in shelf.asked


def test_no_more_tiles_are_kept_than_asked_for() -> None:
    _, shelf = published(1024)
    reader = TileHashes(1024, shelf.fetch, capacity=1)
    for _ in range(2):
        for tile in range(4):
            reader.read_hashes([(0, tile * WIDTH)])
    assert len(shelf.asked) == 8


def test_a_deleted_partial_tile_is_read_from_the_full_one() -> None:
    _, shelf = published(300, 600)
    del shelf["tile/0/001.p/44"]
    reader = TileHashes(300, shelf.fetch)
    root = tree_root(LEAVES[:300])
    verify_inclusion(299, 300, LEAVES[299], prove_inclusion(299, 300, reader), root)
    assert RightEdge.load(300, shelf.fetch).root() == root


def test_a_missing_tile_is_unavailable_and_not_refuted() -> None:
    _, shelf = published(300)
    shelf.clear()
    with pytest.raises(Unavailable, match="tile/0/001"):
        prove_inclusion(299, 300, TileHashes(300, shelf.fetch))
    with pytest.raises(Unavailable):
        RightEdge.load(300, shelf.fetch)


def test_a_missing_full_tile_is_asked_for_once() -> None:
    _, shelf = published(300)
    del shelf["tile/0/000"]
    with pytest.raises(Unavailable, match=r"tile/0/000$"):
        prove_inclusion(0, 300, TileHashes(300, shelf.fetch))
    assert shelf.asked.count("tile/0/000") == 1


def test_what_was_unavailable_is_asked_for_again() -> None:
    _, shelf = published(300)
    kept = dict(shelf)
    shelf.clear()
    reader = TileHashes(300, shelf.fetch)
    with pytest.raises(Unavailable):
        prove_inclusion(0, 300, reader)
    shelf.update(kept)
    prove_inclusion(0, 300, reader)


@pytest.mark.parametrize("damage", [lambda tile: tile[:-1], lambda tile: tile + b"\x00" * 32])
def test_a_tile_of_another_length_is_refuted(damage: Callable[[bytes], bytes]) -> None:
    _, shelf = published(300)
    for path, tile in list(shelf.items()):
        shelf[path] = damage(tile)
    with pytest.raises(Refuted, match="hashes has"):
        prove_inclusion(0, 300, TileHashes(300, shelf.fetch))
    with pytest.raises(MalformedTile):
        RightEdge.load(300, shelf.fetch)


def test_a_proof_from_a_lying_tile_does_not_verify() -> None:
    _, shelf = published(300)
    shelf["tile/0/000"] = b"".join(LEAVES[1:257])
    path = prove_inclusion(7, 300, TileHashes(300, shelf.fetch))
    with pytest.raises(InvalidProof):
        verify_inclusion(7, 300, LEAVES[7], path, tree_root(LEAVES[:300]))


@pytest.mark.parametrize("node", [(0, 300), (9, 0), (8, 1), (0, -1), (-1, 0), (2, 75)])
def test_a_node_beyond_the_tree_is_not_read(node: tuple[int, int]) -> None:
    _, shelf = published(300)
    with pytest.raises(ValueError, match="not complete"):
        TileHashes(300, shelf.fetch).read_hashes([node])


def test_a_tile_splits_into_its_hashes() -> None:
    assert split_tile(b"".join(LEAVES[:7]), 7) == LEAVES[:7]
    for width in (6, 8):
        with pytest.raises(MalformedTile):
            split_tile(b"".join(LEAVES[:7]), width)


# --- Published vectors ---


@needs_shared
def test_paths_are_spelled_as_published_and_in_no_other_way() -> None:
    vectors = load("extracted/tile-paths.json")
    for case in vectors["index_encoding"]:
        assert tile_path(0, case["n"]) == "tile/0/" + case["path"]
        assert bundle_path(case["n"]) == "tile/entries/" + case["path"]
    for case in vectors["entries_path_for_leaf"]:
        index = case["leaf"] // WIDTH
        # Upstream takes a size of 0 to mean that the bundle is full.
        full = case["size"] == 0 or index < full_tiles(0, case["size"])
        width = WIDTH if full else partial_width(0, case["size"])
        assert bundle_path(index, width) == case["path"]
        assert parse_path(case["path"]) == BundlePath(index, width)
    for path in vectors["invalid_paths_sumdb_style"]:
        with pytest.raises(MalformedTile):
            parse_path(path)


def geometry(vector: dict[str, Any], size: int) -> list[bool]:
    return [
        count == (full_tiles(level, size) if kind == "full" else partial_width(level, size))
        for name, count in vector.items()
        for level, kind in [(int(name[5]), name.rpartition("_")[2])]
    ]


@needs_shared
def test_a_tree_has_as_many_tiles_as_published() -> None:
    vectors = load("extracted/tile-paths.json")
    assert all(geometry(vectors["tree_70000"], 70_000))
    assert all(geometry(vectors["tree_256"], 256))


@needs_shared
@pytest.mark.parametrize("size", range(16))
def test_a_log_made_by_others_has_the_root_of_its_checkpoint(size: int) -> None:
    folder = SHARED / "tessera-testdata-log"
    root = base64.b64decode((folder / f"checkpoint.{size}").read_text().splitlines()[2])

    def fetch(path: str) -> bytes:
        return (folder / path).read_bytes()

    assert RightEdge.load(size, fetch).root() == root
    if size:
        assert root_from(size, TileHashes(size, fetch)) == root
        bundle = fetch(bundle_path(0, size))
        entries = decode_bundle(bundle, size)
        assert encode_bundle(entries) == bundle
        edge, tiles = new_tiles(RightEdge.empty(), leaf_hashes(entries))
        assert edge.root() == root
        assert all(fetch(path) == tile for path, tile in tiles)


@needs_shared
def test_a_mirror_made_by_others_has_the_tiles_of_its_checkpoint() -> None:
    (folder,) = (
        path for path in (SHARED / "sunlight-skylight-witness/mirror").iterdir() if path.is_dir()
    )
    lines = (folder / "checkpoint").read_text().splitlines()
    edge = RightEdge.load(int(lines[1]), lambda path: (folder / path).read_bytes())
    assert edge.root() == base64.b64decode(lines[2])
