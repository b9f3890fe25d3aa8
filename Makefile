# The four commands of the project. PYTHON chooses the interpreter that .venv is made from.
PYTHON ?= python3
BIN := .venv/bin
TASKS := segmentation detection restoration
EMBEDDED := scenes-segmentation-v1 scenes-detection-v1 scenes-ssdlite-v1 scenes-denoise-v1

.PHONY: install benchmark test lint

install: .venv/installed

.venv/installed: pyproject.toml constraints.txt tools/install.sh
	@PYTHON=$(PYTHON) bash tools/install.sh
	@touch $@

benchmark: install
	@for task in $(TASKS); do $(BIN)/python tools/run_benchmark.py $$task --work-dir runs || exit; done
	$(BIN)/python tools/make_leaderboard.py $(addprefix runs/,$(EMBEDDED)) --out runs/leaderboard --check > /dev/null
	@echo "written to runs/leaderboard: leaderboard.md, .csv, .json, best_so_far.png"

test: install
	$(BIN)/python -m pytest

lint: install
	$(BIN)/pre-commit run --all-files
