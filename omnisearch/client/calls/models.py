"""Models: the served one, and descriptions and plans of others."""

from omnisearch.client.call import Asking, Call, Sent, segment
from omnisearch.schema.embeddings import ModelsOut
from omnisearch.schema.model import ModelCheckOut, ModelDetailOut, ModelPlanOut


class ModelCalls(Asking):
    """Calls about models by name."""

    @Sent
    def models(self, collection: str | None = None) -> Call[ModelsOut]:
        """List the models that make embeddings."""
        return Call("GET", "v1/models", ModelsOut.model_validate_json, None, self._of(collection))

    @Sent
    def model(self, name: str) -> Call[ModelDetailOut]:
        """Return the spaces and weight files of a model, and whether it is ready."""
        return Call("GET", _path(name), ModelDetailOut.model_validate_json)

    @Sent
    def plan(self, name: str) -> Call[ModelPlanOut]:
        """Return the towers that a model loads on the server's machine, and their memory."""
        return Call("GET", _path(name, "/plan"), ModelPlanOut.model_validate_json)

    @Sent
    def check(self, name: str) -> Call[ModelCheckOut]:
        """Compare the weight files of a model with their hashes."""
        return Call("POST", _path(name, "/check"), ModelCheckOut.model_validate_json)


def _path(name: str, below: str = "") -> str:
    return f"v1/models/{segment(name)}{below}"
