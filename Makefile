# Every target creates and uses .venv; `make run` and `make test` are the two that a newcomer needs.
.DEFAULT_GOAL := help
.PHONY: help setup run test test-all redis-server codex check bench generate docs format clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# The Codex CLI that the tests drive: 404 MB, hence outside the tree and shared by all of them.
CODEX_VERSION := 0.169.0
CODEX_CACHE ?= $(HOME)/.cache/codegen-sdk/codex-$(CODEX_VERSION)
CODEX := $(CODEX_CACHE)/node_modules/.bin/codex
export CODEGEN_TEST_CODEX ?= $(CODEX)

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | sort

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is %d.%d; try make PYTHON=python3.11" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@$(BIN)/python -m compileall -q codegen_ext generated
	@touch $(STAMP)

setup: $(STAMP) ## create .venv with everything that the other targets need

run: $(STAMP) ## watch an agent run on the bundled sandbox, from created to completed
	@$(BIN)/python examples/first_run.py

test: $(STAMP) ## the fast tests
	@$(BIN)/python -m pytest -q

test-all: $(STAMP) node_modules/.installed redis-server codex ## all tests, with coverage, Redis and what comes from npm
	@CODEGEN_TEST_ALL=1 $(BIN)/coverage run -m pytest -q
	@$(BIN)/coverage report --fail-under=95

redis-server:
	@command -v redis-server >/dev/null || { echo "installing redis-server"; sudo=$$(command -v sudo || true); \
	  $$sudo apt-get update -qq && $$sudo apt-get install -y -qq redis-server >/dev/null; }

codex: $(CODEX) ## install the Codex CLI that the tests and the benchmarks drive

$(CODEX):
	npm install --prefix $(CODEX_CACHE) --no-audit --no-fund --loglevel=error @openai/codex@$(CODEX_VERSION)

node_modules/.installed: package.json
	npm ci --no-audit --no-fund --loglevel=error
	@touch $@

check: $(STAMP) ## contract, generated code, clients and docs agree; ruff and mypy are content
	@$(BIN)/python -m tools.contract.check
	@$(BIN)/python -m pytest -q --no-header -p no:cacheprovider tests/docs/test_reference.py tests/docs/test_site.py
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy --no-error-summary

generate: $(STAMP) ## write generated/ from openapi.yaml
	@$(BIN)/python -m tools.contract.generate

bench: $(STAMP) ## time the client against bare httpx
	@$(BIN)/python -m benchmarks

docs: $(STAMP) ## build the documentation into site/
	@$(BIN)/mkdocs build --strict

format: $(STAMP) ## let ruff mend what it can
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format --quiet .

clean: ## remove what the targets made
	rm -rf $(VENV) node_modules dist site .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage
