# Every target makes its own environment first: `make demo` and `make test` are all that a new machine needs.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
# The generative prior and its Gaussian control: one sample, and the mean of eight.
POSTERIOR := reconstructor=posterior denoiser=ddpm,gaussian reconstructor.samples=1,8 reconstructor.network_evaluations=10
TORCH  := torch==2.14.1 torchvision==0.29.1

.PHONY: demo test lint bench wheel clean

$(STAMP): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet $(TORCH)
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@

# The built-in data, every method on three operators: a table, and a picture beside it.
demo: $(STAMP)
	$(BIN)/cryosense reconstruct --multirun experiment=demo_pixel
	$(BIN)/cryosense reconstruct --multirun experiment=demo_fourier
	$(BIN)/cryosense reconstruct --multirun experiment=demo_pixel $(POSTERIOR)
	$(BIN)/cryosense reconstruct --multirun experiment=demo_fourier $(POSTERIOR)
	$(BIN)/cryosense collect outputs/demo

test: $(STAMP)
	$(BIN)/python -m pytest

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

wheel: $(STAMP)
	rm -rf dist
	$(BIN)/python -m build --wheel --outdir dist

# Milliseconds per image and ratios to the paper's algorithm, to peers and to the floor.
bench: $(STAMP)
	$(BIN)/python -m pip install --quiet --editable '.[bench]'
	$(BIN)/python experiments/performance/run.py
	$(BIN)/python experiments/performance/generative.py

clean:
	rm -rf $(VENV) dist
