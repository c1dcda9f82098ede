#!/bin/sh
# Check the types of the page: those of the API are fresh, and the page keeps to them. Where Node is missing or its
# packages cannot be installed, say in one line that this is skipped, and succeed.
cd "$(dirname "$0")" || exit 1
skip() {
  echo "The types of the page are not checked: $1."
  exit 0
}
command -v npm >/dev/null || skip "there is no npm here"
./install.sh >/dev/null 2>&1 || skip "npm ci failed in web/"
npm run --silent fresh >/dev/null 2>&1 || {
  echo "web/types/api.d.ts is stale: run make web-types" >&2
  exit 1
}
npm run --silent check
