# Every target makes its own environment first: `make demo` and `make test` are all that a new machine needs.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
SWEEP  := $(BIN)/cryosense reconstruct --multirun
# The generative prior and its Gaussian control: the mean of four samples.
POSTERIOR := reconstructor=posterior denoiser=ddpm,gaussian reconstructor.samples=4 reconstructor.network_evaluations=10
BYTES  := outputs/demo_bytes/particles.cryo.h5
MAPS   := reference=outputs/demo_maps/data/volume.mrc
TORCH  := torch==2.14.1 torchvision==0.29.1
# Packages are installed as source and compiled when first used: without leave to keep that, every program would do it anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo sweep-pixel sweep-fourier sweep-posterior map-data map-uncompressed map-bytes map-pinv map-dct test test-rest slow lint docs bench wheel clean

# uv takes a third of pip's time; pip is asked where only it is set up to reach the packages.
$(STAMP): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python $(TORCH) --editable '.[dev]' \
		|| $(BIN)/python -m pip install --quiet --no-compile $(TORCH) --editable '.[dev]'
	touch $@

# The built-in data, every method on two operators; maps of it meanwhile, from a file of bytes among others: two programs at a
# time, of one thread each. Two tables, two pictures, and one page that begins with what to use and what it costs: its name is
# the last line.
demo: $(STAMP)
	@echo "Two programs at a time; what one says is shown when it ends. Some three minutes."
	OMP_NUM_THREADS=1 $(MAKE) --no-print-directory -j2 --output-sync=line \
		sweep-pixel map-data sweep-posterior sweep-fourier map-uncompressed map-bytes map-pinv map-dct
	$(BIN)/cryosense collect outputs/demo
	@echo "All of it on one page, what to use and what it costs first:"
	@$(BIN)/cryosense report outputs/demo

# It makes the data of the other two.
sweep-pixel:
	$(SWEEP) experiment=demo_pixel

sweep-fourier: sweep-pixel
	$(SWEEP) experiment=demo_fourier

sweep-posterior: sweep-pixel
	$(SWEEP) experiment=demo_fourier $(POSTERIOR)

map-data:
	$(BIN)/cryosense simulate output_dir=outputs/demo_maps/data count=600 seed=1

map-uncompressed: map-data
	$(BIN)/cryosense backproject $(MAPS) data.path=outputs/demo_maps/data/particles.star output_dir=outputs/demo/maps/uncompressed

# Without its link to the original, which is removed.
map-bytes: map-uncompressed
	rm -rf outputs/demo_bytes && mkdir -p outputs/demo_bytes && ln -s ../demo_maps/data outputs/demo_bytes/original
	$(BIN)/cryosense measure outputs/demo_bytes/original/particles.star output=$(BYTES) quantiser.last_shell=24
	rm outputs/demo_bytes/original
	$(BIN)/cryosense inspect $(BYTES)
	$(BIN)/cryosense reconstruct data.path=$(BYTES) output_dir=outputs/demo_bytes/images
	$(BIN)/cryosense backproject $(MAPS) data.path=$(BYTES) output_dir=outputs/demo/maps/bytes \
		cross_reference=outputs/demo/maps/uncompressed

map-pinv map-dct: map-%: map-uncompressed
	$(BIN)/cryosense reconstruct experiment=demo_maps reconstructor=$* output_dir=outputs/demo_maps/$*
	$(BIN)/cryosense backproject $(MAPS) data.path="$$(ls outputs/demo_maps/$*/*/particles.star)" \
		output_dir=outputs/demo/maps/$* cross_reference=outputs/demo/maps/uncompressed

test: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal -m 'not slow and not rest'

# Whole commands, hostile files, and what iterates or trains.
test-rest: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal -m 'rest and not slow'

# cryoDRGN on exported files and RELION on written ones, among others.
slow: $(STAMP)
	command -v relion_refine > /dev/null || apt-get install --yes relion || echo 'its tests are skipped without RELION 3.1'
	$(BIN)/python -m pip install --quiet --editable '.[dev,heterogeneity]'
	$(BIN)/python -m pytest -m slow

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The site, into site/: pages made of configurations and docstrings first.
docs: $(STAMP)
	$(BIN)/python -m pip install --quiet --editable '.[docs]'
	$(BIN)/python docs/generate.py
	$(BIN)/python -m zensical build --clean --strict

wheel: $(STAMP)
	rm -rf dist
	$(BIN)/python -m build --outdir dist

# Milliseconds per image and ratios to the paper's algorithm, to peers and to the floor.
bench: $(STAMP)
	$(BIN)/python -m pip install --quiet --editable '.[bench]'
	$(BIN)/python experiments/performance/run.py
	$(BIN)/python experiments/performance/generative.py
	$(BIN)/python experiments/performance/backprojection.py 'particles=[microscope.b_factor_angstrom2=0]'

clean:
	rm -rf $(VENV) dist
