# Each target does its own set-up. A second run finds it done. make PYTHON=... names another Python.

PYTHON ?= python3
BIN := .venv/bin
PREPARE := $(PYTHON) scripts/prepare.py
PYTEST := $(BIN)/python -m pytest -n 2
SUITES := bookworm trixie
MAKEFLAGS += --no-print-directory

.DEFAULT_GOAL := help
.PHONY: help demo test lint format pages pictures bench torture fuzz test-debian13 clients-table test-fresh clean core everything

help: ## show this list
	@echo "make TARGET, where TARGET is one of"
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 18

demo: core ## show a token at work, from personalisation to a blocked PIN
	@$(BIN)/ushield demo

test: lint ## check everything: lint, types, the rule of the house, all tests
	@echo "== pytest"
	@$(PYTEST)

lint: everything ## check style, types and who imports whom
	@echo "== ruff"
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet || { echo "error: run make format"; exit 1; }
	@echo "== mypy"
	@$(BIN)/mypy
	@echo "== import-linter"
	@$(BIN)/lint-imports --no-logo

format: everything ## lay out the code as lint wants it
	@$(BIN)/ruff check --fix-only --quiet
	@$(BIN)/ruff format

pages: everything ## write what docs/states.md and docs/vectors.md say of the code anew
	@$(BIN)/python -m scripts.pages

pictures: everything ## make the pictures of the displays in docs/pictures anew
	@$(PREPARE) pictures
	@$(BIN)/python -m tests.display.pictures

bench: everything ## measure speed, as ratios, and print a table
	@$(PREPARE) bench
	@$(BIN)/python -m bench

torture: everything ## run the long tests that make test leaves out
	@$(PYTEST) -m torture

fuzz: everything ## run every property with twenty times as many examples
	@$(PYTEST) -m "hypothesis and not torture" --hypothesis-profile=fuzz

test-debian13: everything ## try the PC/SC service with Debian 13's clients (needs root)
	@$(PREPARE) roots
	@scripts/test-debian13

clients-table: everything ## run the tests of clients and write the table of docs/clients.md (needs root)
	@$(PREPARE) roots
	@rm -rf build/clients
	@$(PYTEST) --note-clients tests/clients
	@scripts/test-debian13 --note-clients
	@$(BIN)/python -m tests.clients.table

test-fresh: ## run demo and test in new, minimal Debian systems, those of SUITES (needs root)
	@$(PREPARE) roots
	@for suite in $(SUITES); do scripts/fresh-root $$suite || exit 1; done

clean: ## remove all that make has made
	@rm -rf .venv build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- set-up ---

core:
	@$(PREPARE) core

everything:
	@$(PREPARE) system dev
