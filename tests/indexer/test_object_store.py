"""Objects of a store: addresses, keys that are no paths, mirrors, and indexes of them."""

import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from threading import Event

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnisearch.config import Settings
from omnisearch.errors import NotReadyError, Reason, StoreError, UsageError
from omnisearch.meter import SILENT
from omnisearch.stores.absent_folders import read_absent_folders
from omnisearch_indexer.globs import parse_globs
from omnisearch_indexer.labels import Labels, parse_labelled_paths
from omnisearch_indexer.object_store import fetch, store
from omnisearch_indexer.object_store.address import ObjectAddress, local_path, outermost, parse_place
from omnisearch_indexer.object_store.key_paths import StoredObject, key_paths
from omnisearch_indexer.object_store.mirror import MIRRORS_FOLDER, PARTIAL_FOLDER, Selection, update_mirrors
from omnisearch_indexer.object_store.mirrored import Mirrored
from omnisearch_indexer.report import Outcome
from omnisearch_indexer.session import index_files
from omnisearch_indexer.status import read_failures
from tests.indexer.conftest import paths_of, points_of
from tests.indexer.fake_objects import TIME, FakeObjects, fake_objects

registry = import_module("fsspec.registry")  # fsspec has an attribute of this name
PHOTOS = ObjectAddress("s3", "bucket", "photos")
MIRROR = Path(MIRRORS_FOLDER, "s3", "bucket")


@pytest.fixture
def fake() -> Iterator[FakeObjects]:
    with fake_objects() as fake:
        yield fake


@pytest.fixture
def update(settings: Settings) -> Callable[..., Mirrored]:
    """Update mirrors with options of a run; returns what is left to report."""

    def run(
        *addresses: ObjectAddress,
        include: tuple[str, ...] = (),
        exclude: tuple[str, ...] = (),
        prune: bool = False,
        stop: Event | None = None,
    ) -> Mirrored:
        selection = Selection(False, parse_globs(include, exclude), prune)
        return update_mirrors(addresses or [PHOTOS], settings, selection, stop or Event(), SILENT)

    return run


def copies(settings: Settings) -> dict[str, bytes]:
    """The content of all copies of the bucket, by key."""
    top = settings.data_dir / MIRROR
    return {str(path.relative_to(top)): path.read_bytes() for path in top.rglob("*") if path.is_file()}


def whys(made: Mirrored, settings: Settings) -> dict[str, str]:
    """The details of what was refused, by the path in the mirror of the bucket."""
    assert {reason for reason, _ in made.refused.values()} <= {Reason.NOT_COPIED}
    return {path.removeprefix(f"{settings.data_dir / MIRROR}/"): detail for path, (_, detail) in made.refused.items()}


# Addresses


def test_addresses_are_told_from_paths() -> None:
    assert parse_place("photos/s3:/x") == Path("photos/s3:/x")
    assert parse_place("s3://bucket") == parse_place("s3://bucket/") == ObjectAddress("s3", "bucket", "")
    assert parse_place("gs://my.bucket_1/a b/c/") == ObjectAddress("gs", "my.bucket_1", "a b/c")
    assert [str(parse_place(text)) for text in ("s3://b/", "s3://b/c/")] == ["s3://b", "s3://b/c"]


@pytest.mark.parametrize(
    "text", ["s3://", "s3:///a", "s3://b c/a", "s3://b/../a", "gs://b//a", "s3://b/a//", "s3://../x"]
)
def test_a_wrong_address_is_an_error(text: str) -> None:
    with pytest.raises(UsageError, match=r"write (s3|gs)://BUCKET|name another prefix"):
        parse_place(text)


def test_credentials_in_an_address_are_refused_and_not_repeated() -> None:
    with pytest.raises(UsageError, match="the environment") as caught:
        parse_place("s3://AKIA:hush@bucket/photos")
    assert "hush" not in str(caught.value)


def test_an_address_has_tags_behind_a_slash() -> None:
    found = parse_labelled_paths(["s3://b/year=2024", "s3://b/photos/=holiday,sea", "s3://b/=all"], Labels())
    assert {str(place): sorted(labels.tags) for place, labels in found.items()} == {
        "s3://b/year=2024": [],
        "s3://b/photos": ["holiday", "sea"],
        "s3://b": ["all"],
    }


def test_an_address_within_another_is_left_out() -> None:
    texts = ["s3://b/a/b", "s3://b/a", "s3://b/ab", "gs://b/a/b", "s3://b/a"]
    found = outermost([place for text in texts if isinstance(place := parse_place(text), ObjectAddress)])
    assert [str(address) for address in found] == ["s3://b/a", "s3://b/ab", "gs://b/a/b"]


# Keys


PARTS = st.sampled_from(["", ".", "..", "a", "b", "A", "é", "e\u0301", "x" * 300, "\0", "a\0", "\udc80", "\ud800", "%"])
KEYS = st.lists(PARTS, min_size=1, max_size=4).map("/".join)


@given(st.sets(KEYS, max_size=8), st.booleans())
def test_no_key_leaves_its_folder_and_every_key_is_accounted_for(keys: set[str], folds: bool) -> None:
    found = key_paths([StoredObject(key, 1, 0) for key in keys], "/mirror", folds)
    assert {each.key for each in found.objects.values()} | {key for key, _ in found.faults.values()} == keys
    assert len(found.objects) + len(found.faults) == len(keys)
    for path, each in found.objects.items():
        assert path == f"/mirror/{each.key}" == os.path.normpath(path)
        os.fsencode(path)
    for path in found.faults:
        assert path.startswith("/mirror/")
        assert path == os.path.normpath(path)
        assert "\0" not in path
        os.fsencode(path)
    paths = set(found.objects)
    assert not any(str(above) in paths for path in paths for above in Path(path).parents)


def test_names_that_a_file_system_takes_for_one() -> None:
    keys = ["A/x", "B", "a/y", "b", "\u00c9", "e\u0301"]
    objects = [StoredObject(key, 1, 0) for key in keys]
    assert len(key_paths(objects, "/m", folds=False).objects) == len(keys)
    found = key_paths(objects, "/m", folds=True)
    assert {each.key for each in found.objects.values()} == {"A/x", "B", "e\u0301"}
    assert dict(found.faults.values())["a/y"].endswith("for that of 'A'")


# Mirrors


def test_a_mirror_follows_its_objects(fake: FakeObjects, settings: Settings, update: Callable[..., Mirrored]) -> None:
    for key in ("photos/a", "photos/deep/b", "photos/c", "photos2/other", "photo", "photos/empty"):
        fake.put(f"bucket/{key}", b"" if key.endswith("empty") else key.encode())
    fake.put("bucket/photos/", b"")  # which programs make as a folder
    assert (update().copied, fake.copied()) == (4, ["bucket/photos/a", "bucket/photos/c", "bucket/photos/deep/b"])
    assert copies(settings) == {
        "photos/a": b"photos/a",
        "photos/deep/b": b"photos/deep/b",
        "photos/c": b"photos/c",
        "photos/empty": b"",
    }
    assert int((settings.data_dir / MIRROR / "photos/a").stat().st_mtime) == TIME.timestamp()
    update()
    assert fake.requests == ["LIST bucket/photos"]  # an unchanged run
    fake.requests.clear()
    fake.put("bucket/photos/a", b"PHOTOS/A")  # of the same size and time
    fake.put("bucket/photos/c", b"photos/c", TIME + timedelta(seconds=1))
    del fake.objects["bucket/photos/deep/b"]
    fake.put("bucket/photos/deep", b"a file now")
    made = update()
    assert (made.copied, made.removed, made.refused) == (3, 1, {})
    assert fake.copied() == ["bucket/photos/a", "bucket/photos/c", "bucket/photos/deep"]
    assert copies(settings)["photos/a"] == b"PHOTOS/A"
    assert copies(settings)["photos/deep"] == b"a file now"
    assert not list((settings.data_dir / MIRRORS_FOLDER / PARTIAL_FOLDER).iterdir())


def test_a_single_object(fake: FakeObjects, settings: Settings, update: Callable[..., Mirrored]) -> None:
    fake.put("bucket/photos/a", b"1")
    fake.put("bucket/photos/b", b"2")
    one = ObjectAddress("s3", "bucket", "photos/a")
    update(one)
    assert copies(settings) == {"photos/a": b"1"}
    fake.objects.clear()
    fake.put("bucket/photos/a/below", b"3")
    update(one)
    assert copies(settings) == {"photos/a/below": b"3"}
    fake.put("bucket/lost", b"4")
    fake.faults["bucket/lost"] = PermissionError("Access Denied")
    with pytest.raises(UsageError, match="s3://bucket/lost: PermissionError: Access Denied"):
        update(ObjectAddress("s3", "bucket", "lost"))


def test_hostile_keys_are_named_and_write_nothing_elsewhere(
    fake: FakeObjects, settings: Settings, update: Callable[..., Mirrored]
) -> None:
    hostile = ["../../../../out", "/etc/passwd", "a//b", "nul\0l", "x" * 300, "./a", "a/.."]
    for key in (*hostile, "good", "both", "both/below"):
        fake.put(f"bucket/photos/{key}", b"content")
    made = update()
    assert set(copies(settings)) == {"photos/good", "photos/both/below"}
    assert fake.copied() == ["bucket/photos/both/below", "bucket/photos/good"]
    refused = whys(made, settings)
    assert len(refused) == len(hostile) + 1
    for key in (*hostile, "both"):
        shown = f"s3://bucket/photos/{key}" if key.isprintable() else repr(f"s3://bucket/photos/{key}")
        assert any(why.startswith(f"{shown}: ") for why in refused.values()), key
    outside = [path for path in settings.data_dir.parent.rglob("*") if not path.is_relative_to(settings.data_dir)]
    assert outside == []


def test_objects_that_fail_are_named_and_the_others_are_copied(
    fake: FakeObjects, settings: Settings, update: Callable[..., Mirrored]
) -> None:
    for key in "abc":
        fake.put(f"bucket/photos/{key}", key.encode())
    update()
    for key in "abcd":
        fake.put(f"bucket/photos/{key}", key.upper().encode())
    fake.faults = {
        "bucket/photos/a": OSError(5, "the body\nended at https://key:secret@host/"),
        "bucket/photos/b": FileNotFoundError("NoSuchKey"),
        "bucket/photos/d": PermissionError("Access Denied"),
    }
    made = update()
    assert whys(made, settings) == {
        "photos/a": "s3://bucket/photos/a: OSError: [Errno 5] the body ended at https://host/",
        "photos/b": "s3://bucket/photos/b: it was deleted while it was copied",
        "photos/d": "s3://bucket/photos/d: PermissionError: Access Denied",
    }
    assert copies(settings) == {"photos/a": b"a", "photos/b": b"b", "photos/c": b"C"}
    fake.faults.clear()
    assert (update().copied, set(copies(settings).values())) == (3, {b"A", b"B", b"C", b"D"})


def test_an_object_that_changes_while_it_is_copied(
    fake: FakeObjects, settings: Settings, update: Callable[..., Mirrored], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "CHUNK_BYTES", 4)
    fake.put("bucket/photos/a", b"0123456789")
    fake.sent = lambda: fake.put("bucket/photos/a", b"ABCDEFGHIJ")
    assert whys(update(), settings) == {"photos/a": "s3://bucket/photos/a: it changed while it was copied"}
    assert copies(settings) == {}
    fake.sent = lambda: None
    assert (update().refused, copies(settings)) == ({}, {"photos/a": b"ABCDEFGHIJ"})
    fake.sizes["bucket/photos/a"] = 3  # it has grown since it was listed
    assert whys(update(), settings) == {"photos/a": "s3://bucket/photos/a: it changed while it was copied"}


def test_a_listing_that_is_empty_or_fails_removes_nothing(
    fake: FakeObjects, settings: Settings, update: Callable[..., Mirrored]
) -> None:
    with pytest.raises(UsageError, match="s3://bucket/photos: there is no object"):
        update()
    fake.faults["bucket"] = PermissionError("Access Denied")
    with pytest.raises(UsageError, match="s3://bucket/photos: PermissionError: Access Denied"):
        update()
    assert not settings.data_dir.exists()
    fake.faults.clear()
    fake.put("bucket/photos/a", b"a")
    update()
    fake.faults["bucket"] = PermissionError("Access Denied")
    for prune in (False, True):
        why = "s3://bucket/photos: it cannot be listed: PermissionError: Access Denied"
        assert whys(update(prune=prune), settings) == {"photos": why}
    fake.faults["bucket"] = FileNotFoundError("NoSuchBucket")
    assert [(one.path, one.files) for one in update().absent] == [("s3://bucket/photos", 1)]
    assert set(copies(settings)) == {"photos/a"}
    fake.faults.clear()
    fake.objects.clear()
    made = update(prune=True)
    assert (made.absent, made.removed, copies(settings)) == ([], 1, {})


def test_only_objects_that_are_indexed_are_copied(
    fake: FakeObjects, settings: Settings, update: Callable[..., Mirrored]
) -> None:
    for key in ("a.jpg", "a.txt", ".hidden.jpg", "drafts/b.jpg", "drafts/c.jpg", "node_modules/d.jpg", "drafts//x.jpg"):
        fake.put(f"bucket/photos/{key}", key.encode())
    fake.put("bucket/photos/drafts/.omnisearchignore", b"c.*\n")
    made = update(include=("*.jpg",))
    assert fake.copied() == [f"bucket/photos/{key}" for key in ("a.jpg", "drafts/.omnisearchignore", "drafts/b.jpg")]
    assert (made.copied, len(copies(settings))) == (3, 3)
    assert list(whys(made, settings)) == ["photos/drafts/x.jpg"]
    assert update(include=("*.txt",)).refused == {}
    assert {"photos/a.jpg", "photos/a.txt", "photos/drafts/b.jpg"} < set(copies(settings))  # as files of a folder stay
    update(include=("*.txt",), prune=True)
    assert set(copies(settings)) == {"photos/a.txt", "photos/drafts/.omnisearchignore"}
    fake.put("bucket/photos/drafts/.omnisearchignore", b"*\n")
    update()
    assert set(copies(settings)) == {"photos/a.txt", "photos/a.jpg", "photos/drafts/.omnisearchignore"}


def test_what_is_too_large_is_not_copied(
    fake: FakeObjects, settings: Settings, update: Callable[..., Mirrored], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.put("bucket/photos/a", b"a")
    fake.put("bucket/photos/huge", b"b")
    fake.sizes["bucket/photos/huge"] = 5 << 30
    made = update()
    assert [(Path(path).name, reason) for path, (reason, _) in made.refused.items()] == [("huge", Reason.TOO_LARGE)]
    assert fake.copied() == ["bucket/photos/a"]
    fake.put("bucket/photos/b", bytes(100))
    monkeypatch.setattr(fetch, "RESERVE", 1 << 60)
    with pytest.raises(StoreError, match=r"s3://bucket/photos: 100 bytes .* nothing was copied: free disk space"):
        update()
    assert fake.copied() == []


def test_a_run_that_is_stopped_leaves_whole_copies(
    fake: FakeObjects, settings: Settings, update: Callable[..., Mirrored]
) -> None:
    for n in range(50):
        fake.put(f"bucket/photos/{n}", b"%d" % n)
    stop = Event()
    fake.sent = stop.set
    made = update(stop=stop)
    assert made.interrupted
    assert (made.copied, made.refused, copies(settings)) == (0, {}, {})
    assert not list((settings.data_dir / MIRRORS_FOLDER / PARTIAL_FOLDER).iterdir())
    assert index_files([PHOTOS], settings, stop=stop).interrupted
    update()
    assert copies(settings) == {f"photos/{n}": b"%d" % n for n in range(50)}


def test_a_missing_package_is_named(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    lost = {"class": "no_such_package.Files", "err": "Install s3fs to access S3"}
    monkeypatch.setitem(registry.known_implementations, "s3", lost)
    monkeypatch.delitem(registry._registry, "s3", raising=False)
    with pytest.raises(NotReadyError, match=r"Install s3fs to access S3.*pip install 'omnisearch\[objects\]'"):
        index_files([PHOTOS], settings)
    assert not settings.data_dir.exists()


# Indexes


def test_an_index_of_objects(fake: FakeObjects, settings: Settings, call: Callable[..., tuple[int, str]]) -> None:
    flags = ("--data-dir", settings.data_dir, "--model", settings.model)
    top = settings.data_dir / MIRROR / "photos"
    for key in ("one.txt", "deep/two.txt", "../three.txt"):
        fake.put(f"bucket/photos/{key}", f"the note {key}".encode())
    assert call("index", "s3://bucket/photos/=holiday", *flags)[0] == 3
    assert paths_of(settings) == {f"{top}/one.txt", f"{top}/deep/two.txt"}
    assert {point.payload.tags for point in points_of(settings).values()} == {("holiday",)}
    assert [(row["path"], row["reason"]) for row in read_failures(settings, False)] == [
        (str(top / "three.txt"), Reason.NOT_COPIED)
    ]
    # Renamed, changed but not copied, and deleted.
    fake.objects = {name: entry for name, entry in fake.objects.items() if "three" not in name}
    fake.objects["bucket/photos/moved.txt"] = fake.objects.pop("bucket/photos/one.txt")
    fake.put("bucket/photos/deep/two.txt", b"another note")
    fake.faults["bucket/photos/deep/two.txt"] = PermissionError("Access Denied")
    report = index_files([PHOTOS], settings)
    assert (report.outcomes[Outcome.MOVED], report.failed, report.copied) == (1, 1, 1)
    assert paths_of(settings) == {f"{top}/moved.txt", f"{top}/deep/two.txt"}
    fake.faults.clear()
    report = index_files([PHOTOS], settings)
    assert (report.outcomes[Outcome.CHANGED], report.failed) == (1, 0)
    # Everything is gone: as with a folder that is suddenly empty.
    kept, fake.objects = fake.objects, {}
    report = index_files([PHOTOS], settings)
    assert (report.indexed, report.complete) == (2, False)
    assert [str(one.path) for one in read_absent_folders(settings.index_dir)] == ["s3://bucket/photos"]
    fake.objects = kept
    assert index_files([PHOTOS], settings).complete
    assert read_absent_folders(settings.index_dir) == []
    assert call("forget", "s3://bucket/photos", *flags[:2])[0] == 0
    assert (paths_of(settings), copies(settings)) == (set(), {})
    assert not local_path(PHOTOS, settings).exists()


@pytest.mark.parametrize("option", ["--watch", "--dry-run"])
def test_options_for_files_of_this_machine(
    option: str, fake: FakeObjects, settings: Settings, run_here: Callable[..., object]
) -> None:
    ended = run_here("index", "s3://bucket/photos", option, "--data-dir", settings.data_dir, "--model", settings.model)
    assert ended.returncode == 2  # type: ignore[attr-defined]
    assert f"s3://bucket/photos: {option} takes only files" in " ".join(ended.stderr.split())  # type: ignore[attr-defined]
    assert fake.requests == []
