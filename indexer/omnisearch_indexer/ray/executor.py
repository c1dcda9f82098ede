"""The executor of a run on a cluster: its decoders and its encoders."""

import logging
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from omnisearch.binding.model import OmniBind
from omnisearch.binding.picture_side import picture_side
from omnisearch.config import Settings
from omnisearch.errors import ClusterError
from omnisearch.media.versions import fingerprint
from omnisearch_indexer.executor import Executor
from omnisearch_indexer.ray.cluster import connect, living_nodes
from omnisearch_indexer.ray.plan import Place, plan

log = logging.getLogger(__name__)


@contextmanager
def ray_executor(
    settings: Settings, model: OmniBind, stop: threading.Event, address: str | None = None
) -> Iterator[Executor]:
    """Start decoders and encoders on the cluster at `address`; see `connect`. After `stop`, no thread waits for them.

    Raises:
        NotReadyError: the package ray is not installed.
        UsageError: the address is one of Ray Client.
        ClusterError: no cluster answers there, it refuses this process, or it has no processors.
    """
    with connect(address):
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        from omnisearch_indexer.ray.actors import Actors
        from omnisearch_indexer.ray.decoder_actor import DecoderActor
        from omnisearch_indexer.ray.encoder_actor import EncoderActor
        from omnisearch_indexer.ray.ray_encoders import DEPTH, RayEncoders
        from omnisearch_indexer.ray.ray_files import RayFiles

        wanted = settings.workers if "workers" in settings.model_fields_set else None
        places = plan(living_nodes(), wanted)
        if not places.decoders or not places.encoders:
            raise ClusterError("no node of the cluster has a processor: add one with `ray start --address HEAD:6379`")
        side = picture_side(settings)
        sent = settings.model_copy(update={"store_api_key": None, "api_key": None, "api_keys": None})

        def start(actor: type, *arguments: object) -> Any:
            def at(place: Place) -> Any:
                there = NodeAffinitySchedulingStrategy(place.node.id, soft=False)
                options = {"num_cpus": place.cpus, "num_gpus": place.gpus, "scheduling_strategy": there}
                return ray.remote(actor).options(**options).remote(sent, *arguments)

            return at

        with (
            closing(
                Actors(start(DecoderActor, side), places.decoders, fingerprint(settings), "decoder", stop)
            ) as decoders,
            closing(Actors(start(EncoderActor), places.encoders, model.fingerprint, "encoder", stop, DEPTH)) as actors,
            closing(RayEncoders(actors, len(places.encoders), model.dim, settings.batch_size)) as encoders,
        ):
            yield Executor(RayFiles(decoders), encoders, len(places.decoders))
