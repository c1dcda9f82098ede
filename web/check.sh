#!/bin/sh
# Check the page: the types of the API are fresh, the page keeps to its types and its style, and its logic passes its tests.
# Where Node or its packages cannot be installed, say in one line that this is skipped, and succeed.
cd "$(dirname "$0")" || exit 1
./install.sh >/dev/null 2>&1 || {
  echo "The page is not checked: Node or its packages cannot be installed in web/."
  exit 0
}
./npm.sh run --silent fresh >/dev/null 2>&1 || {
  echo "web/types/api.d.ts is stale: run make web-types" >&2
  exit 1
}
./npm.sh run --silent check && ./npm.sh run --silent test
