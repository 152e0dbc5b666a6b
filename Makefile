# Every target sets everything up by itself.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo serve test test-long bench bench-check lint proto clean

demo: $(STAMP)
	$(BIN)/marginrules demo

serve: $(STAMP)
	$(BIN)/marginrules serve rules/crypto-derivatives/rulebook.yaml --journal marginrules.db

test: $(STAMP)
	$(BIN)/python -m pytest $(ARGS)

test-long: $(STAMP)
	$(BIN)/python -m pytest -m long $(ARGS)

bench: $(STAMP)
	$(BIN)/python -m bench.report $(ARGS)

# Short, and only for what is wrong or far off.
bench-check: $(STAMP)
	MARGINRULES_BENCH=short $(BIN)/python -m pytest bench --benchmark-disable

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/buf lint proto

proto: $(STAMP)
	$(BIN)/python tests/generate_proto.py marginrules/_pb

# The extension is built again whenever its source or the build changes.
SOURCES := $(filter-out %/core.c,$(wildcard $(addprefix marginrules/_core/,*.pyx *.h *.c)))
$(STAMP): pyproject.toml setup.py $(SOURCES)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[test,lint,bench]'
	touch $@

clean:
	rm -rf build $(VENV) marginrules/_core/core.c marginrules/_core/*.so
