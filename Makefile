# Everything a newcomer needs: `make quickstart`, then `make test`.
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
.DEFAULT_GOAL := help
.PHONY: help quickstart train test test-fast soak check docs docs-check bench clean

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

quickstart: .venv/run.stamp  ## train a character LSTM on real text, in under two minutes
	$(BIN)/python -m seqlab.train +experiment=quickstart $(ARGS)
	@echo "these commands run after: source .venv/bin/activate"

train: .venv/run.stamp  ## train: make train ARGS="cell=gru task=adding"
	$(BIN)/python -m seqlab.train $(ARGS)

test: .venv/test.stamp  ## run every test, on all cores
	$(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)

test-fast: .venv/test.stamp  ## run the quick tests, which train no whole run
	$(BIN)/python -m pytest -n auto --dist worksteal -m "not runs and not slow" $(ARGS)

soak: .venv/test.stamp  ## stop, damage and fuzz many runs, and print counts: make soak ARGS="--kills 24"
	PYTHONPATH=.:tests:tests/faults $(BIN)/python -m soak $(ARGS)

check: .venv/test.stamp  ## lint, check the format, check the types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright

docs: .venv/docs.stamp  ## build the site of docs/ into build/docs; warnings are errors
	$(BIN)/sphinx-build -W --keep-going --quiet -c docs . build/docs
	@echo "open build/docs/index.html"

docs-check: .venv/test.stamp  ## run every command that README and docs/ show: make docs-check ARGS=docs/sweeps.md
	PYTHONPATH=.:tests $(BIN)/python -m check_docs $(ARGS)

bench: .venv/bench.stamp  ## time seqlab beside its peers, in one run
	$(BIN)/python scripts/bench_recurrence.py $(ARGS)
	$(BIN)/python scripts/bench_start.py
	$(BIN)/python scripts/bench_trainer.py
	$(BIN)/python scripts/bench_gradients.py
	$(BIN)/python scripts/bench_sweeps.py
	$(BIN)/python scripts/bench_resident.py
	$(BIN)/python scripts/bench_buckets.py
	$(BIN)/python scripts/bench_parallel.py
	$(BIN)/python scripts/bench_memory.py

clean:  ## remove the virtual environment and what tools left
	rm -rf .venv build dist .pytest_cache .ruff_cache *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/%.stamp: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$(EXTRAS_$*)]'
	touch $@

EXTRAS_run := data
EXTRAS_test := test
EXTRAS_docs := test
EXTRAS_bench := test,bench
