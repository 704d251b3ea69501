# Each target does all of its own set-up; PYTHON=python3.12 make test picks another Python.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: serve test lint format bench reliability docs clean

serve: $(VENV)/.installed  ## run the mock: ready for uploads, no other service
	$(BIN)/mockkie serve $(ARGS)

test: export PYTHONDONTWRITEBYTECODE =  # hundreds of processes import the same modules
test: lint  ## lint, types, then all tests; ARGS="-k overwrite" picks some
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder --cov --cov-report=term $(ARGS)

lint: $(VENV)/.developing  ## format, rules and types, changing nothing
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy

format: $(VENV)/.developing  ## put the code into shape
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

bench: $(VENV)/.developing  ## measure side by side with other tools: docs/benchmarks.md, its plots and numbers
	$(BIN)/python benchmarks/run.py --page docs/benchmarks.md $(ARGS)

reliability: $(VENV)/.developing  ## attack it: crashes, full disks, hostile input, load; some hours
	$(BIN)/python -m reliability --page docs/reliability.md $(ARGS)

docs: $(VENV)/.documenting  ## the site of docs/, into build/docs/index.html
	$(BIN)/python -m docs.pages
	$(BIN)/python -m sphinx --builder html --fail-on-warning --keep-going --quiet docs build/docs

clean:  ## forget everything that was made
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .schemathesis .coverage* benchmarks/.peers build/docs

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "mockkie needs Python 3.11 or newer: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/.developing: $(VENV)/.installed pyproject.toml
	$(BIN)/python -m pip install --quiet 'pip>=25.1'  # the first that knows groups
	$(BIN)/python -m pip install --quiet --group dev
	touch $@

$(VENV)/.documenting: $(VENV)/.installed pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[check,docs]'  # check: the pages of the judge
	touch $@
