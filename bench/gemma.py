"""What EmbeddingGemma 2 costs on a CPU, with random weights of its full size: python bench/gemma.py

For each precision and modality, a process of its own with one thread encodes one content. Prints the operations, the
seconds of processor time, and the most memory that the process held. Writes 1.5 GB.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from torch.utils.flop_counter import FlopCounterMode

from omnisearch.config import TowerSettings, load_settings
from omnisearch.spaces.families import embedding_gemma as gemma
from omnisearch.spaces.nn import torchvision_shim
from omnisearch.spaces.towers import TOWERS, load_tower
from omnisearch.spaces.weights import modern_files
from omnisearch.types import Content, Modality, Waveform

TEXT, IMAGE, AUDIO = Modality.TEXT, Modality.IMAGE, Modality.AUDIO
CONTENTS: dict[Modality, Content] = {
    TEXT: "word " * 32,
    IMAGE: np.random.default_rng(0).integers(0, 256, (768, 1024, 3)).astype(np.uint8),
    AUDIO: Waveform(np.random.default_rng(0).normal(0, 0.1, 10 * gemma.RATE).astype(np.float32), gemma.RATE),
}


def write(folder: Path) -> None:
    """Write random weights and a tokenizer of one word."""
    words = Tokenizer(WordLevel({"<unk>": 0, "word": 4} | gemma.IMAGE | gemma.SOUND, "<unk>"))
    words.pre_tokenizer = Whitespace()
    words.add_special_tokens([*gemma.IMAGE, *gemma.SOUND])
    words.save(str(folder / modern_files.EMBEDDING_GEMMA_TOKENIZER.name))
    state: dict[str, torch.Tensor] = {}
    for build in (gemma.network, partial(gemma.encoder, "vision"), partial(gemma.encoder, "audio")):
        with torch.device("meta"):
            shapes = {name: tensor.shape for name, tensor in build().state_dict().items()}
        state |= {name: torch.randn(shape, dtype=torch.bfloat16) * 0.02 for name, shape in shapes.items()}
    save_file(state, folder / modern_files.EMBEDDING_GEMMA.name)


def measure(folder: Path, modality: Modality, precision: str, tokens: int) -> dict[str, float]:
    """Return seconds and megabytes of one tower."""
    towers = {"embedding_gemma_image": TowerSettings(tokens=tokens)}
    settings = load_settings(weights_dir=folder, device="cpu", precision=precision, towers=towers)
    tower = load_tower(f"embedding_gemma_{modality}", settings)
    start = time.process_time()
    with FlopCounterMode(display=False) as counted:
        tower.features([CONTENTS[modality]])
    return {
        "operations": counted.get_total_flops() / 1e9,
        "seconds": time.process_time() - start,
        "megabytes": most_memory(),
    }


def most_memory() -> float:
    """Return the most megabytes that this process held; getrusage would include those of its parent."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1000


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "--folder", type=Path, help="where the random weights are written; a temporary one if not given"
    )
    parser.add_argument("--one", nargs=3, metavar=("MODALITY", "PRECISION", "TOKENS"), help="in the processes")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torchvision_shim.install()
    if arguments.one:
        modality, precision, tokens = arguments.one
        print(json.dumps(measure(arguments.folder, Modality(modality), precision, int(tokens))))
        return
    default = TOWERS["embedding_gemma_image"].tokens[0]
    runs = [(IMAGE, "bf16", tokens) for tokens in sorted(TOWERS["embedding_gemma_image"].tokens)]
    runs += [(modality, "bf16", default) for modality in (TEXT, AUDIO)]
    runs += [(modality, precision, default) for precision in ("fp32", "int8") for modality in CONTENTS]
    with tempfile.TemporaryDirectory(dir=arguments.folder) as place:
        write(Path(place))
        print(
            "| content | precision | tokens | billion operations | seconds | most memory |\n|---|---|--:|--:|--:|--:|"
        )
        for modality, precision, tokens in runs:
            command = [sys.executable, __file__, "--folder", place, "--one", modality, precision, str(tokens)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            found = json.loads(done.stdout.splitlines()[-1])
            budget = str(tokens) if modality is IMAGE else ""
            size = f"{found['megabytes'] / 1000:.1f} GB"
            work = f"{found['operations']:,.0f} | {found['seconds']:.1f}"
            print(f"| {modality} | {precision} | {budget} | {work} | {size} |", flush=True)


if __name__ == "__main__":
    main()
