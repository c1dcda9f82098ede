# Two commands set everything up: `make demo` and `make test`. `make help` lists the rest.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := demo
PARALLEL := -n auto --dist worksteal --durations=10
SLOW := weights or network or slow
# The tests start hundreds of processes: each would compile every module.
unexport PYTHONDONTWRITEBYTECODE
STAMP := $(VENV)/.installed
PAGE := web/dist/index.html
# Waiting threads of OpenMP do not use the cores, as in the command `omnisearch`.
BENCH := OMP_WAIT_POLICY=PASSIVE $(BIN)/python bench
RESULTS := bench/results
# On Linux the package index serves torch with gigabytes of CUDA. Without an NVIDIA card torch comes from an index of
# builds for the processor, if that can be reached; TORCH_INDEX= takes the usual one.
TORCH_INDEX ?= $(shell test "$$(uname)" != Linux || command -v nvidia-smi >/dev/null || echo https://download.pytorch.org/whl/cpu)

.PHONY: help install page demo pictures serve-demo test coverage test-slow attack check bench bench-more gate docs web-types browser clean

help:  ## List the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "omnisearch needs Python 3.11 or newer; run: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch \
	  $(if $(TORCH_INDEX),--retries 0 --extra-index-url $(TORCH_INDEX))
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,train]'
	@# librosa compiles functions on its first import, in half a minute: not in the first search or test.
	$(BIN)/python -c 'import librosa.core.audio, librosa.util.utils'
	@touch $@

install: $(STAMP) page  ## Make .venv with everything the project needs, and build the search page

page: $(PAGE)  ## Build the search page

$(PAGE): $(shell find web -type f -not -path '*/node_modules/*' -not -path '*/dist/*' -not -path '*/.*/*')
	PYTHON="$$(test -x $(BIN)/python && echo $(abspath $(BIN)/python) || echo $(PYTHON))" web/build.sh

demo: install  ## Pull weights, gather some 550 real files, index them, ask any-to-any questions
	@$(BIN)/omnisearch models pull
	@$(BIN)/python -m demo.gather $(DEMO)/corpus
	@# 3: some files failed, and are named; 4: an index of an earlier version's model, which the demo can do without
	@index="$(BIN)/omnisearch index $(DEMO)/corpus --data-dir $(DEMO)/data"; $$index || \
	  case $$? in 3) ;; 4) rm -rf $(DEMO)/data && $$index ;; *) exit 1 ;; esac
	@$(BIN)/python -m demo.ask $(DEMO)/corpus $(DEMO)/data
	@echo
	@echo "Open the page:  $(BIN)/omnisearch serve --data-dir $(DEMO)/data   then http://127.0.0.1:8000"

pictures: demo  ## Take the README's pictures of the page, over the demo's index
	$(BIN)/python -m demo.pictures $(DEMO)/data docs/images --steps bark-finds,map --widths 1280 --schemes light

serve-demo: install  ## Serve the page over the demo's index
	$(BIN)/omnisearch serve --data-dir $(DEMO)/data

test: install check  ## Check the code and run the default tests
	$(BIN)/python -m pytest $(PARALLEL)

coverage: install  ## Run the default tests with coverage, and print the share of each folder that they run
	rm -f .coverage .coverage.*
	-$(BIN)/coverage run -m pytest $(PARALLEL)  # `make test` decides whether they pass
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage json --quiet -o .coverage.json
	$(BIN)/python -m tests.coverage_table .coverage.json

test-slow: install  ## Run the tests that need weights, a registry or a browser, or are slow
	$(BIN)/omnisearch models pull --no-check
	$(BIN)/omnisearch models pull --no-check speech-en ocr-cyrillic ocr-arabic ocr-greek
	@# They share the cores with browsers, servers and clusters, whose time-outs a busy machine may exceed: the tests that
	@# failed run once more, alone, and that run decides.
	$(BIN)/python -m pytest $(PARALLEL) -m '$(SLOW)' || \
	  $(BIN)/python -m pytest --last-failed --last-failed-no-failures none -m '$(SLOW)'

attack: install  ## Index hostile files and mutants of good ones, more of them than the tests do
	$(BIN)/python -m tests.attacks hostile
	$(BIN)/python -m tests.attacks mutants --per-format 500

check: install  ## ruff, mypy --strict, import contracts, types, style and logic of the page
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@web/check.sh

bench: demo  ## Measure omnisearch against peers and limits, in some 30 minutes, and write docs/benchmarks.md
	$(BENCH)/everyday.py $(DEMO)/corpus --every 3 --json $(RESULTS)/everyday.json
	$(BENCH)/indexing.py --scale 0.2 --rounds 3 --json $(RESULTS)/indexing.json
	$(BENCH)/peers.py --pictures 100 --rounds 4 --json $(RESULTS)/peers.json
	$(BENCH)/served.py --notes 600 --json $(RESULTS)/served.json
	$(BENCH)/footprint.py --json $(RESULTS)/footprint.json
	$(BENCH)/growth.py --files 1000 4000 --recorded 100000 --json $(RESULTS)/growth.json
	$(BENCH)/search.py --points 10000 40000 --times 20 --json $(RESULTS)/search.json
	$(BENCH)/nearest.py --json $(RESULTS)/nearest.json
	$(BENCH)/serving.py $(DEMO)/data --texts 200 --turns 5 --json $(RESULTS)/serving.json
	$(BENCH)/rebind.py --files 300 --rounds 5 --json $(RESULTS)/rebind.json
	$(BENCH)/binding.py --models omnibind-base omnibind-large --rounds 7 --json $(RESULTS)/binding.json
	$(BENCH)/pairs.py --queries 8192 --targets 8192 --rounds 5 --json $(RESULTS)/pairs.json
	$(BENCH)/gate.py --json $(RESULTS)/gate.json
	$(BENCH)/render.py

bench-more: demo  ## Measure what docs/benchmarks.md leaves out: towers, load, previews; never a test
	$(BENCH)/encoders.py
	$(BENCH)/load.py $(DEMO)/data
	$(BENCH)/previews.py $(DEMO)/data

gate: install  ## Fail if a ratio that the benchmarks recorded has become twice as bad
	$(BENCH)/gate.py --check

docs: install  ## Write the pages and tables of docs/ that are made from the code
	$(BIN)/python -m tests.render_docs
	$(BIN)/python -m tests.code_metrics

web-types:  ## Write web/types/api.d.ts from docs/openapi.json
	web/install.sh
	web/npm.sh run --silent types

browser:  ## Install Debian's Chromium for the page's tests (needs root and apt)
	@command -v apt-get >/dev/null || { echo "no apt-get here: install Chromium yourself, as /usr/bin/chromium" >&2; exit 1; }
	apt-get update -q && apt-get install -y -q --no-install-recommends chromium

clean:  ## Remove the environment, the built page and the demo
	rm -rf $(VENV) .peers web/dist web/node_modules web/.node $(DEMO)/corpus $(DEMO)/corpus-sources.tsv $(DEMO)/data
