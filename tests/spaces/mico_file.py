"""A small random file with the tensor names of MiCo's published one, and the space `mico` reading it."""

from collections import OrderedDict
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from torch import Tensor, nn

from omnisearch.spaces import towers
from omnisearch.spaces.families import mico, wavcaps
from omnisearch.spaces.weights import modern_files, weight_files
from tests.spaces.conftest import shaken

WIDTH, DEPTH, HEADS = 64, 2, 4
VISION = {"embed_dim": WIDTH, "depth": DEPTH, "num_heads": HEADS}
TEXT = {"width": 48, "layers": 2, "heads": 4}
CROSS = "multimodal_encoder.bert.encoder.layer.0.crossattention.self.query.weight"


def state() -> dict[str, Tensor]:
    """Return the tensors of the two networks and of the three matrices, and some that are not read."""
    torch.manual_seed(0)
    trunk, text = shaken(mico.trunk(**VISION)), shaken(mico.Text(**TEXT))
    found = {f"vision_encoder.visual.{name}": tensor for name, tensor in trunk.state_dict().items()}
    found |= {mico.text_in_file(name): tensor for name, tensor in text.state_dict().items()}
    matrices = {f"contra_head_{part}.linear.weight": torch.randn(mico.DIM, WIDTH) for part in ("v", "a", "d")}
    unread = {CROSS: torch.randn(48, 48), "vision_encoder.visual.head.weight": torch.randn(1024, WIDTH)}
    unread |= {"vision_encoder.logit_scale": torch.zeros(()), "contra_temp": torch.tensor(0.07)}
    return found | matrices | unread


def write(tensors: dict[str, Tensor], folder: Path) -> Path:
    """Write tensors under the name of MiCo's file."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, folder / modern_files.MICO.name)
    return folder


def vision() -> Any:
    """Return the loader of the small image network."""
    return replace(mico.MICO_VISION, width=WIDTH, build=partial(mico.trunk, **VISION))


def text(prepare: Any = mico.MICO_TEXT.prepare) -> Any:
    """Return the loader of the small text network."""
    build: Any = partial(mico.Text, **TEXT)
    return replace(mico.MICO_TEXT, build=build, prepare=prepare)


def write_words(folder: Path) -> None:
    """Write a vocabulary of BERT's size under the name of its file: [CLS] 101, [SEP] 102, and words w0, w1 ..."""
    words = {"[PAD]": 0, "[UNK]": 100, "[CLS]": 101, "[SEP]": 102}
    free = (i for i in range(wavcaps.VOCABULARY) if i not in words.values())
    tokenizer = Tokenizer(models.WordLevel(words | {f"w{i}": i for i in free}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    ends = [(word, words[word]) for word in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    tokenizer.save(str(folder / weight_files.MINILM_TOKENIZER.name))


def install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write the file and the vocabulary to `folder`, and let `mico` read networks of its size."""
    write(state(), folder)
    write_words(folder)
    monkeypatch.setattr(wavcaps, "resolve", lambda spec, settings: settings.weights_dir / spec.name)
    monkeypatch.setattr(mico, "MICO_VISION", vision())
    monkeypatch.setattr(mico, "MICO_TEXT", text())
    monkeypatch.setitem(towers.TOWERS, "mico_vision", replace(towers.TOWERS["mico_vision"], width=WIDTH))
    monkeypatch.setattr(towers, "_loaded", OrderedDict())


def linear(tensors: dict[str, Tensor], name: str) -> nn.Linear:
    """Return one of the file's matrices as a layer."""
    weight = tensors[f"contra_head_{name}.linear.weight"]
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=False)
    layer.load_state_dict({"weight": weight})
    return layer
