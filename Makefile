# A fresh machine needs Python 3.11 or later and make; the rest is installed into .venv.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	if $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo $$p; break; fi; done)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: install demo bench test test-batching test-sessions test-transports test-pythons test-floor test-website fuzz fuzz-sessions schedules storm prove check generate clean docs release-check
.DEFAULT_GOAL := install

install: $(STAMP)

$(STAMP): pyproject.toml pygorums/version.py
	@test -n "$(PYTHON)" || { echo "make: pygorums needs Python 3.11 or later; none was found on PATH. Install one, or say where it is: make PYTHON=/path/to/python3" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: install
	@$(BIN)/python -m examples.storage.demo

# Other commands and options: make bench BENCH="sweep --uvloop". See: python -m benchmarks --help
BENCH ?= compare --concurrent 1,50,200 --rounds 5 --time 0.6

bench: $(VENV)/.bench-installed
	@$(BIN)/python -m benchmarks $(BENCH)

$(VENV)/.bench-installed: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,bench]'
	@touch $@

# The programs of tests would compile everything anew, each of them, where Python is told to keep nothing.
unexport PYTHONDONTWRITEBYTECODE

# Most tests wait for other processes, so there are more workers than cores.
WORKERS := --numprocesses 4 --dist loadfile --no-loadscope-reorder
PYTEST := -m pytest $(WORKERS)

test: install
	$(BIN)/python $(PYTEST)

# The suite with streams that do not batch, and with some that do.
test-batching: install
	$(BIN)/python $(PYTEST) --batching off
	$(BIN)/python $(PYTEST) --batching mixed

# The suite without sessions, but where a test is about them.
test-sessions: install
	$(BIN)/python $(PYTEST) --sessions off

# The suite over asyncio's sockets, and with either end on either transport, by chance.
test-transports: install
	$(BIN)/python $(PYTEST) --transport asyncio
	$(BIN)/python $(PYTEST) --transport mixed

# The suite on each Python that this machine has, pyenv's included, and on the newest of them under eager tasks.
test-pythons: install
	$(BIN)/python -m tests.pythons $(WORKERS)

# The suite on the lowest versions that pyproject.toml allows, in an environment of its own.
FLOOR := .venv-floor
FLOOR_PYTHON ?= $(shell if python3.11 -V >/dev/null 2>&1; then echo python3.11; else echo $(PYTHON); fi)

test-floor: $(FLOOR)/.installed
	$(FLOOR)/bin/python $(PYTEST)

$(FLOOR)/.installed: pyproject.toml pygorums/version.py tests/lowest_versions.py
	$(FLOOR_PYTHON) -m venv $(FLOOR)
	$(FLOOR)/bin/python tests/lowest_versions.py > $(FLOOR)/constraints.txt
	$(FLOOR)/bin/python -m pip install --quiet --disable-pip-version-check --constraint $(FLOOR)/constraints.txt --editable '.[dev]'
	@touch $@

# Random bytes and frames for HTTP/2, for longer than the suite has time. FUZZ is seconds, and the first seed if given.
FUZZ ?= 60

fuzz: install
	$(BIN)/python -m tests.robustness.fuzz_http2 $(FUZZ)

# What ends of sessions may say to each other, right or wrong: VALUES is how many, and the first seed if given.
VALUES ?= 10000000

fuzz-sessions: install
	$(BIN)/python -m tests.robustness.fuzz_sessions $(VALUES)

# What sessions promise, under 100,000 schedules of what may go wrong: SEEDS of each of 16 kinds.
SEEDS ?= 6250

schedules: install
	$(BIN)/python -m tests.unit.sessions.schedules.explore $(SEEDS)

# Real processes and a network that breaks everything: STORM is how many calls, and the first seed if given.
STORM ?= 20000

storm: install
	$(BIN)/python -m tests.robustness.storm $(STORM)

# What simulations hold for many more seeds than the suite has time for: hours. See: python -m tests.simulation.prove --help
PROVE ?=

prove: install
	$(BIN)/python -m tests.simulation.prove $(PROVE)

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m tests.regenerate --check
	$(BIN)/python -m tests.links
	$(BIN)/python -m website

# The documentation site, in build/website/site.
docs: install
	$(BIN)/python -m website --diagrams

# Looks at the site in a browser, and leaves pictures in build/website/pictures.
test-website: install
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,browser]'
	$(BIN)/python -m tests.website

# Builds what would be published, from what is committed, and checks it.
release-check: install
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,release]'
	$(BIN)/python -m tests.release_check

# Writes everything that is generated and committed anew.
generate: install
	$(BIN)/python -m tests.regenerate

clean:
	rm -rf $(VENV) $(VENV)-* build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
