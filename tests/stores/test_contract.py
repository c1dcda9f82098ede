"""What every vector store does, wherever it keeps its collection."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from omnisearch.config import Settings
from omnisearch.errors import FingerprintError, NoIndexError, StoreError, VectorError
from omnisearch.metadata import Metadata
from omnisearch.query.conditions import PatternCondition, RangeCondition
from omnisearch.stores.base import FIRST, Facts, Filter, Lookup, Mark, Order, Payload, Point, VectorStore
from omnisearch.stores.bm25 import query_weights
from omnisearch.stores.catalog import describe_store, drop_index, open_catalog, open_store, swap
from omnisearch.stores.collection_name import CollectionName
from omnisearch.stores.field_text import WEIGHTS
from omnisearch.stores.ids import point_id
from omnisearch.types import Modality, Reading, Region, Segment
from tests.stores.conftest import empty, reopen
from tests.stores.samples import DIM, FINGERPRINT, MODEL, condition, nearest, passes, points, vector

# The in-memory mode has no payload indexes and says so.
pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect:UserWarning")


def unit(point: Point) -> Any:
    return point.vector / np.linalg.norm(point.vector)


def test_points_come_back_as_they_were_written(store: VectorStore) -> None:
    written = {point.id: point for point in points(7)}
    store.upsert(list(written.values()))
    read = list(store.scroll(with_vectors=True))
    assert [point.id for point in read] == sorted(written)
    for point in read:
        assert point.payload == written[point.id].payload
        np.testing.assert_allclose(point.vector, unit(written[point.id]), atol=1e-6)


def test_every_field_of_a_payload_survives_in_any_script(store: VectorStore) -> None:
    payload = Payload(
        item_id="itemß",
        modality=Modality.TEXT,
        path="/Lieder/\u00fcber 東京/\U0001f436 e\u0301 \x01 'quoted\".txt",
        mime="text/plain",
        duration=1.25,
        segment=Segment(3, 10.0, 20.5, "characters", "chapter 2: \u51ac"),
        segments=9,
        snippet="zwei\nZeilen und \u202e\u05e6\u05dc",
        size=(1 << 40) + 1,
        mtime=-1.5,
        tags=("\u05e6", "a:b"),
        meta={"wer": "Ann: 'ü'=1", "tag": "x"},
        passage="zwei\nZeilen und viele mehr",
        readings=(
            Reading("speech", "guten \u05e6 Tag", 1.25, 2.5, None, 0.75, "de"),
            Reading("ocr", "\u6771\u4eac\n'\"", box=Region(0.125, 0.25, 0.5, 0.0625, relative=True)),
        ),
        notes=("partly read: 3 packets of 900 are damaged", "Text in windows-1252 \u00fc"),
        metadata=Metadata(
            "1969-12-31T23:59:58Z", latitude=38.5, longitude=-9.25, title="\u00fc \u05e6", keywords=("a", "b")
        ),
    )
    store.upsert([Point(point_id("itemß", payload.segment), vector(1), payload)])
    assert [point.payload for point in store.scroll(Filter(item_ids=("itemß",)))] == [payload]
    [[hit]] = store.search([Lookup(vector(1), 1)])
    assert hit.place == payload.place
    unread = replace(payload, passage="", readings=())
    assert store.payloads([hit.id, hit.id, point_id("unknown", payload.segment)]) == {hit.id: unread}


def test_scroll_gives_every_point_once_over_many_pages(store: VectorStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for room in ("edge", "server"):
        monkeypatch.setattr(f"omnisearch.stores.{room}.PAGE", 4)
    written = points(30)
    store.upsert(written)
    read = list(store.scroll())
    assert [point.id for point in read] == sorted(point.id for point in written)
    assert all(point.vector.shape == (0,) for point in read)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("field", ["id", "mtime", "size", "date"])
def test_pages_in_an_order_give_every_item_that_passes_once(store: VectorStore, field: Any, descending: bool) -> None:
    if field == "id" and descending:
        pytest.skip("ids are only listed upwards")
    written, random, order = points(60), np.random.default_rng(5), Order(field, descending)
    store.upsert(written)
    for size in (1, 7, 100):
        where = (condition(random),) if size > 1 else ()
        chosen = Filter(segments=FIRST, where=where)
        found: list[Point] = []
        after: Mark | None = None
        for _ in range(100):
            page = store.page(chosen, order, after, size)
            found += page.points
            assert len(page.points) <= size
            assert not any(point.payload.passage or len(point.vector) for point in page.points)
            if (after := page.end) is None:
                break
        assert after is None
        sign = -1 if descending else 1
        expected = [
            (0.0 if field == "id" else sign * float(getattr(p.payload, field)), p.id)
            for p in written
            if passes(p, chosen)
        ]
        assert [point.id for point in found] == [id_ for _, id_ in sorted(expected)], (size, where)


def test_text_vectors_are_kept_and_found_apart(store: VectorStore) -> None:
    written = [replace(p, text_vector=vector(500 + n)) if n % 3 == 0 else p for n, p in enumerate(points(30))]
    store.upsert(written)
    texts = {point.id: point.text_vector for point in written}
    for point in store.scroll(with_vectors=True):
        text = texts[point.id]
        if text is None:
            assert point.text_vector is None
        else:  # in half precision
            np.testing.assert_allclose(point.text_vector, text / np.linalg.norm(text), atol=1e-3)
    having = [replace(point, vector=point.text_vector) for point in written if point.text_vector is not None]
    chosen = Filter(exclude_item_ids=("item-1",))
    [found], [plain] = (store.search([Lookup(vector(77), 20, chosen, using=one)], True) for one in ("text", "content"))
    expected = nearest(having, vector(77), chosen, 20)
    assert [hit.id for hit in found] == [id_ for id_, _ in expected]
    np.testing.assert_allclose([hit.score for hit in found], [score for _, score in expected], atol=2e-3)
    assert [hit.id for hit in plain] == [id_ for id_, _ in nearest(written, vector(77), chosen, 20)]
    assert all((hit.text_vector is None) == (texts[hit.id] is None) for hit in plain)


def test_a_point_that_is_written_again_without_a_text_loses_it(store: VectorStore) -> None:
    [point] = points(1)
    store.upsert([replace(point, text_vector=vector(3))])
    store.upsert([point])
    assert store.search([Lookup(vector(3), 5, using="text")]) == [[]]
    with pytest.raises(VectorError, match="the text of point"):
        store.upsert([replace(point, text_vector=np.full(DIM, np.nan, np.float32))])


@pytest.mark.parametrize("places", [range(1), range(1, 3), range(2, 9), range(9, 12)])
def test_segments_are_found_by_their_place_in_the_item(store: VectorStore, places: range) -> None:
    written, chosen = points(30), Filter(item_ids=("item-2", "item-4"), segments=places)
    store.upsert(written)
    expected = sorted(point.id for point in written if passes(point, chosen))
    assert [point.id for point in store.scroll(chosen)] == expected
    assert store.count(chosen) == len(expected)


def test_points_are_found_by_the_names_of_their_files_in_any_case(store: VectorStore) -> None:
    paths = ("/a/Caf\u00e9 1.png", "/b/cafe\u0301 1.PNG", "/caf\u00e9 1.png/other", "/a/cafe 1.png")
    store.upsert([worded(n, path, "") for n, path in enumerate(paths)])
    found = [point.payload.item_id for point in store.scroll(Filter(names=("CAF\u00c9 1.png",)))]
    assert sorted(found) == ["w0", "w1"]


def test_points_are_found_by_their_ids(store: VectorStore) -> None:
    written = points(30)
    store.upsert(written)
    chosen = Filter(ids=(written[3].id, written[7].id, str(UUID(int=0))))
    assert [point.id for point in store.scroll(chosen)] == sorted(chosen.ids[:2])
    assert store.count(replace(chosen, modalities=(written[3].payload.modality,))) >= 1
    [found] = store.search([Lookup(vector(5), 9, chosen)])
    assert {hit.id for hit in found} == set(chosen.ids[:2])


def test_batches_are_written_whole(store: VectorStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for room in ("edge", "server"):
        monkeypatch.setattr(f"omnisearch.stores.{room}.BATCH", 4)
    store.upsert(points(11))
    assert store.count() == 11


def test_points_are_found_during_a_load_and_after_it(store: VectorStore) -> None:
    store.end_load()  # none was begun
    store.begin_load()
    store.upsert(points(3))
    store.begin_load()  # as a run does after a crash
    assert len(store.search([Lookup(vector(0), 9)])[0]) == 3
    store.end_load()
    assert len(store.search([Lookup(vector(0), 9)])[0]) == 3


def test_searches_agree_with_brute_force_under_random_filters(store: VectorStore) -> None:
    written, random = points(90), np.random.default_rng(7)
    store.upsert(written)
    items = [f"item-{n}" for n in range(32)]  # the last two are unknown

    def some(values: list[Any], most: int) -> tuple[Any, ...]:
        return tuple(random.choice(np.array(values, dtype=object), size=random.integers(0, most), replace=False))

    lookups = [
        Lookup(
            vector(1000 + n) * np.float32(10.0 ** random.integers(-2, 3)),
            int(random.integers(1, 100)),
            Filter(
                some(list(Modality), 4) if n % 2 else (),
                some(items, 12) if n % 3 == 0 else (),
                some(items, 12),
                tuple(condition(random) for _ in range(n % 4)),
            ),
        )
        for n in range(60)
    ]
    answers = store.search(lookups)
    assert len(answers) == len(lookups)
    assert any(not answer for answer in answers)
    assert any(len(answer) > 20 for answer in answers)
    for lookup, answer in zip(lookups, answers, strict=True):
        expected = nearest(written, lookup.vector, lookup.filter, lookup.limit)
        assert [hit.id for hit in answer] == [id_ for id_, _ in expected]
        np.testing.assert_allclose([hit.score for hit in answer], [score for _, score in expected], atol=1e-5)
        assert store.count(lookup.filter) == sum(passes(point, lookup.filter) for point in written)
        assert {point.id for point in store.scroll(lookup.filter)} == {
            point.id for point in written if passes(point, lookup.filter)
        }


def worded(n: int, path: str, text: str, tags: tuple[str, ...] = ()) -> Point:
    payload = Payload(
        item_id=f"w{n}", modality=Modality.TEXT if n % 2 else Modality.IMAGE, path=path, passage=text, tags=tags
    )
    return Point(point_id(payload.item_id, Segment()), vector(n), payload)


def bm25(asked: str, texts: list[list[str]]) -> list[float]:
    """Of texts as lists of words, by the formula of Robertson and Zaragoza with b = 0."""
    found = [0.0] * len(texts)
    for word in dict.fromkeys(asked.split()):
        having = sum(word in text for text in texts)
        idf = np.log(1 + (len(texts) - having + 0.5) / (having + 0.5))
        for n, text in enumerate(texts):
            tf = WEIGHTS["passage"] * text.count(word)
            found[n] += idf * tf * 2.2 / (tf + 1.2)
    return found


def test_words_are_found_by_bm25(store: VectorStore) -> None:
    random = np.random.default_rng(3)
    texts = [[str(word) for word in random.choice(list("abcdefgh"), random.integers(1, 9))] for _ in range(40)]
    written = [worded(n, "/", " ".join(text)) for n, text in enumerate(texts)]
    store.upsert(written)
    for asked in ("a", "b c", "h g f e", "d zz"):
        scores = dict(zip([point.id for point in written], bm25(asked, texts), strict=True))
        words = Lookup(query_weights(asked), 100)
        if asked == "a":  # which every English text has
            with pytest.raises(VectorError, match="no words"):
                store.search([words])
            continue
        least = sorted(scores.values())[len(scores) * 3 // 4] - 1e-4
        [everything, dense, few, images, better] = store.search(
            [
                words,
                Lookup(vector(5), 3),
                replace(words, limit=5),
                replace(words, filter=Filter((Modality.IMAGE,))),
                replace(words, least=least),
            ],
            with_vectors=True,
        )
        assert {hit.id for hit in everything} == {id_ for id_, score in scores.items() if score}
        for hit in everything:
            assert hit.score == pytest.approx(scores[hit.id], rel=1e-4)
            assert hit.vector is not None
            assert hit.vector.shape == (DIM,)
        found = [hit.score for hit in everything]
        assert found == sorted(found, reverse=True)
        assert [hit.score for hit in few] == pytest.approx(found[:5])
        assert {hit.id for hit in better} == {hit.id for hit in everything if hit.score >= least}
        # How rare a word is does not depend on the filter.
        kept = [hit.score for hit in everything if hit.place.modality is Modality.IMAGE]
        assert [hit.score for hit in images] == pytest.approx(kept)
        assert [hit.id for hit in dense] == [id_ for id_, _ in nearest(written, vector(5), Filter(), 3)]


def test_nearest_among_those_with_words_are_those_of_them_alone(store: VectorStore) -> None:
    random = np.random.default_rng(4)
    texts = [[str(word) for word in random.choice(list("bcdefghjklmn"), random.integers(0, 5))] for _ in range(60)]
    written = [worded(n, "/", " ".join(text)) for n, text in enumerate(texts)]
    store.upsert(written)
    images = Filter((Modality.IMAGE,))
    for asked in ("b", "c d", "n zz", "zz"):
        having = [point for point, text in zip(written, texts, strict=True) if set(asked.split()) & set(text)]
        for chosen, limit in ((Filter(), 4), (Filter(), 60), (images, 3), (images, 60)):
            lookup = Lookup(vector(5), limit, chosen, among=Lookup(query_weights(asked), len(written), chosen))
            [found, everything] = store.search([lookup, replace(lookup, among=None)], with_vectors=True)
            assert [hit.id for hit in found] == [id_ for id_, _ in nearest(having, vector(5), chosen, limit)]
            assert [hit.id for hit in everything] == [id_ for id_, _ in nearest(written, vector(5), chosen, limit)]
            assert all(hit.vector is not None for hit in found)
    for refused in (Lookup(query_weights(""), 9), Lookup(vector(1), 9)):
        with pytest.raises(VectorError, match="no words"):
            store.search([Lookup(vector(5), 3, among=refused)])


def test_points_without_words_count_for_how_rare_one_is(store: VectorStore) -> None:
    """Also once they have some, as after a file was renamed."""
    store.upsert([worded(n, "/", "") for n in range(4)])
    store.describe({f"w{n}": Facts(f"/{n}/file") for n in range(4)})
    [hits] = store.search([Lookup(query_weights("file 2"), 9)])
    assert [hit.place.item_id for hit in hits][:1] == ["w2"]
    of_name = WEIGHTS["name"] * 2.2 / (WEIGHTS["name"] + 1.2)  # "2" is a folder
    rare, common = np.log(1 + 3.5 / 1.5), np.log(1 + 0.5 / 4.5) * of_name
    assert [hit.score for hit in hits] == pytest.approx([rare + common, common, common, common], rel=1e-4)


def found_by(store: VectorStore, text: str) -> set[str]:
    [hits] = store.search([Lookup(query_weights(text), 100)])
    return {hit.place.item_id for hit in hits}


def test_words_of_names_and_labels_follow_what_is_described(store: VectorStore) -> None:
    store.upsert([worded(0, "/fotos/DogBark_2041.jpg", "über alles", ("Holiday",)), worded(1, "/other", "dog")])
    for text in ("dogbark", "DOG BARK", "bark", "2041", "fotos", "holiday", "ÜBER", "jpg zzz"):
        assert "w0" in found_by(store, text), text
    assert found_by(store, "dog") == {"w0", "w1"}
    assert found_by(store, "dogb") == set()
    store.describe({"w0": Facts("/new/name.png", meta={"who": "Ann"})})
    assert found_by(store, "bark 2041 holiday fotos") == set()
    for text in ("name", "ann", "alles"):
        assert found_by(store, text) == {"w0"}
    assert store.search([Lookup(vector(0), 1)])[0][0].score == pytest.approx(1, abs=1e-5)
    store.describe({"w0": Facts("/new/name.png", names=("backup", "Café.png"))})
    for text in ("cafe", "backup", "name"):
        assert found_by(store, text) == {"w0"}
    assert next(store.scroll(Filter(item_ids=("w0",)))).payload.names == ("backup", "Café.png")
    store.describe({"w0": Facts("/new/name.png")})
    assert found_by(store, "cafe") == set()


def test_vectors_come_with_hits_where_asked_for(store: VectorStore) -> None:
    written = {point.id: point for point in points(6)}
    store.upsert(list(written.values()))
    for hit in store.search([Lookup(vector(3), 6)])[0]:
        assert hit.vector is None
    for answer in store.search([Lookup(vector(3), 6), Lookup(vector(4), 2)], with_vectors=True):
        for hit in answer:
            assert hit.vector is not None
            np.testing.assert_allclose(hit.vector, unit(written[hit.id]), atol=1e-6)


def test_the_best_segments_of_items_are_the_nearest_of_each(store: VectorStore) -> None:
    written = points(12, segments=4)
    store.upsert(written)
    wanted = [(vector(21), "item-0"), (vector(22), "item-2"), (vector(21), "item-1"), (vector(21), "gone")]
    found = store.best_segments(wanted, 3)
    for (asked, item), pairs in zip(wanted, found, strict=True):
        cosines = {
            point.payload.segment: float(unit(point) @ asked / np.linalg.norm(asked))
            for point in written
            if point.payload.item_id == item
        }
        assert [segment for segment, _ in pairs] == sorted(cosines, key=lambda each: -cosines[each])[:3]
        np.testing.assert_allclose([score for _, score in pairs], [cosines[segment] for segment, _ in pairs], atol=1e-5)
    assert [len(pairs) for pairs in found] == [3, 3, 3, 0]


def test_nothing_is_found_in_nothing(store: VectorStore) -> None:
    assert store.search([]) == []
    assert store.search([Lookup(vector(0), 5)], with_vectors=True) == [[]]
    assert list(store.scroll(with_vectors=True)) == []
    assert store.count() == 0
    store.upsert([])
    store.delete([])
    store.delete(["unknown"])
    store.describe({"unknown": Facts("/nowhere")})
    store.describe({})
    assert store.undescribed() == 0
    assert store.count() == 0


def test_writing_twice_is_writing_once(store: VectorStore) -> None:
    written = points(5)
    store.upsert(written)
    store.upsert(written)
    changed = replace(written[0], vector=vector(99), payload=replace(written[0].payload, snippet="changed"))
    store.upsert([written[0], changed])
    assert store.count() == 5
    [[hit]] = store.search([Lookup(vector(99), 1)])
    assert (hit.id, store.payloads([hit.id])[hit.id].snippet) == (written[0].id, "changed")
    assert hit.score == pytest.approx(1.0, abs=1e-5)


def test_a_lookup_says_where_each_point_belongs(store: VectorStore) -> None:
    """Also for items named by a hash, whose places the embedded engine keeps apart from their payloads."""
    hashed = [replace(p.payload, item_id=p.payload.item_id.encode().hex().zfill(32)) for p in points(15)]
    written = [Point(point_id(p.item_id, p.segment), vector(n), p) for n, p in enumerate(hashed)]
    one = replace(hashed[0], item_id="0" * 31 + "F", segment=Segment(), segments=70_000)
    store.upsert([*written, *points(6, seed=40), Point(point_id(one.item_id, one.segment), vector(60), one)])
    [found] = store.search([Lookup(vector(7), 50)])
    places = {point.id: point.payload.place for point in store.scroll()}
    assert len(found) == len(places) == 22
    assert {point.id: point.place for point in found} == places
    longer = [replace(p, payload=replace(p.payload, segments=9)) for p in written[:3]]
    store.upsert(longer)
    [found] = store.search([Lookup(vector(7), 50)])
    assert {p.id: p.place for p in found} == places | {p.id: p.payload.place for p in longer}


def test_delete_removes_every_segment_of_its_items_and_no_other(store: VectorStore) -> None:
    store.upsert(points(12))
    store.delete(["item-1", "item-3", "unknown"])
    assert {point.payload.item_id for point in store.scroll()} == {"item-0", "item-2"}
    assert store.count() == 6
    assert all(hit.place.item_id in {"item-0", "item-2"} for hit in store.search([Lookup(vector(4), 20)])[0])


def test_describe_changes_the_facts_of_its_items_alone(store: VectorStore) -> None:
    written = points(12)
    store.upsert(written)
    facts = {
        "item-1": Facts("/moved/ü.bin", "a/b", 7, 8.5, ("t",), {"k": "v"}),
        "item-3": Facts("/x", size=9),
        "unknown": Facts("/y"),
    }
    store.describe(facts)
    expected = {
        point.id: replace(point.payload, **vars(facts[point.payload.item_id]))
        if point.payload.item_id in facts
        else point.payload
        for point in written
    }
    assert {point.id: point.payload for point in store.scroll()} == expected
    found = store.scroll(
        Filter(where=(PatternCondition("tag", "t"), PatternCondition("path", "*.bin"), RangeCondition("size", gt=6)))
    )
    assert {point.payload.item_id for point in found} == {"item-1"}
    with pytest.raises(StoreError, match="key"):
        store.describe({"item-0": Facts("/z"), "item-1": Facts("/z", meta={"a.b": "nested"})})
    assert {point.id: point.payload for point in store.scroll()} == expected


def test_points_of_an_older_version_are_counted_and_read_with_defaults(
    store: VectorStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as older:
        flat = Payload.flat
        new = {"size", "mtime", "about", "passage", "part"}
        older.setattr(Payload, "flat", lambda self: {k: v for k, v in flat(self).items() if k not in new})
        store.upsert(points(6))
    assert store.undescribed() == 6
    for point in store.scroll():
        assert (point.payload.size, point.payload.tags, point.payload.meta) == (0, (), {})
    store.describe({"item-0": Facts("/a")})
    assert store.undescribed() == 3


def _spoil(value: float) -> Any:
    spoiled = vector(5)
    spoiled[3] = value
    return spoiled


BAD_VECTORS = {
    "nan": _spoil(np.nan),
    "infinite": _spoil(np.inf),
    "zero": np.zeros(DIM, np.float32),
    "narrow": vector(5, DIM - 1),
    "wide": vector(5, DIM + 1),
    "a matrix": vector(5)[None],
    "empty": np.empty(0, np.float32),
}


def test_a_vector_that_means_nothing_is_refused_whole(store: VectorStore) -> None:
    good = points(3)
    for name, bad in BAD_VECTORS.items():
        with pytest.raises(VectorError):
            store.upsert([*good, replace(good[0], id=str(UUID(int=1)), vector=bad)])
        assert store.count() == 0, name
        with pytest.raises(VectorError):
            store.search([Lookup(bad, 3)])
    store.upsert(good)
    assert store.count() == 3


BAD_PAYLOADS: dict[str, Callable[[Point], Point]] = {
    "id": lambda p: replace(p, id="not-a-uuid"),
    "form": lambda p: replace(p, id=p.id.upper().replace("-", "")),
    "half a character": lambda p: replace(p, payload=replace(p.payload, path="/\udcff.txt")),
    "too long": lambda p: replace(p, payload=replace(p.payload, snippet="x" * 20_000)),
    "not a number": lambda p: replace(p, payload=replace(p.payload, duration=float("nan"))),
    "no time": lambda p: replace(p, payload=replace(p.payload, mtime=float("inf"))),
    "empty tag": lambda p: replace(p, payload=replace(p.payload, tags=("",))),
    "many tags": lambda p: replace(p, payload=replace(p.payload, tags=tuple(map(str, range(65))))),
    "nested key": lambda p: replace(p, payload=replace(p.payload, meta={"a.b": "c"})),
    "long value": lambda p: replace(p, payload=replace(p.payload, meta={"a": "c" * 257})),
    "long note": lambda p: replace(p, payload=replace(p.payload, notes=("x" * 257,))),
    "many notes": lambda p: replace(p, payload=replace(p.payload, notes=("x",) * 9)),
    "half a character in a part": lambda p: replace(p, payload=replace(p.payload, segment=Segment(part="\udcff"))),
}


def test_a_payload_that_would_spoil_the_store_is_refused_whole(store: VectorStore) -> None:
    good = points(3)
    for name, change in BAD_PAYLOADS.items():
        with pytest.raises(StoreError):
            store.upsert([*good, change(good[0])])
        assert store.count() == 0, name


def test_a_limit_below_one_is_refused(store: VectorStore) -> None:
    with pytest.raises(StoreError, match="limit"):
        store.search([Lookup(vector(0), 0)])


def test_what_was_written_is_there_after_reopening(place: Settings, store: VectorStore) -> None:
    store.upsert(points(9))
    store.delete(["item-2"])
    store.close()
    store.close()
    with closing(reopen(place)) as again:
        assert (again.collection, again.dim, again.fingerprint) == (store.collection, DIM, FINGERPRINT)
        assert again.count() == 6
        assert again.search([Lookup(vector(0), 1)])[0][0].id == points(1)[0].id


def test_two_clients_see_one_collection(place: Settings, store: VectorStore) -> None:
    with closing(reopen(place)) as other:
        store.upsert(points(4))
        assert other.count() == 4
        other.upsert(points(6))
        assert store.count() == 6
        other.delete(["item-0"])
        assert store.count() == 3


def test_nothing_was_indexed_yet(place: Settings) -> None:
    empty(place)
    if place.store is None:
        place = Settings(data_dir=place.data_dir / "fresh")
    with pytest.raises(NoIndexError, match="omnisearch index PATH"):
        reopen(place)
    with pytest.raises(NoIndexError, match="omnisearch index PATH"):
        describe_store(place)
    assert not (place.data_dir / "vectors").exists() or place.store is None


def test_the_first_index_is_made_once(place: Settings) -> None:
    empty(place)
    if place.store is None:
        place = Settings(data_dir=place.data_dir / "first")
    for count in (0, 5):
        with closing(open_store(place, model=MODEL, dim=DIM, fingerprint=FINGERPRINT, create=True)) as opened:
            assert opened.count() == count
            opened.upsert(points(5))


@pytest.mark.parametrize("create", [True, False])
@pytest.mark.parametrize(("dim", "fingerprint"), [(DIM, "f" * 64), (DIM + 1, FINGERPRINT)])
def test_another_model_is_refused(
    place: Settings, store: VectorStore, dim: int, fingerprint: str, create: bool
) -> None:
    store.upsert(points(3))
    with pytest.raises(FingerprintError) as caught:
        open_store(place, model="other", dim=dim, fingerprint=fingerprint, create=create)
    for word in (MODEL, FINGERPRINT[:12], "other", fingerprint[:12], str(dim), "--model"):
        assert word in str(caught.value)
    assert store.count() == 3


def test_a_renamed_model_is_the_same_model(place: Settings, store: VectorStore) -> None:
    with closing(open_store(place, model="renamed", dim=DIM, fingerprint=FINGERPRINT, create=False)) as opened:
        assert opened.collection == store.collection


def test_the_store_says_whose_vectors_it_holds(place: Settings, store: VectorStore) -> None:
    described = describe_store(place)
    assert (described.model, described.dim, described.fingerprint) == (MODEL, DIM, FINGERPRINT[:12])
    assert str(described) == store.collection


@pytest.mark.parametrize("fingerprint", [FINGERPRINT, "f" * 64], ids=["a rebuild", "another model"])
def test_a_swap_replaces_the_collection_in_one_step(place: Settings, store: VectorStore, fingerprint: str) -> None:
    store.upsert(points(9))
    with swap(place, model=MODEL, dim=DIM, fingerprint=fingerprint) as fresh:
        fresh.upsert(points(4, seed=100))
        assert store.count() == 9
        assert str(describe_store(place)) == store.collection
    with closing(open_store(place, model=MODEL, dim=DIM, fingerprint=fingerprint, create=False)) as opened:
        assert opened.collection == fresh.collection != store.collection
        assert opened.count() == 4
    with pytest.raises((NoIndexError, StoreError, ValueError)):
        store.count()


def test_a_swap_that_fails_leaves_the_old_collection(place: Settings, store: VectorStore) -> None:
    store.upsert(points(9))

    def interrupted() -> None:
        with swap(place, model=MODEL, dim=DIM, fingerprint=FINGERPRINT) as unfinished:
            unfinished.upsert(points(4))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    with closing(reopen(place)) as opened:
        assert opened.collection == store.collection
        assert opened.count() == 9
    with closing(open_catalog(place)) as catalog:
        assert [str(name) for name in catalog.names()] == [store.collection]


@pytest.mark.parametrize("fingerprint", [FINGERPRINT, "f" * 64], ids=["a rebuild", "another model"])
def test_the_next_swap_removes_what_a_killed_one_left(place: Settings, store: VectorStore, fingerprint: str) -> None:
    left = CollectionName(MODEL, DIM, fingerprint, version=7)
    with closing(open_catalog(place)) as catalog:
        catalog.create(left)
        with swap(place, model=MODEL, dim=DIM, fingerprint=FINGERPRINT):
            pass
        assert catalog.names() == [CollectionName(MODEL, DIM, FINGERPRINT, version=2)]


def test_collections_lie_side_by_side(place: Settings, store: VectorStore) -> None:
    """A swap of one leaves the other, and neither sees the points or the names of the other."""
    other = place.model_copy(update={"collection": "photos_2"})
    store.upsert(points(9))
    with pytest.raises(NoIndexError, match="--collection photos_2"):
        describe_store(other)
    model = {"model": MODEL, "dim": DIM, "fingerprint": FINGERPRINT}
    with closing(open_store(other, **model, create=True)) as opened:
        opened.upsert(points(4, seed=100))
        assert (store.count(), opened.count()) == (9, 4)
        assert opened.collection != store.collection
    for settings, left in ((place, 4), (other, 0)):
        with swap(settings, **model):
            pass
        with closing(open_store(other, **model, create=False)) as opened:
            assert opened.count() == left
    drop_index(other)
    with closing(open_catalog(other)) as catalog:
        assert catalog.names() == []
    with closing(reopen(place)) as opened:
        assert opened.count() == 0


def test_a_collection_without_text_vectors_is_searched_and_completed(
    place: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Versions without readings made such collections. tests/upgrade opens one of the embedded engine."""
    if place.store is None:
        pytest.skip("the engine's process cannot be patched")
    empty(place)
    name = CollectionName(MODEL, DIM, FINGERPRINT)
    with monkeypatch.context() as older, closing(open_catalog(place)) as catalog:
        older.setattr("omnisearch.stores.server_catalog.ServerCatalog._complete", lambda *_: None)
        catalog.create(name)
        catalog.point(name)
    with closing(reopen(place)) as store:
        store.search([Lookup(vector(3), 5), Lookup(vector(3), 5, using="text")], True)
    with closing(open_store(place, model=MODEL, dim=DIM, fingerprint=FINGERPRINT, create=True)) as store:
        [point] = points(1)
        store.upsert([replace(point, text_vector=vector(3))])
        [[plain], [text]] = store.search([Lookup(vector(3), 5), Lookup(vector(3), 5, using="text")], True)
        assert text.id == plain.id == point.id
        assert text.score == pytest.approx(1, abs=1e-3)
