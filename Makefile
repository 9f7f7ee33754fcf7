# make paper    the whole study for PROFILE: results, figures, figures/PROFILE/index.html
# make test     lint, notebook pairing, every test that needs no network and no GPU
# make figures  every figure again, from stored tables;  make figure NAME=...  one of them
PROFILE ?= demo
CORES ?= all
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
RUN := $(BIN)/python -m tonespan_utils

.PHONY: paper figures figure test sync lock clean help
.DELETE_ON_ERROR:

help:
	@sed -n 's/^# //p' Makefile

# The environment is made once, and brought up to date when the lock or the list of dependencies changes.
$(INSTALLED): requirements.lock pyproject.toml
	@echo "Setting up $(VENV) from requirements.lock (some minutes, once) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { \
	  echo "error: $(PYTHON) cannot make a virtual environment; name another: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock -e '.[dev]'
	@touch $@

paper: $(INSTALLED)
	@$(RUN) run $(PROFILE) --cores $(CORES)

figures: $(INSTALLED)
	@$(RUN) figures $(PROFILE)

figure: $(INSTALLED)
	@$(RUN) figures $(PROFILE) --name '$(NAME)'

test: $(INSTALLED)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/python -m pytest -q -m 'not network and not gpu'

sync: $(INSTALLED)  # after editing a notebook: bring .py and .ipynb into step
	@$(BIN)/jupytext --sync notebooks/*.py

lock: $(INSTALLED)  # after editing pyproject.toml
	@$(BIN)/python -m pip freeze --exclude-editable > requirements.lock

clean:
	rm -rf results runs data .snakemake
