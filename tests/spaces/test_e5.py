"""The tower of many languages: its file of 4-bit blocks, made here, and the network that reads it."""

import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models

from omnisearch.config import load_settings
from omnisearch.errors import WeightsError
from omnisearch.spaces.families.e5 import E5, read_network
from omnisearch.spaces.nn.bert import Bert
from omnisearch.spaces.weights import packed_q4, weight_files
from omnisearch.spaces.weights.spec import resolve
from omnisearch.spaces.weights.vocabulary import read_tokenizer

WIDTH, LAYERS, HEADS, HIDDEN, WORDS = 32, 2, 4, 64, 20
NAMES = {
    "q": "attention.self.query", "k": "attention.self.key", "v": "attention.self.value",
    "ao": "attention.output.dense", "fi": "intermediate.dense", "fo": "output.dense",
}  # fmt: skip


def quantized(random: np.random.Generator, rows: int, columns: int) -> tuple[bytes, torch.Tensor]:
    """Draw a tensor of 4-bit weights: its bytes, block by block, and its values."""
    stored, values = b"", np.empty((rows, columns), np.float32)
    for row in range(rows):
        for first in range(0, columns, 32):
            scale, halves = np.float16(random.normal() / 20), random.integers(0, 16, 32)
            stored += scale.tobytes() + bytes(int(halves[j] | halves[j + 16] << 4) for j in range(16))
            values[row, first : first + 32] = (halves - 8) * np.float32(scale)
    return stored, torch.from_numpy(values)


def write_model(path: Path) -> dict[str, torch.Tensor]:
    """Write a small file by the layout of e5.c, and return its weights by BERT's names."""
    random = np.random.default_rng(0)
    tensors: list[tuple[str, int, int, bytes]] = []
    state = {}

    def add(short: str, name: str, *shape: int, quantize: bool = False) -> None:
        if quantize:
            stored, state[name] = quantized(random, *shape)
        else:
            drawn = random.normal(size=shape).astype("<f4")
            stored, state[name] = drawn.tobytes(), torch.from_numpy(drawn)
        tensors.append((short, int(quantize), state[name].numel(), stored))

    def add_norm(short: str, name: str) -> None:
        add(f"{short}.w", f"{name}.weight", WIDTH)
        add(f"{short}.b", f"{name}.bias", WIDTH)

    add("emb.word", "embeddings.word_embeddings.weight", WORDS, WIDTH, quantize=True)
    add("emb.pos", "embeddings.position_embeddings.weight", 512, WIDTH)
    add("emb.type", "embeddings.token_type_embeddings.weight", 2, WIDTH)
    add_norm("emb.ln", "embeddings.LayerNorm")
    for i in range(LAYERS):
        for short, name in NAMES.items():
            out, width = (HIDDEN if short == "fi" else WIDTH), (HIDDEN if short == "fo" else WIDTH)
            add(f"l{i}.{short}.w", f"encoder.layer.{i}.{name}.weight", out, width, quantize=True)
            add(f"l{i}.{short}.b", f"encoder.layer.{i}.{name}.bias", out)
        add_norm(f"l{i}.aln", f"encoder.layer.{i}.attention.output.LayerNorm")
        add_norm(f"l{i}.oln", f"encoder.layer.{i}.output.LayerNorm")
    pieces = [b"a", b"dog"]
    head = b"E5S1" + struct.pack("<I7ifi", 1, WIDTH, LAYERS, HEADS, HIDDEN, WORDS, 512, 2, 1e-12, 32)
    head += struct.pack("<5iQ", len(pieces), 0, 2, 1, 3, len(b"".join(pieces)))
    head += struct.pack("<3I2f", 0, 1, 4, -1.0, -2.0) + b"".join(pieces)
    head += struct.pack("<iI", 1, 9) + struct.pack("<IBI", 65, 1, 97)
    entries = b""
    size = len(head) + 4 + sum(2 + len(short) + 1 + 4 + 8 + 8 for short, *_ in tensors)
    for short, kind, count, stored in tensors:
        entries += struct.pack("<H", len(short)) + short.encode() + struct.pack("<BIQQ", kind, count, size, len(stored))
        size += len(stored)
    path.write_bytes(head + struct.pack("<i", len(tensors)) + entries + b"".join(stored for *_, stored in tensors))
    return state


def test_the_network_of_a_file_is_that_of_its_expanded_weights(tmp_path: Path) -> None:
    state = write_model(tmp_path / "small.bin")
    expected = Bert(WORDS, WIDTH, LAYERS, HEADS, HIDDEN)
    expected.load_state_dict(state, strict=True)
    network = read_network(packed_q4.read(tmp_path / "small.bin"))
    ids = torch.tensor([[0, 19, 4, 4, 7], [3, 2, 0, 0, 0]])
    mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0]])
    with torch.inference_mode():
        torch.testing.assert_close(network(ids, mask), expected(ids, mask), atol=1e-6, rtol=1e-6)


def test_a_text_is_read_as_a_query(tmp_path: Path) -> None:
    write_model(tmp_path / "small.bin")
    network = read_network(packed_q4.read(tmp_path / "small.bin"))
    tokenizer = Tokenizer(models.WordLevel({"query: a dog": 5, "a dog": 6, "[UNK]": 0}, unk_token="[UNK]"))
    tower = E5(network, tokenizer, torch.device("cpu"), "small")
    tower.width = WIDTH  # type: ignore[misc]
    with torch.inference_mode():
        expected = network(torch.tensor([[5]]), torch.ones(1, 1, dtype=torch.long))[0]
    np.testing.assert_allclose(tower.features(["a dog"]), expected, atol=1e-6)


@pytest.mark.parametrize("cut", [0, 3, 20, 300, 3000])
def test_a_damaged_file_is_named(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "small.bin"
    write_model(path)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(WeightsError, match=r"small\.bin"):
        read_network(packed_q4.read(path))


@pytest.mark.parametrize("number", [0, -1, 2**31 - 1])
@pytest.mark.parametrize("place", range(8, 28, 4))
def test_impossible_sizes_are_refused(tmp_path: Path, place: int, number: int) -> None:
    path = tmp_path / "small.bin"
    write_model(path)
    content = path.read_bytes()
    path.write_bytes(content[:place] + struct.pack("<i", number) + content[place + 4 :])
    with pytest.raises(WeightsError, match=r"small\.bin"):
        read_network(packed_q4.read(path))


@pytest.mark.parametrize("name", ["emb.word", "emb.pos", "l1.q.w"])
@pytest.mark.parametrize("count", [0, 1, 32, 33])
def test_tensors_of_other_sizes_are_refused(tmp_path: Path, name: str, count: int) -> None:
    path = tmp_path / "small.bin"
    write_model(path)
    content = path.read_bytes()
    place = content.index(name.encode()) + len(name) + 1
    path.write_bytes(content[:place] + struct.pack("<I", count) + content[place + 4 :])
    with pytest.raises(WeightsError, match=r"small\.bin"):
        read_network(packed_q4.read(path))


def test_words_beyond_the_file_and_scales_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    write_model(tmp_path / "small.bin")
    model = packed_q4.read(tmp_path / "small.bin")
    with pytest.raises(WeightsError, match=f"has the word {WORDS}"):
        read_network(model)(torch.tensor([[WORDS]]), torch.ones(1, 1, dtype=torch.long))
    blocks = np.array(model.blocks("emb.word", WIDTH))
    blocks[3, :2] = np.frombuffer(np.float16("nan").tobytes(), np.uint8)
    with pytest.raises(WeightsError, match="not finite"):
        packed_q4.dequantize(blocks)


def test_a_damaged_tokenizer_is_named(tmp_path: Path) -> None:
    path = tmp_path / "words.json"
    path.write_text('{"version": "1.0"')
    with pytest.raises(WeightsError, match=r"words\.json"):
        read_tokenizer(path)


@pytest.mark.weights
@pytest.mark.slow
def test_the_tower_computes_what_transformers_computes() -> None:
    from omnisearch.spaces.nn import torchvision_shim

    torchvision_shim.install()
    from transformers import BertConfig, BertModel

    settings = load_settings()
    model = packed_q4.read(resolve(weight_files.E5, settings))
    ours = read_network(model)
    words = packed_q4.dequantize(model.blocks("emb.word", model.sizes.width))
    config = BertConfig(
        vocab_size=model.sizes.words, hidden_size=384, num_hidden_layers=12, num_attention_heads=12,
        intermediate_size=1536, hidden_act="gelu",
    )  # fmt: skip
    reference = BertModel(config, add_pooling_layer=False).eval()
    state = {**ours.state_dict(), "embeddings.word_embeddings.weight": torch.from_numpy(words)}
    reference.load_state_dict(state, strict=True)
    tokenizer = Tokenizer.from_file(str(resolve(weight_files.E5_TOKENIZER, settings)))
    for text in ("a dog", "ein bellender Hund läuft über die Straße", "狗在叫", "कुत्ता " * 100):
        encoding = tokenizer.encode(f"query: {text}")
        ids = torch.tensor([encoding.ids])
        with torch.inference_mode():
            expected = reference(input_ids=ids).last_hidden_state.mean(1).numpy()
        found = E5.load(settings, "").features([text])
        np.testing.assert_allclose(found, expected, atol=1e-5)
