# make reproduce [SCALE=smoke|laptop|full]   set up, run what is out of date, say where the report is
# make verify | reference [SCALE=...]        compare with the reference run; make one from this run
# make test | smoke | paper | archive | bench | peers | lint | quarto
SCALE ?= laptop
PYTHON ?= python3
VENV := .venv
PEERS := .venv-peers
READY := $(VENV)/.ready
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export PYTHONPATH := src
export DVC_NO_ANALYTICS := 1
export TOKENIZERS_PARALLELISM := true

.PHONY: reproduce test smoke paper verify reference archive bench peers lint quarto

reproduce: $(READY)
	python -m pipeline.reproduce $(SCALE)

smoke: $(READY)
	python -m pipeline.reproduce smoke

paper: $(READY)
	python -m pipeline.reproduce $(SCALE) --only paper

verify: $(READY)
	python -m superposition.verify $(SCALE)

reference: $(READY)
	python -m superposition.reference $(SCALE)

archive: $(READY)
	python -m superposition.archive $(SCALE)

bench: $(READY)
	python -m superposition.benchmarks

# What `make bench` and tests/peers compare with, in an environment of its own. One of the peers asks
# for torchvision, which none of them imports and which does not load beside a torch without CUDA.
peers: benchmarks/requirements.txt
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check --requirement benchmarks/requirements.txt
	$(PEERS)/bin/python -m pip uninstall --quiet --yes torchvision

test: $(READY)
	python -m pytest

lint: $(READY)
	ruff format --check .
	ruff check .
	pyright

quarto: $(READY)
	pip install --quiet "quarto-cli>=1.6"

$(READY): requirements.lock requirements-test.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check \
		--requirement requirements.lock --requirement requirements-test.lock
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@
