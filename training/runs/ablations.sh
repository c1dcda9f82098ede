#!/usr/bin/env bash
# Measures what each part of the method is worth on mini's data, after mini.sh: an hour on two cores. MiCo's objectives and
# binding by texts are measured on fewer datasets.
set -euo pipefail
cd "$(dirname "$0")/../.."
ablate() {
  .venv/bin/omnisearch train ablate training/ablations/$1.toml --split test \
    --out training/runs/$1.json --markdown training/runs/$1.md "${@:2}"
}
ablate spaces
ablate binding
data=()
for name in emoji tuxpaint scratch gcompris openttd_sounds wesnoth_sounds widelands_sounds lincity_sounds megaglest_sounds \
  minetest_sounds openclonk_sounds ufoai_sounds lugaru_sounds; do
  data+=(--data "$name")
done
ablate mico "${data[@]}"
ablate texts --data emoji_names "${data[@]}"
for kinds in image audio stage; do
  .venv/bin/omnisearch train kinds training/ablations/kinds_$kinds.toml \
    --out training/runs/kinds_$kinds.json --markdown training/runs/kinds_$kinds.md
done
