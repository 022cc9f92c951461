# Everything a person types here. `make help` lists it.
.DEFAULT_GOAL := help
SHELL := /bin/sh
# what is imported hundreds of times is compiled once, whatever the shell says
unexport PYTHONDONTWRITEBYTECODE
VENV := .venv
BIN := $(VENV)/bin
# the first of these that is Python 3.11 or newer makes the virtual environment; PYTHON=... chooses another
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && break; done)
NAME ?=
PYTEST := $(BIN)/python -m pytest
# how many processes run tests and lessons side by side, file by file in the order of collection, with one thread each
JOBS ?= 2
SIDE_BY_SIDE := -n $(JOBS) --dist loadfile --no-loadscope-reorder
# the notebooks, the longest lessons first: the processes that share them then end at about the same time
LONGEST := $(foreach lesson,01 03 02,$(wildcard notebooks/$(lesson)_*.ipynb))
NOTEBOOKS := $(LONGEST) $(filter-out $(LONGEST),$(sort $(wildcard notebooks/*.ipynb)))
# $(call install,WHAT): the pinned versions, or where one of them was withdrawn the newest that fit together; WHAT has no comma
install = @sh tools/install.sh $(BIN)/python "$(1)"

.PHONY: help setup lab lessons test test-all check unit thorough samples notebooks test-real test-gpu bench host-colab host-kaggle docs format clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.lessons ## install everything for the lessons into .venv (the others do it by themselves)
	@echo "Everything is installed in $(VENV); make lab opens the lessons"

lab: $(VENV)/.lessons ## open the lessons in JupyterLab
	@$(BIN)/course lab

lessons: $(VENV)/.lessons ## run every lesson without a screen, into build/; NAME=01 runs one
	@$(BIN)/course lessons $(NAME)

test: $(VENV)/.tests ## everything that must pass: style, types, unit tests, doctests, notebooks
	@$(MAKE) $(if $(findstring -j,$(MAKEFLAGS)),,-j 2) check samples
	@$(MAKE) unit
	@$(MAKE) notebooks

test-all: test thorough ## the same, and the thorough tests, which take long

check: $(VENV)/.tests ## style and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

unit: $(VENV)/.tests ## unit tests and doctests: JOBS=2 processes side by side, then those that need the machine to themselves
	$(PYTEST) $(SIDE_BY_SIDE) -m "not real_data and not thorough and not alone"
	$(PYTEST) -m "alone and not real_data and not thorough" $$(grep -rl --include='*.py' "mark\.alone" tests)

thorough: $(VENV)/.tests ## what proves the same on many more cases
	$(PYTEST) $(SIDE_BY_SIDE) -m "thorough and not real_data" tests

samples: $(VENV)/.tests ## draw the data that the notebooks are run on, where it is not there yet
	@for name in dogscats dogbreeds planet rossmann digits; do \
		OMP_NUM_THREADS=1 COURSE_DATA="$(CURDIR)/build/data" $(BIN)/course data $$name --sample || exit 1; done

notebooks: samples ## run the notebooks under nbval, on drawn data of their own
	OMP_NUM_THREADS=1 COURSE_DATA="$(CURDIR)/build/data" COURSE_WORK="$(CURDIR)/build/work" \
		$(PYTEST) $(SIDE_BY_SIDE) --nbval-lax --nbval-current-env --nbval-cell-timeout=600 $(NOTEBOOKS)

test-real: $(VENV)/.tests ## tests on real data in the folder COURSE_DATA; QUICK=1 leaves out the slow ones
	COURSE_DATA="$$(cd "$${COURSE_DATA:-../shared/data}" && pwd)" $(PYTEST) -m "real_data$(if $(QUICK), and not slow)" $$(grep -rl --include='*.py' "mark\.real_data" tests)

test-gpu: $(VENV)/.tests ## tests on an NVIDIA GPU; the others compute on the CPU
	COURSE_DEVICE=cuda $(PYTEST) -m gpu $$(grep -rl --include='*.py' "mark\.gpu" tests)

bench: $(VENV)/.bench ## time and memory beside what one would use instead; one table
	@$(BIN)/python -m benchmarks

host-colab: ## run the lessons with the versions that Google Colab publishes; NAME=05 runs one
	@$(PYTHON) tools/host.py colab $(NAME)

host-kaggle: ## the same for a Kaggle notebook
	@$(PYTHON) tools/host.py kaggle $(NAME)

docs: $(VENV)/.lessons ## write docs/lecture.md: what the lecture writes, and what one writes today
	@$(BIN)/python -m course_utils.lecture.translation docs/lecture.md

format: $(VENV)/.tests ## lay out the code
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

clean: ## remove what was built; data and .venv stay
	rm -rf build dist .mypy_cache .pytest_cache .ruff_cache

# a virtual environment with pip in it, whatever became of an earlier try
define environment
@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer found. Install one (https://www.python.org), or name it: make PYTHON=/path/to/python3"; exit 1; }
@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "Could not make $(VENV); on Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip --upgrade >/dev/null
endef

# A stamp is younger than the files that say what to install: then there is nothing to do.
$(VENV)/.lessons: pyproject.toml constraints.txt
	$(environment)
	$(call install,.[lab])
	@touch $@

$(VENV)/.tests: pyproject.toml constraints.txt
	$(environment)
	$(call install,.[test])
	@touch $@ $(VENV)/.lessons # what the lessons need is among it

$(VENV)/.bench: $(VENV)/.lessons
	$(call install,.[bench])
	@touch $@
