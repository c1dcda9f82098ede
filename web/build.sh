#!/bin/sh
# Build the search page into web/dist. A build that fails leaves the former one.
set -e
cd "$(dirname "$0")"
./install.sh
rm -rf .built
./npm.sh run --silent build -- --logLevel warn --outDir .built
rm -rf dist
mv .built dist
