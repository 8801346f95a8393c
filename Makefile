# What to run: `make` alone lists it.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
WORKERS ?= 2
OPENAI ?= "==1.92.0" "<2" "<3"
CAPTURE_TESTS := tests/unit/openai tests/integration/test_openai_capture.py
FRAMEWORKS := litellm langchain-openai llama-index-llms-openai "pydantic-ai-slim[openai]" openai-agents
FRAMEWORK_TESTS := tests/integration/test_openai_frameworks.py tests/integration/test_callbacks.py

.DEFAULT_GOAL := help
.PHONY: help demo test check test-matrix test-frameworks test-stack gen bench clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; this is $$($(PYTHON) --version). Set PYTHON=…"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[embedded,report]'
	@touch $@

$(VENV)/.dev: $(STAMP)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

demo: $(STAMP) ## start Elasticsearch here, log some calls, search them, report on a month
	@$(BIN)/shipper demo

test: $(VENV)/.dev ## run all tests
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup

check: $(VENV)/.dev ## what CI runs before the tests: lint, format, types, imports, generated files
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/basedpyright --pythonpath $(BIN)/python
	@$(BIN)/lint-imports
	@$(BIN)/python tools/generate.py --check

test-matrix: $(VENV)/.dev ## tests of capture with the oldest openai and the majors before the current one
	@for wanted in $(OPENAI); do \
	  echo "openai$$wanted" && \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade \
	    --target "$(abspath $(VENV))/openai$$wanted" "openai$$wanted" && \
	  PYTHONPATH="$(abspath $(VENV))/openai$$wanted" $(BIN)/python -m pytest -n $(WORKERS) $(CAPTURE_TESTS) || exit 1; \
	done

test-frameworks: $(VENV)/.dev ## tests of the frameworks that take a client, with the newest of each
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade \
	  --target "$(abspath $(VENV))/frameworks" $(FRAMEWORKS)
	@PYTHONPATH="$(abspath $(VENV))/frameworks" $(BIN)/python -m pytest $(FRAMEWORK_TESTS)

test-stack: $(VENV)/.dev ## tests that need Docker
	@$(BIN)/python -m pytest -m stack

gen: $(VENV)/.dev ## write the generated files anew
	@$(BIN)/python tools/generate.py

bench: $(VENV)/.dev ## measure; results go to benchmarks/results
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[bench]'
	@$(BIN)/python -m benchmarks

clean: ## stop the embedded node, remove its data and the environment
	@test ! -x $(BIN)/shipper || $(BIN)/shipper down --remove --yes
	@rm -rf $(VENV)
