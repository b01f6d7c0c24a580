# Every target creates and uses .venv; `make run` and `make test` are the two that a newcomer needs.
.DEFAULT_GOAL := help
.PHONY: check-contract help setup run test test-all fuzz redis-server codex check bench soak generate update-spec diff-spec release
.PHONY: upstream-pull-request docs format clean dist test-anywhere test-lowest test-pythons screenshots mutants

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
STAMP := $(VENV)/.installed
# What installs a list of requirements into $(VENV); test-lowest has another.
INSTALL ?= pip install --quiet --disable-pip-version-check
# The Codex CLI that the tests drive: 404 MB, hence outside the tree and shared by all of them.
CODEX_VERSION := 0.169.0
CODEX_CACHE ?= $(HOME)/.cache/codegen-sdk/codex-$(CODEX_VERSION)
CODEX := $(CODEX_CACHE)/node_modules/.bin/codex
# redocly, which compares contracts, and pyright, in the versions that package.json pins.
NODE_MODULES := node_modules/.package-lock.json
# A process for each core, four at most, since a container may see more cores than it has; who is busy gives tests away.
PYTEST := $(BIN)/python -m pytest -q --numprocesses auto --maxprocesses 4 --dist worksteal
export CODEGEN_TEST_CODEX ?= $(CODEX)
# Each process of the tests would compile the same hundred files.
unexport PYTHONDONTWRITEBYTECODE

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | sort

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is %d.%d; try make PYTHON=python3.11" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1' uv
	VIRTUAL_ENV=$(VENV) $(BIN)/python -m $(INSTALL) -e '.[all]' --group dev
	@$(BIN)/python -m compileall -q codegen_ext generated
	@touch $(STAMP)

setup: $(STAMP) ## create .venv with everything that the other targets need

run: $(STAMP) ## watch an agent run on the bundled sandbox, from created to completed
	@$(BIN)/python examples/first_run.py

test: $(STAMP) ## the fast tests
	@$(PYTEST) -m 'not slow'

test-all: $(STAMP) redis-server codex | $(NODE_MODULES) ## all tests, with coverage, Redis and what comes from npm
	@CODEGEN_TEST_ALL=1 $(PYTEST) --cov --cov-fail-under=95

test-anywhere: $(STAMP) ## the fast tests under an unusual path, locale, time zone, proxy and network
	@tools/test-anywhere

# Libraries of different years warn of one another.
test-lowest: ## the fast tests with the lowest versions that pyproject.toml allows
	@PYTEST_ADDOPTS='-W default::DeprecationWarning' $(MAKE) --no-print-directory VENV=.venv-lowest \
	  INSTALL='uv --quiet pip install --resolution lowest-direct' test

test-pythons: ## the fast tests with each Python from 3.11 that is here
	@set -e; for version in 3.11 3.12 3.13 3.14; do python$$version -c '' 2>/dev/null || continue; \
	  echo "Python $$version"; $(MAKE) --no-print-directory VENV=.venv-$$version PYTHON=python$$version test; done

mutants: $(STAMP) ## seed faults into the code and tell which the tests catch: ROOM=name for one room
	@$(BIN)/python -m tools.mutants $(ROOM)

dist: $(STAMP) ## build the wheel and the source distribution into dist/
	@$(BIN)/python -m build

fuzz: $(STAMP) redis-server ## the property-based tests, with new examples
	@CODEGEN_TEST_FUZZ=1 $(PYTEST) $$(grep -rlE '^from hypothesis|^import hypothesis' tests --include='test_*.py')

redis-server:
	@command -v redis-server >/dev/null || { echo "installing redis-server"; sudo=$$(command -v sudo || true); \
	  $$sudo apt-get update -qq && $$sudo apt-get install -y -qq redis-server >/dev/null; }

codex: $(CODEX) ## install the Codex CLI that the tests and the benchmarks drive

$(CODEX):
	npm install --prefix $(CODEX_CACHE) --no-audit --no-fund --loglevel=error @openai/codex@$(CODEX_VERSION)

$(NODE_MODULES): package-lock.json
	@command -v npm >/dev/null || { echo "contracts are compared by redocly, which npm installs; install npm" >&2; exit 2; }
	npm ci --no-audit --no-fund --loglevel=error
	@touch $@

check-contract: $(STAMP)
	@$(BIN)/python -m tools.check
	@$(BIN)/python -m tools.make_sync --check

check: check-contract ## contract, generated and derived code, layers and docs agree; ruff and mypy are content
	@$(BIN)/python -m pytest -q --no-header -p no:cacheprovider tests/docs/test_reference.py tests/docs/test_site.py
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy --no-error-summary
	@PYTHONPATH=generated $(BIN)/lint-imports > /dev/null || PYTHONPATH=generated $(BIN)/lint-imports

generate: $(STAMP) ## write openapi.yaml from spec/, and generated/ from that
	@$(BIN)/python -m tools.generate
	@$(BIN)/python -m tools.make_sync

update-spec: $(STAMP) | $(NODE_MODULES) ## import the service's document: FROM=path-or-url
	@test -n "$(FROM)" || { echo "say where the document is: make update-spec FROM=path-or-url" >&2; exit 2; }
	@$(BIN)/python -m tools.update '$(FROM)' $(if $(REPORT),--report '$(REPORT)')

diff-spec: $(STAMP) | $(NODE_MODULES) ## what changed between two contracts: OLD=… NEW=… (path, URL or git ref), JSON=file for machines
	@test -n "$(OLD)" || { echo "say what to compare: make diff-spec OLD=v1.0.0 NEW=openapi.yaml" >&2; exit 2; }
	@$(BIN)/python -m tools.api_diff '$(OLD)' $(if $(NEW),'$(NEW)') $(if $(JSON),--json '$(JSON)')

release: $(STAMP) ## prepare version, changelog and tag: VERSION=1.2.3
	@test -n "$(VERSION)" || { echo "say which: make release VERSION=1.2.3" >&2; exit 2; }
	@$(BIN)/python -m tools.release '$(VERSION)'

upstream-pull-request: ## open a pull request where FROM differs from spec/codegen.json (needs gh)
	@$(MAKE) --no-print-directory update-spec FROM='$(FROM)' REPORT=upstream-changes.md
	@tools/pull-request upstream-changes.md

bench: $(STAMP) ## time the client against bare httpx
	@$(BIN)/python -m benchmarks

soak: $(STAMP) ## use everything under faults for SECONDS=600 and see that nothing grows
	@$(BIN)/python -m benchmarks.soak $(or $(SECONDS),600)

docs: $(STAMP) ## build the documentation into site/
	@$(BIN)/mkdocs build --strict

screenshots: docs ## take a picture of every page, 1400 and 390 px wide; fails where a table is cut (needs Chromium)
	@command -v chromium chromedriver >/dev/null || { echo "install chromium and chromium-driver" >&2; exit 1; }
	@$(BIN)/python -m $(INSTALL) selenium
	@$(BIN)/python -m tools.screenshots

format: $(STAMP) ## let ruff mend what it can
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format --quiet .

clean: ## remove what the targets made
	rm -rf .venv .venv-* node_modules dist site site-screenshots .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage
