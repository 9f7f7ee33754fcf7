# make tour       the study in small (profile smoke), its report and explorer opened; two minutes after installing
# make paper      the whole study for PROFILE: results/PROFILE/figures/index.html; CLUSTER=slurm sends it there
# make validity   calibration on planted cues and sanity checks of the instrument, for PROFILE (a quarter of an hour and more)
# make alignment  how wrong aligned times are, and what wrong times would do to the answers
# make figures    every figure again, from stored tables, in results/PROFILE/figures
# make figure     one of them: NAME=spans_by_layer, and WIDTH=89 for so many mm
# make explore    tokens to look at and listen to, by condition and layer, in a browser; needs a finished run
# make course     the lessons for a class: student's and teacher's versions, in runs/course
# make test       lint, notebook pairing, every quick test that needs no network and no GPU (a quarter of an hour on two cores)
# make test-slow  the slow tests: all lessons, the notebooks of validity, JupyterLab, the graph of profile full (half an hour)
# make test-faults  kills at random moments, full disks, damaged files, hostile input, other surroundings (half an hour and more)
# make benchmark  speed against the plain way, side by side; writes benchmarks/results.json
# make mini       the small encoders' training again (hours); OBJECTIVE=units, narrow or wide: one of them
# make gallery    for maintainers: a finished run's figures copied to figures/PROFILE, which the repository shows
# make sync       for maintainers: notebooks' .py and .ipynb, and docs/parameters.md, into step
# make lock       for maintainers: requirements.lock, after editing pyproject.toml
# make clean      removes what runs have made, after asking; FORCE=1 asks nothing
# make help       this list
#
# PROFILE is demo where none is named; CORES=2 sets how many cores are used, PYTHON=python3.12 what .venv is made with.
#
# Every name here is relative, and what a user names reaches the shell through its environment alone: the path of this
# folder, and the names, may hold spaces, quotes and $. Programs are called as modules, for the first line of a script
# cannot hold such a path.
PROFILE ?= demo
CORES ?= all
PYTHON ?= $(shell for name in python3.11 python3.12 python3; do command -v $$name >/dev/null && echo $$name && break; done)
export ASKED_PROFILE := $(value PROFILE)
export ASKED_CORES := $(value CORES)
export ASKED_CLUSTER := $(value CLUSTER)
export ASKED_NAME := $(value NAME)
export ASKED_WIDTH := $(value WIDTH)
export ASKED_OBJECTIVE := $(value OBJECTIVE)
export ASKED_PYTHON := $(if $(filter file,$(origin PYTHON)),$(PYTHON),$(value PYTHON))
export PYTHONUTF8 := 1
unexport PROFILE CORES CLUSTER NAME WIDTH OBJECTIVE PYTHON
unexport PYTHONHOME PYTHONPATH PYTHONWARNINGS  # of another Python, or for another program
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
RUN := $(BIN)/python -m tonespan_utils
# A file of tests to a worker, so that what its fixtures make is made once; the longest come first (tests/conftest.py).
WORKERS := --numprocesses 2 --dist loadscope --no-loadscope-reorder
RUN_PROFILE := $(RUN) run --cores "$$ASKED_CORES" $${ASKED_CLUSTER:+--cluster "$$ASKED_CLUSTER"}

.PHONY: tour paper validity alignment figures figure explore course benchmark mini test test-slow test-faults gallery sync \
  lock clean help
.DELETE_ON_ERROR:

help:
	@sed -n '/^#/!q; /^# Every name/q; s/^# \{0,1\}//p' Makefile

# The environment is made once, and brought up to date when the lock or the list of dependencies changes.
$(INSTALLED): requirements.lock pyproject.toml
	@echo "Setting up $(VENV) from requirements.lock (some minutes, once) ..."
	@test -x $(BIN)/python || "$$ASKED_PYTHON" -m venv $(VENV) || { \
	  echo "error: $$ASKED_PYTHON cannot make a virtual environment; name another: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock -e '.[dev]'
	@touch $@

tour: $(INSTALLED)
	@$(RUN) tour --cores "$$ASKED_CORES"

paper: $(INSTALLED)
	@$(RUN_PROFILE) -- "$$ASKED_PROFILE"

validity: $(INSTALLED)
	@$(RUN_PROFILE) --target validity -- "$$ASKED_PROFILE"

alignment: $(INSTALLED)  # outside the paper's default: errors of the aligner, and the answers at centres moved on purpose
	@$(RUN_PROFILE) --target alignment -- "$$ASKED_PROFILE"

figures: $(INSTALLED)
	@$(RUN) figures -- "$$ASKED_PROFILE"

figure: $(INSTALLED)
	@$(RUN) figures --name "$$ASKED_NAME" $${ASKED_WIDTH:+--width "$$ASKED_WIDTH"} -- "$$ASKED_PROFILE"

explore: $(INSTALLED)
	@$(RUN) explore -- "$$ASKED_PROFILE"

course: $(INSTALLED)
	@$(RUN) course

benchmark: $(INSTALLED)
	@$(BIN)/python benchmarks/run.py

mini: $(INSTALLED)  # train the small encoders again: hours; goes on where it was stopped
	@$(BIN)/python -m pretraining $${ASKED_OBJECTIVE:+--objective "$$ASKED_OBJECTIVE"}

test: $(INSTALLED)
	@$(BIN)/python -m ruff check .
	@$(BIN)/python -m ruff format --check .
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q $(WORKERS) -m 'not network and not gpu and not slow and not faults'

test-slow: $(INSTALLED)
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q $(WORKERS) -m 'slow and not network and not gpu'

test-faults: $(INSTALLED)
	@$(BIN)/python -m pytest -q -m faults tests/faults

gallery: $(INSTALLED)
	@$(RUN) gallery -- "$$ASKED_PROFILE"

sync: $(INSTALLED)  # after editing a notebook or a parameter: bring .py and .ipynb, and docs/parameters.md, into step
	@$(BIN)/python -m jupytext --sync notebooks/*.py notebooks/course/*.py
	@$(BIN)/python -m tools.parameters_page

lock: $(INSTALLED)  # after editing pyproject.toml
	@$(BIN)/python -m pip freeze --exclude-editable > requirements.lock

# Recordings that users put into data/corpora stay, and so does all that belongs to a run that is going on.
clean:
	@for lock in runs/*/.lock; do \
	  if test -s "$$lock" && kill -0 "$$(cat "$$lock")" 2>/dev/null; then \
	    echo "error: $${lock%/.lock} is being run by process $$(cat "$$lock"); nothing was removed" >&2; exit 1; \
	  fi; \
	done; \
	set --; \
	for path in results runs data/* .snakemake; do \
	  if test "$$path" != data/corpora && test -e "$$path"; then set -- "$$@" "$$path"; fi; \
	done; \
	if test $$# = 0; then echo "nothing to remove"; exit 0; fi; \
	du -shc -- "$$@"; \
	if test -z "$(FORCE)"; then \
	  printf 'Remove all of this for good? [y/N] '; read -r answer || answer=; \
	  case "$$answer" in [yY]|[yY][eE][sS]) ;; *) echo "nothing was removed (FORCE=1 asks nothing)"; exit 1;; esac; \
	fi; \
	rm -rf -- "$$@"
