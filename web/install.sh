#!/bin/sh
# Install the packages that build and check the page, unless those of this package-lock.json are installed: no network then.
cd "$(dirname "$0")" || exit 1
cmp -s package-lock.json node_modules/.installed ||
  { ./npm.sh ci --engine-strict --no-audit --no-fund --prefer-offline --fetch-retries=1 --fetch-timeout=60000 &&
    cp package-lock.json node_modules/.installed; }
