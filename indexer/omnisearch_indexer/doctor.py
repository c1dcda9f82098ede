"""Check an installation and its index: one check per question, each with a result.

A check returns its result, or raises the error that a user would get; the message says what to do.
"""

import platform
import shlex
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TypeAlias

from omnisearch import __version__
from omnisearch.binding.background import ENOUGH
from omnisearch.binding.installed import files_of_model
from omnisearch.binding.model import OmniBind
from omnisearch.config import Settings
from omnisearch.errors import NotReadyError, OmnisearchError
from omnisearch.media.worker_process import Limits, WorkerProcess
from omnisearch.paths import is_missing, show_path
from omnisearch.search.index import Index
from omnisearch.search.rank.background_sample import SAME_SCENE
from omnisearch.spaces.device import choose
from omnisearch.spaces.weights.spec import resolve, verify
from omnisearch.stores.absent_folders import read_absent_folders
from omnisearch.stores.base import Filter
from omnisearch.stores.embeddings import EMBEDDINGS_DIRECTORY, SpaceEmbeddingStore
from omnisearch.stores.validation import RESERVE
from omnisearch.types import Modality
from omnisearch_indexer import index_quality
from omnisearch_indexer.audit import Audit, audit
from omnisearch_indexer.manifest import MANIFEST_FILE, Manifest

PACKAGES = ("torch", "numpy", "qdrant-client", "qdrant-edge-py", "av")
REPAIR = "run `omnisearch repair`"
# Below this recall of the approximate search, some of the best ten hits are regularly missed.
GOOD_RECALL = 0.95
# If unrelated items have this mean cosine, the model can hardly distinguish them.
ALIKE = 0.5


class CheckState(StrEnum):
    """The outcome of a check."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class CheckResult:
    """The result of one check: its name, its state, the finding, and what to do if it is not ok."""

    check: str
    state: CheckState
    value: str
    way_out: str = ""
    exit_code: int = 0


Found: TypeAlias = tuple[CheckState, str, str]


class Doctor:
    """Checks the installation and the index of one set of settings. Shared resources are opened once, on first use."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._open = ExitStack()

    def findings(self) -> Iterator[CheckResult]:
        """Run every check. A failure does not stop the following checks, except those that need the same resource."""
        checks: dict[str, Callable[[], Found]] = {
            "versions": self._versions,
            "device": self._device,
            "weights": self._weights,
            "model": self._model,
            "disk": self._disk,
            "sandbox": self._sandbox,
            "index": self._index,
            "files": self._files,
            "roots": self._roots,
            "missing": self._missing,
            "counts": self._counts,
            "embeddings": self._embeddings,
            "points": self._points,
            "calibration": self._calibration,
            "spread": self._spread,
            "recall": self._recall,
            "latency": self._latency,
        }
        met: set[str] = set()
        with self._open:
            for name, check in checks.items():
                try:
                    state, value, way_out = check()
                except OmnisearchError as error:
                    if str(error) not in met:  # a shared failure is reported by the first check only
                        yield CheckResult(name, CheckState.FAIL, str(error), exit_code=error.exit_code)
                    met.add(str(error))
                else:
                    yield CheckResult(name, state, value, way_out, exit_code=int(state is CheckState.FAIL))

    @cached_property
    def model(self) -> OmniBind:
        """The model of the settings."""
        return OmniBind.load(self._settings.model, self._settings)

    @cached_property
    def index(self) -> Index:
        """The index of the settings."""
        index = Index.open(self._settings)
        self._open.callback(index.store.close)
        return index

    @cached_property
    def manifest(self) -> Manifest:
        """The indexer's manifest."""
        return self._open.enter_context(closing(Manifest(self._settings.index_dir / MANIFEST_FILE)))

    @cached_property
    def raw(self) -> SpaceEmbeddingStore:
        """The stored embeddings of every space."""
        return self._open.enter_context(closing(SpaceEmbeddingStore(self._settings.index_dir / EMBEDDINGS_DIRECTORY)))

    @cached_property
    def audit(self) -> Audit:
        """The result of comparing every point with the manifest and the embeddings."""
        if self.manifest.is_old:
            raise NotReadyError(f"the index was made by an older version: run {self._index_command} once")
        return audit(self.manifest, self.index.store, self.raw, self.model, alone=self._settings.store is None)

    @property
    def _index_command(self) -> str:
        return f"`omnisearch index {' '.join(shlex.quote(show_path(root)) for root in self.manifest.roots())}`"

    def _versions(self) -> Found:
        found = {"omnisearch": __version__, "python": platform.python_version(), **{p: version(p) for p in PACKAGES}}
        return CheckState.OK, ", ".join(f"{name} {number}" for name, number in found.items()), ""

    def _device(self) -> Found:
        return CheckState.OK, f"{choose(self._settings)} (setting: {self._settings.device})", ""

    def _weights(self) -> Found:
        specs = files_of_model(self.model.config)
        for spec in specs:
            verify(spec, resolve(spec, self._settings))
        return CheckState.OK, f"{len(specs)} files, all match their hashes", ""

    def _model(self) -> Found:
        model = self.model
        embeds = ", ".join(model.modalities)
        return CheckState.OK, f"{model.name} {model.fingerprint[:12]}: {embeds} in {model.dim} dimensions", ""

    def _disk(self) -> Found:
        place = next(path for path in (self._settings.index_dir, *self._settings.index_dir.parents) if path.exists())
        free = shutil.disk_usage(place).free
        value = f"{free / (1 << 30):.1f} GiB free at {place}"
        if free < RESERVE:
            return CheckState.FAIL, value, "nothing can be written: free some disk or move the index with --data-dir"
        return (
            (CheckState.OK if free > 5 * RESERVE else CheckState.WARN),
            value,
            "" if free > 5 * RESERVE else "free some disk",
        )

    def _sandbox(self) -> Found:
        decoder = WorkerProcess(Limits())
        decoder.stop()
        active = "; ".join(f"{layer.name} ({layer.detail})" for layer in decoder.layers if layer.active)
        missing = [layer for layer in decoder.layers if not layer.active]
        value = "; ".join([active or "no layer", *(f"without {layer.name}: {layer.detail}" for layer in missing)])
        # Containers seldom grant a network namespace; seccomp also refuses sockets.
        if all(layer.name == "network_namespace" for layer in missing):
            return CheckState.OK, value, ""
        return CheckState.WARN, value, "use a kernel with Landlock and seccomp, or run omnisearch as a separate user"

    def _index(self) -> Found:
        store = self.index.store
        return CheckState.OK, f"{store.collection} at {self._settings.store or self._settings.index_dir}", ""

    def _files(self) -> Found:
        states, unfinished = self.manifest.states(), len(self.manifest.intents)
        value = ", ".join(f"{count:,} {state}" for state, count in states.items())
        if unfinished:
            return CheckState.WARN, f"{value}; {unfinished} items were being written", f"run {self._index_command}"
        if suspects := len(self.manifest.suspects()):
            return CheckState.WARN, f"{value}; {suspects} items must be read again", REPAIR
        failed = states.get("failed", 0)
        return (CheckState.WARN, value, "see `omnisearch errors`") if failed else (CheckState.OK, value, "")

    def _roots(self) -> Found:
        kept = read_absent_folders(self._settings.index_dir)
        if kept:
            return CheckState.WARN, "; ".join(map(str, kept)), kept[0].way_out
        count = len(self.manifest.roots())
        return CheckState.OK, f"{count} {'root' if count == 1 else 'roots'}, each found by the last run", ""

    def _missing(self) -> Found:
        paths = [Path(row.path) for _, rows in self.manifest.held() for row in rows]
        missing = [path for path in paths if is_missing(path)]
        if missing:
            first = show_path(str(missing[0]))
            value = f"{len(missing):,} of {len(paths):,} indexed files are missing, such as {first}"
            return CheckState.WARN, value, "run `omnisearch index` on their folder"
        return CheckState.OK, f"none of {len(paths):,} indexed files", ""

    def _counts(self) -> Found:
        noted = {m: segments for m, (_, segments) in self.manifest.modalities().items()}
        held = {str(m): self.index.store.count(Filter(modalities=(m,))) for m in self.model.modalities}
        wrong = [f"{m}: {noted.get(m, 0):,} noted, {n:,} stored" for m, n in held.items() if n != noted.get(m, 0)]
        if wrong:
            return CheckState.FAIL, "; ".join(wrong), REPAIR
        return CheckState.OK, ", ".join(f"{n:,} {m}" for m, n in held.items() if n), ""

    def _embeddings(self) -> Found:
        lost = len(self.audit.lost)  # first, because it fails if there is no index, and opening `raw` would create one
        damaged, total = self.raw.damaged(), self.raw.count()
        if damaged or lost:
            value = f"damaged: {damaged:,} of {total:,} embeddings; items with missing ones: {lost:,}"
            return CheckState.FAIL, value, REPAIR
        return CheckState.OK, f"{total:,} embeddings, all match their checksums", ""

    def _points(self) -> Found:
        if not self.audit.engine_is_sound:
            return CheckState.FAIL, self.audit.engine_faults(), REPAIR
        return CheckState.OK, f"{self.audit.points:,} points, all match their embeddings", ""

    def _calibration(self) -> Found:
        sizes = {m: (len(self.model.background.get(m, ())), len(self.index.sample(m))) for m in self.model.modalities}
        value = ", ".join(f"{m} {shipped} + {own}" for m, (shipped, own) in sizes.items())
        thin = [str(m) for m, (shipped, own) in sizes.items() if own and shipped + own < ENOUGH]
        if thin:
            return CheckState.WARN, value, f"relevance of {', '.join(thin)} is unreliable: index more of it"
        return CheckState.OK, f"{value} (of the model + of the collection)", ""

    def _spread(self) -> Found:
        likeness = {m: self._likeness(m) for m in self.model.modalities}
        value = ", ".join(f"{m} {mean:.2f}" for m, mean in likeness.items() if mean is not None)
        alike = [str(m) for m, mean in likeness.items() if mean is not None and mean > ALIKE]
        if alike:
            return (
                CheckState.WARN,
                value,
                f"items of {', '.join(alike)} are nearly identical to this model: another model may be better",
            )
        return CheckState.OK, f"{value or 'too few items'} (mean cosine of two items)", ""

    def _likeness(self, modality: Modality) -> float | None:
        """The mean cosine of two items. If only one distinct item exists, the others are at least SAME_SCENE to it."""
        found = index_quality.similarity(self.index.sample(modality))
        return SAME_SCENE if found is None and self.index.size((modality,)) >= ENOUGH else found

    def _recall(self) -> Found:
        shares = index_quality.recall(self.index.store, self.index.sample)
        if not shares:
            return CheckState.OK, "no items to query", ""
        kind = "a server, approximate above its threshold" if self._settings.store else "embedded, exact"
        value = f"{', '.join(f'{m} {share:.3f}' for m, share in shares.items())} of the exact ten nearest ({kind})"
        if min(shares.values()) < GOOD_RECALL:
            # A search without ef uses ef_construct.
            return (
                CheckState.WARN,
                value,
                f"raise ef_construct and m in the hnsw_config of {self.index.store.collection}",
            )
        return CheckState.OK, value, ""

    def _latency(self) -> Found:
        middle, slow = index_quality.latency(self._settings)
        return CheckState.OK, f"a text, all modalities: p50 {middle:.1f} ms, p95 {slow:.1f} ms", ""
