# Bandeja. `make run` starts it from a fresh clone; `make` alone says what else there is.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check --no-input
UV := $(VENV)/lock/bin/uv

.PHONY: help run demo test torture bench assets lock clean

help:
	@echo "make run      start Bandeja here: sets everything up, prints the address and a sign-in link"
	@echo "make demo     the same with the sandbox and a small, lively company inside"
	@echo "make test     every check, a real browser included"
	@echo "make torture  the long kill and load runs"
	@echo "make bench    the measurements, each beside its bare limit"
	@echo "make lock     resolve the hashed requirements anew"
	@echo "make clean    remove what was set up; your data stays"

run: $(VENV)/.ok assets
	@exec $(BIN)/bandeja serve

demo: $(VENV)/.ok assets
	@exec $(BIN)/bandeja demo

test: $(VENV)/.ok-tests assets
	@$(BIN)/python inbox/web/assets/build.py --dev
	@$(BIN)/python -m tests.browser.install
	@exec $(BIN)/python -m tests

torture: $(VENV)/.ok-tests assets
	@$(BIN)/python -m tests.browser.install
	@exec $(BIN)/python -m tests -m torture

bench: $(VENV)/.ok-tests assets
	@$(BIN)/python -m tests.browser.install
	@exec $(BIN)/python -m benchmarks

# The stamps are written last: a set-up that was interrupted is begun again.
$(VENV)/.ok: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Bandeja needs Python 3.11 or newer. Install it, or name it: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || $(PYTHON) -c 'import virtualenv' 2>/dev/null || { \
	  echo "This Python cannot make a virtual environment. On Debian or Ubuntu: apt install python3-venv" >&2; exit 1; }
	@rm -f $@ $(VENV)/.ok-tests
	@echo "Setting up $(VENV) (about half a minute, once)"
	@if $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null; then $(PYTHON) -m venv $(VENV); else $(PYTHON) -m virtualenv --quiet $(VENV); fi
	@$(PIP) install -qq --require-hashes --only-binary :all: -r requirements.lock
	@$(PIP) install -qq --no-build-isolation --no-deps -e .
	@touch $@

$(VENV)/.ok-tests: $(VENV)/.ok tests/requirements.lock
	@echo "Adding what the tests need"
	@$(PIP) install -qq --require-hashes --only-binary :all: -r requirements.lock -r tests/requirements.lock
	@touch $@

assets: $(VENV)/.ok
	@$(BIN)/python inbox/web/assets/build.py

# Universal, hashed, and without the name of any host.
LOCK = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-build \
  --no-header --no-annotate --no-emit-index-url --no-emit-find-links
lock:
	@test -x $(UV) || { $(PYTHON) -m venv $(VENV)/lock && $(VENV)/lock/bin/pip install --quiet uv==0.13.9; }
	@$(PYTHON) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' \
	  | $(LOCK) --upgrade --extra embedded pyproject.toml - -o requirements.lock
	@$(PYTHON) -c 'import tomllib; extras = tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]; print(*extras["dev"], *extras["bench"], sep="\n")' \
	  | $(LOCK) --upgrade --constraint requirements.lock - -o tests/requirements.lock

clean:
	rm -rf $(VENV) inbox/web/static/vendor tests/browser/vendor build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
