# The commands of market_pipeline. `make run` and `make test` are all that a newcomer needs.
FEED ?= simulated
AT ?= open
BIN := .venv/bin
READY := .venv/.ready
RUN := env -u PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup run check check_types check_style test bench soak docs lock clean

help:
	@echo "make run          set up, start everything with simulated data, say where to look  (FEED=live, AT=now)"
	@echo "make test         every check and test"
	@echo "make check        format, lint, types, layers, sizes: the fast part"
	@echo "make setup        only the virtual environment"
	@echo "make bench        measure speed and size beside peers"
	@echo "make soak         kill 100 cycles at random moments, then 100 days of random faults"
	@echo "make docs         write the pages that are made from the code again"
	@echo "make lock         pin the newest allowed versions again"

$(READY): requirements.lock pyproject.toml .python-version deploy/setup
	@deploy/setup

setup: $(READY)

run: $(READY)
	@MARKET_PIPELINE_FEED=$(FEED) $(RUN) $(BIN)/market-pipeline up --at $(AT)

# two at a time: mypy, the longest, works on one core
check: $(READY)
	@$(MAKE) --no-print-directory -j 2 check_types check_style

check_types: $(READY)
	@$(RUN) $(BIN)/mypy

check_style: $(READY)
	@$(BIN)/ruff format --check market_pipeline market_pipeline_tests benchmarks
	@$(BIN)/ruff check market_pipeline market_pipeline_tests benchmarks
	@$(RUN) $(BIN)/lint-imports --no-cache
	@$(RUN) $(BIN)/python -m pytest -q -p no:cacheprovider market_pipeline_tests/structure

# three workers for two cores: some tests wait for processes of their own; `check` has run the structure tests
test: check
	@$(RUN) $(BIN)/python -m pytest -n 3 --dist loadscope --no-loadscope-reorder \
		--ignore market_pipeline_tests/structure market_pipeline_tests

bench: $(READY)
	@$(RUN) $(BIN)/python -m benchmarks

soak: $(READY)
	@$(RUN) $(BIN)/python -m benchmarks.soak
	@$(RUN) $(BIN)/python -m benchmarks.fault_days

docs: $(READY)
	@$(RUN) $(BIN)/python -m docs.generate

lock:
	@uv pip compile pyproject.toml --extra dev --universal --generate-hashes --no-emit-index-url --python-version 3.12 --quiet --upgrade -o requirements.lock

clean:
	@rm -rf .venv .tools .mypy_cache .ruff_cache .pytest_cache
