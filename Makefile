# make alone lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000
SECONDS ?= 600

.DEFAULT_GOAL := help
.PHONY: help env demo test test-clients fuzz lint bench lock clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

env: $(VENV)/.ready  ## .venv with every extra, from requirements.lock

$(VENV)/.ready: requirements.lock pyproject.toml hatch_build.py
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	touch $@

demo: env  ## publish the demo sets and serve them on http://127.0.0.1:$(PORT)
	$(BIN)/hubgate demo --port $(PORT)

test: env  ## the whole test suite; what a missing system program skips is listed at the end
	$(BIN)/pytest -n 2

test-clients: env  ## other people's clients, every version, and the table of what works in docs/reference/
	$(BIN)/pytest tests/contract/clients -m clients --compatibility docs/reference

fuzz: env  ## pictures changed at random, through real preview workers, for SECONDS=600
	$(BIN)/python -m tests.fault.fuzz --seconds $(SECONDS)

lint: env  ## ruff, mypy --strict and the import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: env  ## measure beside nginx and print the tables
	$(BIN)/python -m benchmarks.run

lock:  ## compile requirements.lock anew
	$(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --quiet --output-file requirements.lock

clean:  ## remove what the targets made, but no data
	rm -rf $(VENV) artefacts .mypy_cache .ruff_cache .pytest_cache .hypothesis
