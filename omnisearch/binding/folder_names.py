"""The names of the files in the folder of a bound model, and the folder of the models that ship."""

from pathlib import Path

CONFIG, TENSORS, BACKGROUND = "model.json", "model.safetensors", "background.safetensors"
SHIPPED = Path(__file__).parent.parent / "models"
IMPORTED = "models"  # the folder of imported models, in that of the weights
