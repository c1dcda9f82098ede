"""Check an installation and the quality of its searches: one check per question, each with a result.

`verify` checks the data of an index.

A check returns its result, or raises the error that a user would get; the message says what to do.
"""

import platform
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from functools import cached_property
from importlib.metadata import version
from typing import TypeAlias

from omnisearch import __version__
from omnisearch.binding.background import ENOUGH
from omnisearch.binding.installed import files_of_model
from omnisearch.binding.model import OmniBind
from omnisearch.config import Settings
from omnisearch.errors import OmnisearchError
from omnisearch.media.worker_process import Limits, WorkerProcess
from omnisearch.search.index import Index
from omnisearch.search.rank.background_sample import SAME_SCENE
from omnisearch.spaces.device import choose
from omnisearch.spaces.weights.spec import resolve, verify
from omnisearch.stores.absent_folders import read_absent_folders
from omnisearch.stores.validation import RESERVE
from omnisearch.types import Modality
from omnisearch_indexer import index_quality
from omnisearch_indexer.check_result import CheckResult, CheckState
from omnisearch_indexer.manifest import Manifest
from omnisearch_indexer.open_manifest import open_manifest

PACKAGES = ("torch", "numpy", "qdrant-client", "qdrant-edge-py", "av")
# Below this recall of the approximate search, some of the best ten hits are regularly missed.
GOOD_RECALL = 0.95
FINER = "the quantization loses hits: set store_quantization to int8 or none, and run `omnisearch rebind`"
# If unrelated items have this mean cosine, the model can hardly distinguish them.
ALIKE = 0.5


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
        return self._open.enter_context(closing(open_manifest(self._settings)))

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
        states = self.manifest.states()
        value = ", ".join(f"{count:,} {state}" for state, count in states.items())
        failed = states.get("failed", 0)
        return (CheckState.WARN, value, "see `omnisearch errors`") if failed else (CheckState.OK, value, "")

    def _roots(self) -> Found:
        kept = read_absent_folders(self._settings.index_dir)
        if kept:
            return CheckState.WARN, "; ".join(map(str, kept)), kept[0].way_out
        count = len(self.manifest.roots())
        return CheckState.OK, f"{count} {'root' if count == 1 else 'roots'}, each found by the last run", ""

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
        store = self.index.store
        ways = [store] if (unquantized := store.unquantized()) is None else [store, unquantized]
        shares, *others = index_quality.recalls(ways, self.index.sample)
        if not shares:
            return CheckState.OK, "no items to query", ""
        kind = "a server, approximate above its threshold" if self._settings.store else "embedded, exact"
        value = f"{_listed(shares)} of the exact ten nearest ({kind})"
        value += "".join(f"; without its quantization {_listed(other)}" for other in others)
        if min(shares.values()) >= GOOD_RECALL:
            return CheckState.OK, value, ""
        if others and min(others[0].values()) >= GOOD_RECALL:
            return CheckState.WARN, value, FINER
        # A search without ef uses ef_construct.
        return CheckState.WARN, value, f"raise ef_construct and m in the hnsw_config of {store.collection}"

    def _latency(self) -> Found:
        middle, slow = index_quality.latency(self._settings)
        return CheckState.OK, f"a text, all modalities: p50 {middle:.1f} ms, p95 {slow:.1f} ms", ""


def _listed(shares: index_quality.Shares) -> str:
    return ", ".join(f"{modality} {share:.3f}" for modality, share in shares.items())
