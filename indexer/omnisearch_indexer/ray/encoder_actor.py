"""The actor that encodes batches on its node. It loads the towers once."""

from omnisearch.binding.model import OmniBind
from omnisearch.config import Settings
from omnisearch.types import Content, Modality
from omnisearch_indexer.batch_encoder import BatchEncoder, EncodedRows


class EncoderActor:
    """Encodes one batch after the other."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._model: OmniBind | None = None

    def version(self) -> str:
        """Load the model, and return its fingerprint.

        Raises:
            ModelMissingError: the model or its weights are not on this node.
        """
        if self._model is None:
            self._model = OmniBind.load(self._settings.model, self._settings)
            self._encoder = BatchEncoder(self._model, self._settings.batch_size)
        return self._model.fingerprint

    def encode(self, modality: Modality, *contents: Content) -> EncodedRows:
        """Encode contents of one modality. Ray passes those of other nodes without the head."""
        return self._encoder.encode(modality, contents)
