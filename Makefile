# make talk    talk to the shipped model in a browser
# make test    run the tests
# make check   format, lint, types, tests
# make format  put the code in form

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8765
WORKERS ?= 2
PIP_ARGS ?=
PYTEST_ARGS ?=
PIP_INSTALL := $(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check $(PIP_ARGS)

.PHONY: talk test check format clean

talk: $(VENV)/core.stamp
	$(BIN)/microturn serve --host 127.0.0.1 --port $(PORT) --open

test: $(VENV)/dev.stamp
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) $(PYTEST_ARGS)

check: $(VENV)/dev.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(MAKE) test

format: $(VENV)/dev.stamp
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "microturn needs Python 3.11 or newer; name one: make talk PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/core.stamp: requirements.lock pyproject.toml | $(BIN)/python
	$(PIP_INSTALL) -r requirements.lock
	$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev.stamp: requirements-dev.lock $(VENV)/core.stamp
	$(PIP_INSTALL) -r requirements-dev.lock
	@touch $@
