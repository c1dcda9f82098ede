#!/usr/bin/env bash
# Measures what each part of the method is worth on mini's data, after mini.sh: an hour on two cores.
set -euo pipefail
cd "$(dirname "$0")/../.."
for name in spaces binding; do
  .venv/bin/omnisearch train ablate training/ablations/$name.toml --split test \
    --out training/runs/$name.json --markdown training/runs/$name.md
done
