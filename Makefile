# `make` shows what there is.
.DEFAULT_GOAL := help
.PHONY: help install run test test-all check backup-drill audit lock plan types pictures clean
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO = CAIJI_DEMO=1 PORT=$${PORT:-8000} SANDBOX_PORT=$${SANDBOX_PORT:-8001} \
	CAIJI_DATA_DIR=$${CAIJI_DATA_DIR:-$(CURDIR)/var/demo} PATH="$(CURDIR)/$(BIN):$$PATH"
PYTEST = env -u PYTHONDONTWRITEBYTECODE PYTHONPYCACHEPREFIX=$(CURDIR)/$(VENV)/compiled $(BIN)/python -m pytest --numprocesses=4
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input

help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

install: $(VENV)/node/package-lock.json ## make .venv with what the service and the demo need

$(VENV)/.installed: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info < (3, 15) else "Python 3.11 to 3.14 is needed, %s is %d.%d: make PYTHON=... install" % (sys.executable, *sys.version_info[:2]))'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV), about a minute"
	@$(PIP) install --quiet --no-deps --require-hashes -r requirements.txt
	@touch $@

$(VENV)/node/package-lock.json: sandbox/phone/package-lock.json $(VENV)/.installed
	@$(BIN)/python -c 'from sandbox.libraries import main; main()'

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed $(VENV)/node-checks/package-lock.json | $(VENV)/node/package-lock.json
	@echo "installing what the tests need into $(VENV)"
	@$(PIP) install --quiet --no-deps --require-hashes -r requirements-dev.txt
	@# compiles once what every worker of a run would else compile for itself
	@$(PYTEST) --numprocesses=0 --collect-only -qq >/dev/null || true
	@touch $@

$(VENV)/node-checks/package-lock.json: tests/miniprogram/package-lock.json $(VENV)/.installed
	@$(BIN)/python -m tests.miniprogram.tools

run: install ## start the demo college: web, worker and simulated WeChat
	@$(DEMO) $(BIN)/flask demo prepare --to-serve
	@$(DEMO) exec $(BIN)/supervisord --configuration demo.conf

test: $(VENV)/.installed-dev ## run the tests, some minutes; CI=true lets nothing be skipped
	@$(PYTEST) -m "not long"

test-all: $(VENV)/.installed-dev ## run every test, the long rounds too, about half an hour
	@$(PYTEST)

check: $(VENV)/.installed-dev ## linter, formatter, types and templates
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/mypy models server imagecheck sandbox wsgi.py
	@$(BIN)/djlint --quiet --lint server sandbox

backup-drill: install ## back up a demo under load, wipe it, restore it elsewhere, compare
	@$(BIN)/python benchmarks/backup_drill.py

audit: $(VENV)/.installed-dev ## look up known vulnerabilities of the locked dependencies
	@$(BIN)/python -m benchmarks.audit $(AUDIT)

lock: ## write requirements*.txt anew from requirements*.in (needs uv)
	uv pip compile -q requirements.in --override overrides.in --generate-hashes --python-version 3.11 --universal --no-header --no-emit-index-url -o requirements.txt
	uv pip compile -q requirements-dev.in --override overrides.in --generate-hashes --python-version 3.11 --universal --no-header --no-emit-index-url -o requirements-dev.txt

plan: $(VENV)/.installed-dev ## draw docs/architecture.svg and its table anew from the imports
	@$(BIN)/python -m tests.house.plan

types: $(VENV)/.installed-dev ## make the mini-program's types of the API anew from its OpenAPI document
	@$(BIN)/python -m tests.miniprogram.api_types

wheels: ## look whether everything locked has a wheel on Python 3.11 to 3.14 (needs uv)
	@for lock in requirements requirements-dev; do \
		sed -n 's/^\([a-z0-9._-]*==[^\\]*\).*/\1/p' $$lock.txt | grep -v '^face-recognition-models==' >$${TMPDIR:-/tmp}/$$lock.names; \
		for python in 3.11 3.12 3.13 3.14; do for machine in x86_64 aarch64; do \
			uv pip install -q --dry-run --no-deps --only-binary :all: --target $${TMPDIR:-/tmp}/nothing \
				--python-version $$python --python-platform $$machine-manylinux_2_34 -r $${TMPDIR:-/tmp}/$$lock.names \
				&& echo "$$lock.txt $$python $$machine: wheels" || exit 1; \
		done; done; \
	done

pictures: $(VENV)/.installed-dev ## take the pictures of docs/pictures anew (needs Chromium)
	@$(BIN)/python -m tests.browser.pictures
	@$(BIN)/python -m tests.browser.step_pictures

clean: ## remove the demo's data
	rm -rf var
