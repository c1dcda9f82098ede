"""The names of the files of a bound model, and of the folders in which models are."""

from pathlib import Path

CONFIG, TENSORS, BACKGROUND = "model.json", "model.safetensors", "background.safetensors"
SHIPPED = Path(__file__).parent.parent / "models"  # the folder of the models that ship
IMPORTED = "models"  # the folder of imported models, in the folder of the weights
