#!/usr/bin/env bash
# Makes `mini` again from nothing and measures it: about 2.2 GB of downloads, an hour and a half on two cores.
set -euo pipefail
cd "$(dirname "$0")/../.."
bin=.venv/bin
# Its wheel asks for a sound card's library that rendering to memory does not need.
$bin/python -m pip install --quiet --no-deps tinysoundfont==0.3.7
$bin/omnisearch models pull minilm.safetensors minilm-tokenizer.json e5-small-q4.bin e5-tokenizer.json efficientnet-lite2.pth imagenet-names.json aisfx.pth yamnet.data audioset-names.csv
$bin/omnisearch train fetch
$bin/omnisearch train run training/recipes/mini.toml --out omnisearch/models/mini
$bin/omnisearch eval --model mini --split test --out training/runs/mini.json --markdown training/runs/mini.md
