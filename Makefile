# Every target sets everything up by itself.
PYTHON ?= python3
PYTHONS ?= python3.11 python3.12 python3.13 python3.14
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo serve test test-pythons test-long bench bench-check lint proto schema clean

demo: $(STAMP)
	$(BIN)/marginrules demo

serve: $(STAMP)
	$(BIN)/marginrules serve rules/crypto-derivatives/rulebook.yaml --journal marginrules.db

test: $(STAMP)
	$(BIN)/python -m pytest $(ARGS)

# With every interpreter of the list that is here, each in an environment of its own.
test-pythons:
	@for python in $(PYTHONS); do \
		version=$$($$python -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) \
			|| { echo "$$python is not here: skipped"; continue; }; \
		echo "Python $$version"; \
		$(MAKE) --no-print-directory test PYTHON=$$python VENV=.venv-$$version || exit 1; \
	done

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

schema: $(STAMP)
	$(BIN)/marginrules schema --output rules/rulebook.schema.json

# The extension is built again whenever its source or the build changes.
SOURCES := $(filter-out %/core.c,$(wildcard $(addprefix marginrules/_core/,*.pyx *.h *.c)))
$(STAMP): pyproject.toml setup.py $(SOURCES)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[test,lint,bench]'
	touch $@

clean:
	rm -rf build $(VENV) .venv-* marginrules/_core/core.c marginrules/_core/*.so
