# make paper    the whole study for PROFILE: results, figures, figures/PROFILE/index.html; CLUSTER=slurm sends it there
# make validity calibration on planted cues and sanity checks of the instrument, for PROFILE (a quarter of an hour and more)
# make test     lint, notebook pairing, every test that needs no network and no GPU
# make test-slow  the full profile through its whole graph on small stand-ins (some minutes)
# make figures  every figure again, from stored tables;  make figure NAME=... [WIDTH=89]  one of them, so many mm wide
# make explore  tokens to look at and listen to, by condition and layer, in a browser; needs a finished run
# make course   the lessons for a class: student's and teacher's versions, in runs/course
# make alignment  how wrong aligned times are, and what wrong times would do to the answers
# make mini     the small encoder's training again (hours)
# make benchmark  speed against the plain way, side by side; writes benchmarks/results.json
PROFILE ?= demo
CORES ?= all
PYTHON ?= $(firstword $(shell command -v python3.11 python3.12 python3))
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
RUN := $(BIN)/python -m tonespan_utils

.PHONY: paper validity alignment figures figure explore course benchmark mini test test-slow sync lock clean help
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
	@$(RUN) run $(PROFILE) --cores $(CORES) $(if $(CLUSTER),--cluster '$(CLUSTER)')

validity: $(INSTALLED)
	@$(RUN) run $(PROFILE) --target validity --cores $(CORES) $(if $(CLUSTER),--cluster '$(CLUSTER)')

alignment: $(INSTALLED)  # outside the paper's default: errors of the aligner, and the answers at centres moved on purpose
	@$(RUN) run $(PROFILE) --target alignment --cores $(CORES) $(if $(CLUSTER),--cluster '$(CLUSTER)')

figures: $(INSTALLED)
	@$(RUN) figures $(PROFILE)

figure: $(INSTALLED)
	@$(RUN) figures $(PROFILE) --name '$(NAME)' $(if $(WIDTH),--width $(WIDTH))

explore: $(INSTALLED)
	@$(RUN) explore $(PROFILE)

course: $(INSTALLED)
	@$(RUN) course

benchmark: $(INSTALLED)
	@$(BIN)/python benchmarks/run.py

mini: $(INSTALLED)  # train the small encoder again: hours
	@$(BIN)/python -m tonespan_utils.pretrain

test: $(INSTALLED)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/python -m pytest -q -m 'not network and not gpu and not slow'

test-slow: $(INSTALLED)
	@$(BIN)/python -m pytest -q -m slow

sync: $(INSTALLED)  # after editing a notebook or a parameter: bring .py and .ipynb, and docs/parameters.md, into step
	@$(BIN)/jupytext --sync notebooks/*.py notebooks/course/*.py
	@$(RUN) docs

lock: $(INSTALLED)  # after editing pyproject.toml
	@$(BIN)/python -m pip freeze --exclude-editable > requirements.lock

clean:
	rm -rf results runs data .snakemake
