# The house's commands. `make serve` needs Python 3.11 or newer and nothing else.
PYTHON ?= python3
BIN := .venv/bin
RUNTIME := .venv/.runtime-installed
DEV := .venv/.dev-installed
PYTEST := $(BIN)/python -m pytest
CODE := src tests $(wildcard benchmarks)

PIP_TOOLS_VERSION := 7.6.2
# A lock names versions and hashes but no host: where packages come from is the business of the machine that installs.
# `--build-deps-for editable` locks setuptools too, so that our own package is built without fetching anything unlocked.
COMPILE := env -u PIP_FIND_LINKS .cache/lock/bin/pip-compile --quiet --upgrade --generate-hashes --allow-unsafe \
	--strip-extras --no-annotate --no-header --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
	--no-emit-options --build-deps-for editable

# Suites that must hold on the oldest PostgreSQL we support as well as on the embedded one.
# (Without what only computes, and without the embedded server's own places, which have nothing to do with the version.)
SYSTEM_SUITES := $(filter-out $(wildcard tests/conversations/test_hours* tests/conversations/test_masking* tests/db/test_embedded_*), \
	$(wildcard tests/db/test_* tests/jobs/test_* tests/people/test_* tests/conversations/test_* tests/insight/test_* tests/sim/test_*))
# Two at a time, a file staying with one: each has a PostgreSQL of its own.
PARALLEL := -n 2 --dist loadfile
SYSTEM_POSTGRES := $(shell ls -d /usr/lib/postgresql/1[5-9] /usr/lib/postgresql/[2-9]? 2>/dev/null | head -n 1)
CHROMIUM := $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)

.DEFAULT_GOAL := help
.PHONY: help serve test test-fast test-system test-browser check prove bench lock clean

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /  /'

serve: $(RUNTIME) ## start the desk with demo data on this machine
	@echo "== Starting the desk (Ctrl-C stops it; its data stay in ./data)"
	@exec $(BIN)/yingda serve --demo

test: test-fast test-system test-browser ## every test of everyday work, within five minutes on two cores
	@echo "== All suites passed"

test-fast: $(DEV) ## everything that needs no browser, on the embedded PostgreSQL
	@echo "== Tests without a browser, on the embedded PostgreSQL"
	@YINGDA_TEST_PG=wheel $(PYTEST) $(PARALLEL) -m "not slow and not browser"

test-system: $(DEV) ## the database suites on an installed PostgreSQL 15 or newer
ifneq ($(SYSTEM_POSTGRES),)
	@echo "== The database suites again, on $(SYSTEM_POSTGRES)"
	@YINGDA_TEST_PG=system $(PYTEST) $(PARALLEL) -m "not slow and not browser" $(SYSTEM_SUITES)
else
	@echo "!! SKIPPED: no PostgreSQL 15 or newer under /usr/lib/postgresql, so its suites did not run (Debian: apt install postgresql)"
	@test -z "$$CI" || { echo "!! On CI that is a failure"; exit 1; }
endif

test-browser: $(DEV) ## the pages, in a real Chromium
ifneq ($(CHROMIUM),)
	@echo "== The pages, in $(CHROMIUM)"
	@YINGDA_TEST_PG=wheel YINGDA_TEST_CHROMIUM="$(CHROMIUM)" $(PYTEST) $(PARALLEL) -m "browser and not slow"
else
	@echo "!! SKIPPED: no Chromium found, so no page was tested (Debian: apt install chromium)"
	@test -z "$$CI" || { echo "!! On CI that is a failure"; exit 1; }
endif

check: $(DEV) ## style, types and the house rules
	@echo "== ruff: mistakes"
	@$(BIN)/ruff check $(CODE)
	@echo "== ruff: format"
	@$(BIN)/ruff format --check $(CODE)
	@echo "== mypy: types"
	@$(BIN)/mypy
	@echo "== tests/tidy: house rules"
	@$(PYTEST) tests/tidy

prove: $(DEV) ## the long proofs: a kill at every statement, hundreds of kills under load
	@echo "== Proofs (this takes long)"
	@YINGDA_TEST_PG=wheel YINGDA_TEST_CHROMIUM="$(CHROMIUM)" $(PYTEST) -m slow

bench: $(DEV) ## measure, and print ratios against bare code in the same run
	@echo "== Benchmarks"
	@$(BIN)/python -m benchmarks

lock: ## resolve pyproject.toml anew into both lock files
	@echo "== Resolving versions (about two minutes)"
	@test -x .cache/lock/bin/pip-compile || { $(PYTHON) -m venv .cache/lock && \
		.cache/lock/bin/pip install --quiet pip-tools==$(PIP_TOOLS_VERSION); }
	@$(COMPILE) --output-file requirements.lock pyproject.toml
	@$(COMPILE) --extra dev --constraint requirements.lock --output-file requirements-dev.lock pyproject.toml

clean: ## remove what the targets above built (never ./data)
	rm -rf .venv .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(RUNTIME): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "!! $(PYTHON) is too old: Python 3.11 or newer is needed (make PYTHON=python3.12 …)"; exit 1; }
	@echo "== Making .venv from requirements.lock"
	@test -x $(BIN)/pip || $(PYTHON) -m venv .venv || \
		{ echo "!! Python cannot make virtual environments here (Debian: apt install python3-venv)"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index -e .
	@touch $@

$(DEV): requirements-dev.lock $(RUNTIME)
	@echo "== Adding the tools of requirements-dev.lock"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@
