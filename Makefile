# The commands of the project. PYTHON chooses the interpreter that .venv is made from, TORCH the build of torch in it.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: install benchmark test test-all lint docs stranger

install: .venv/installed

.venv/installed: pyproject.toml constraints.txt tools/install.py
	@$(PYTHON) tools/install.py
	@touch $@

benchmark: install
	$(BIN)/python tools/run_benchmark.py tabular-segmentation-v1 --strategy random_search regularized_evolution predictor --work-dir runs
	$(BIN)/python tools/run_benchmark.py quick --strategy random_search regularized_evolution --seed 0 1 2 --work-dir runs
	$(BIN)/python tools/make_leaderboard.py runs --out runs/leaderboard --check > /dev/null
	@echo "written to runs/leaderboard: index.html (the page), leaderboard.md, .csv, .json, .tex, checklist.md, figures"

test: install
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder -m "not exhaustive" # long files not last

test-all: install # with what takes long and is shown in other ways by other tests: some minutes more
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

lint: install
	$(BIN)/pre-commit run --all-files

docs: install
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict
	@echo "written to site: open site/index.html, or serve it, with its search: python -m http.server --directory site"

stranger: # README and the first pages, followed to the letter in a fresh clone: an hour
	$(PYTHON) tests/stranger.py
