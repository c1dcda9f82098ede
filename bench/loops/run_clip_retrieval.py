"""Index pictures and search them with clip-retrieval's own inference, index and service; its encoder is ours.

Its service would also read each picture that it finds and send it in Base64. That is left out, because omnisearch sends
prepared previews instead.
"""

from importlib import import_module
from typing import Any

import numpy as np
import torch

from bench.loops import encoder, measured
from omnisearch.spaces.nn import torchvision_shim

torchvision_shim.install()  # the modules below import torchvision, which fails beside the CPU build of torch

import all_clip  # noqa: E402
from clip_retrieval.clip_index import clip_index  # noqa: E402
from clip_retrieval.clip_inference import main as inference  # noqa: E402
from clip_retrieval.clip_inference import mapper, worker  # noqa: E402

clip_back = import_module("clip_retrieval.clip_back")  # the package has a function of the same name


class Texts(list[str]):
    """Texts in the place of tokens."""

    def to(self, _: object) -> "Texts":
        """Stay on the processor."""
        return self


class OurClip:
    """A CLIP with another encoder."""

    def encode_image(self, prepared: torch.Tensor) -> torch.Tensor:
        """Embed prepared pictures, uint8 (n, 260, 260, 3)."""
        return torch.from_numpy(encoder.embed_images(list(prepared.numpy())))

    def encode_text(self, texts: Texts) -> torch.Tensor:
        """Embed texts."""
        return torch.from_numpy(encoder.embed_texts(texts))


def load_clip(*_: object, **__: object) -> tuple[OurClip, Any, Any]:
    """Return what clip-retrieval loads: model, preprocessing and tokenizer."""
    return OurClip(), lambda image: torch.from_numpy(np.array(encoder.prepare(image))), Texts


def main() -> None:
    """Run the loop once."""
    given = measured.arguments()
    all_clip.load_clip = worker.load_clip = mapper.load_clip = load_clip
    clip_back.convert_metadata_to_base64 = lambda _: None
    encoder.model()
    services: list[Any] = []

    def index() -> None:
        inference.main(
            input_dataset=str(given.folder),
            output_folder=str(given.place / "embeddings"),
            enable_text=False,
            num_prepro_workers=measured.CORES,
        )
        clip_index(str(given.place / "embeddings"), str(given.place / "index"), nb_cores=measured.CORES)

    def search(text: str) -> int:
        if not services:
            resource = clip_back.load_clip_index(
                clip_back.ClipOptions(
                    indice_folder=str(given.place / "index"),
                    clip_model="",
                    enable_hdf5=False,
                    enable_faiss_memory_mapping=False,
                    columns_to_return=["image_path"],
                    reorder_metadata_by_ivf_index=False,
                    enable_mclip_option=False,
                    use_jit=False,
                    use_arrow=False,
                    provide_safety_model=False,
                    provide_violence_detector=False,
                    provide_aesthetic_embeddings=False,
                )
            )
            services.append(clip_back.KnnService(clip_resources={"pictures": resource}))
        found = services[0].query(text, num_images=measured.K, num_result_ids=measured.K, deduplicate=False)
        return len(found)

    measured.measure(given.folder, given.place, index, search).write(given.place)


if __name__ == "__main__":
    main()
