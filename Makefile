# `make` shows what there is.
.DEFAULT_GOAL := help
.PHONY: help install run test check backup-drill audit lock pictures clean
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO = CAIJI_DEMO=1 PORT=$${PORT:-8000} SANDBOX_PORT=$${SANDBOX_PORT:-8001} \
	CAIJI_DATA_DIR=$${CAIJI_DATA_DIR:-$(CURDIR)/var/demo} PATH="$(CURDIR)/$(BIN):$$PATH"
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input

help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

install: $(VENV)/.installed ## make .venv with what the service needs

$(VENV)/.installed: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed") if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV), about a minute"
	@$(PIP) install --quiet --no-deps --require-hashes -r requirements.txt
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	@echo "installing what the tests need into $(VENV)"
	@$(PIP) install --quiet --no-deps --require-hashes -r requirements-dev.txt
	@touch $@

run: install ## start the demo college: web, worker and simulated WeChat
	@$(DEMO) $(BIN)/flask demo prepare --to-serve
	@$(DEMO) exec $(BIN)/supervisord --configuration demo.conf

test: $(VENV)/.installed-dev ## run all tests; CI=true lets nothing be skipped
	@$(BIN)/python -m pytest --numprocesses=3

check: $(VENV)/.installed-dev ## linter, formatter, types and templates
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/mypy models server imagecheck sandbox wsgi.py
	@$(BIN)/djlint --quiet --lint server sandbox

backup-drill: $(VENV)/.installed-dev ## back up a demo under load, wipe it, restore it elsewhere, compare
	@$(BIN)/python -m benchmarks.backup_drill

audit: $(VENV)/.installed-dev ## look up known vulnerabilities of the locked dependencies
	@$(BIN)/python -m benchmarks.audit

lock: ## write requirements*.txt anew from requirements*.in (needs uv)
	uv pip compile -q requirements.in --override overrides.in --generate-hashes --python-version 3.11 --no-header --no-emit-index-url -o requirements.txt
	uv pip compile -q requirements-dev.in --override overrides.in --generate-hashes --python-version 3.11 --no-header --no-emit-index-url -o requirements-dev.txt

pictures: $(VENV)/.installed-dev ## take the pictures of docs/pictures anew (needs Chromium)
	@$(BIN)/python -m tests.browser.pictures

clean: ## remove the demo's data
	rm -rf var
