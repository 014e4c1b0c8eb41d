# make reproduce [SCALE=smoke|laptop|full]   set up, run what is out of date, say where the report is
# make test | smoke | paper | archive | bench | lint | quarto
SCALE ?= laptop
PYTHON ?= python3
VENV := .venv
READY := $(VENV)/.ready
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export PYTHONPATH := src
export DVC_NO_ANALYTICS := 1
export TOKENIZERS_PARALLELISM := true

.PHONY: reproduce test smoke paper archive bench lint quarto

reproduce: $(READY)
	python -m pipeline.reproduce $(SCALE)

smoke: $(READY)
	python -m pipeline.reproduce smoke

paper: $(READY)
	python -m pipeline.reproduce $(SCALE) --only paper

archive: $(READY)
	python -m superposition.archive $(SCALE)

bench: $(READY)
	python -m superposition.benchmarks

test: $(READY)
	python -m pytest

lint: $(READY)
	ruff format --check .
	ruff check .
	pyright

quarto: $(READY)
	pip install --quiet "quarto-cli>=1.6"

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --requirement requirements.lock
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@
