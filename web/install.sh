#!/bin/sh
# Install the packages that check the page, unless those of this package-lock.json are installed: no network then.
cd "$(dirname "$0")" || exit 1
cmp -s package-lock.json node_modules/.installed ||
  { npm ci --engine-strict --no-audit --no-fund --prefer-offline --fetch-retries=0 --fetch-timeout=30000 &&
    cp package-lock.json node_modules/.installed; }
