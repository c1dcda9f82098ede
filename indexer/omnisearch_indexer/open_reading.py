"""The reading of text and speech for one run: its level, its models, and the process that runs them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from omnisearch.config import Settings
from omnisearch.media.pool import DecoderPool, segmentation
from omnisearch.meter import SILENT, Meter
from omnisearch.reading.installed import need_packages
from omnisearch.reading.process import ReadingProcess
from omnisearch.reading.reader import Level, Reader
from omnisearch.spaces.weights.ocr_models import installed_ocr_models
from omnisearch.spaces.weights.speech_models import speech_folder
from omnisearch.types import Modality
from omnisearch_indexer.enriched import Enriched
from omnisearch_indexer.enricher import Enricher
from omnisearch_indexer.open_index import OpenIndex
from omnisearch_indexer.page_decoder import PageDecoder
from omnisearch_indexer.reading_version import ReadingModels, reading_version
from omnisearch_indexer.unread_pages import note_read_pages


@dataclass(frozen=True, eq=False)
class OpenReading:
    """The reading process of one run, the level at which it reads, and its models."""

    settings: Settings
    reader: Reader
    level: Level
    models: ReadingModels

    @property
    def version(self) -> str:
        """The version of the readings of documents."""
        return reading_version(self.level, Modality.TEXT, self.models)

    def page_decoder(self, pool: DecoderPool) -> PageDecoder:
        """Return a decoder that also recognizes the text of scanned pages."""
        return PageDecoder(pool, self.reader, self.level, self.version, segmentation(self.settings))

    def read_items(self, index: OpenIndex, stop: threading.Event, meter: Meter = SILENT) -> Enriched:
        """Read the pictures and the sound of all items that lack it. `meter` receives the progress in items."""
        note_read_pages(index.manifest, self.version)
        with DecoderPool(self.settings, self.settings.workers) as pool:
            enricher = Enricher(index, pool, self.reader, self.settings.batch_size)
            return enricher.run(self.level, self.models, stop, meter)


@contextmanager
def open_reading(settings: Settings) -> Iterator[OpenReading | None]:
    """Prepare a reading process at the level of the setting `read`; None if that is `none`.

    Raises:
        UsageError: no speech model has the name in the settings.
        ModelMissingError: the speech model is not on this machine.
        WeightsError: a model has a wrong size.
        NotReadyError: a package of the extra `read` is not installed.
    """
    if settings.read == "none":
        yield None
        return
    need_packages(settings)
    scripts = installed_ocr_models(settings)
    with ReadingProcess(settings, speech_folder(settings), scripts) as reader:
        yield OpenReading(settings, reader, settings.read, ReadingModels(settings.speech_model, tuple(scripts)))
