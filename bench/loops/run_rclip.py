"""Index pictures and search them with rclip's own loop, database and ranking; its encoder is exchanged for ours."""

from typing import Any

import numpy as np
from rclip import db, model
from rclip import main as rclip_main

from bench.loops import encoder, measured

BATCH = 8  # the default of its command line


class OurModel(model.Model):  # type: ignore[misc]
    """rclip's model with another encoder."""

    def ensure_downloaded(self) -> None:
        """Download nothing: the encoder is ours."""

    def compute_preprocessed_image_features(self, images: list[Any], **_: bool) -> Any:
        """Embed prepared pictures."""
        return encoder.embed_images(images)

    def compute_text_features(self, text: list[str]) -> Any:
        """Embed texts."""
        return encoder.embed_texts(text)


def main() -> None:
    """Run the loop once."""
    given = measured.arguments()
    model.Model.VECTOR_SIZE = encoder.model().dim
    rclip_main.preprocess = encoder.prepare
    given.place.mkdir(parents=True, exist_ok=True)
    database = db.DB(given.place / "db.sqlite3")
    rclip = rclip_main.RClip(OurModel(), database, BATCH, None)
    folder = str(given.folder)
    measured.measure(
        given.folder,
        given.place,
        lambda: rclip.ensure_index(folder),
        lambda text: len(rclip.search(text, folder, measured.K)),
    ).write(given.place)
    assert np.isfinite(rclip.search("a dog", folder, 1)[0].score)
    rclip.close()
    database.close()


if __name__ == "__main__":
    main()
