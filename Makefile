# The project's commands; `make` alone lists them. Needs GNU make, bash and, for `setup`, network.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

HOST ?= 127.0.0.1
PORT ?= 8000
PYTHON ?=
ARGS ?=
# Tests wait for a quarter of their time: one more than the cores of a small machine.
TEST_PROCESSES ?= 3
WORKSPACE := layers/yunyang
MAP_PARK ?= YY-C-02
MAP_PROJECT ?= $(WORKSPACE)/projects/battery.yaml
MAP_RULEBOOK ?= $(WORKSPACE)/rulebook-draft.yaml
MAP_GOALS ?= $(WORKSPACE)/layouts/goals.yaml
BUNDLE_SYSTEMS ?= linux windows
BUNDLE_PYTHONS ?= 3.11 3.12 3.13

VENV := .venv
BIN := $(VENV)/bin
NODE_MODULES := node_modules/stamp
# A tool of package.json, run by the Node that the dev requirements bring.
tool = PATH="$(CURDIR)/$(BIN):$$PATH" node_modules/.bin/$(1)
# -qq leaves only errors: each step below says what it does instead.
PIP := $(BIN)/python -m pip --disable-pip-version-check install -qq

# The folders count too: a script that is deleted changes only the folder that it was in.
FRONT := $(shell find $(addprefix geo_service/front/,shared map pages) \
  -type d -o -name '*.js' -o -name '*.css')
# What decides the content of an installed package, apart from its code (the install is editable).
PACKAGING := pyproject.toml hatch_build.py deploy/build.py deploy/front.py requirements/build.txt \
  package.json package-lock.json .npmrc \
  $(wildcard geo_service/native/*.[ch]) $(FRONT)
# What was deleted by hand is collected or compiled again.
MADE := geo_service/assets/manifest.json geo_service/front/built/manifest.json \
  geo_service/native/lib/manifest.json
ifneq ($(words $(wildcard $(MADE))),$(words $(MADE)))
PACKAGING += build-again
endif

.PHONY: help setup setup-dev run test test-fast test-deep check format front bench demo-data test-crash maps bundle advisories test-bundle pictures lock \
  clean build-again

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(VENV)/stamp-package ## make .venv with the product in it (PYTHON=... picks an interpreter)

setup-dev: $(VENV)/stamp-dev ## the same with the tools for testing and checking

run: setup ## review the demo workspace, then serve it (HOST=..., PORT=...)
	@echo "run: reviewing $(WORKSPACE)"
	@# Exit code 1 says that some park's verdict is fail: a result, not an error.
	@$(BIN)/geo-service review $(WORKSPACE) || [ $$? -eq 1 ]
	@echo "run: serving $(WORKSPACE) on $(HOST):$(PORT); Ctrl+C stops"
	@$(BIN)/geo-service serve $(WORKSPACE) --host $(HOST) --port $(PORT)

# Where an environment says that Python writes no bytecode, each of the many processes that tests
# start would compile the whole program.
test test-fast test-deep test-crash: export PYTHONDONTWRITEBYTECODE :=

test: setup-dev ## run the tests (ARGS=... goes to pytest; TEST_PROCESSES=0 for one process)
	@bash tests/system_packages.sh
	@echo "test: running pytest"
	@# In the order of their names: files of few but long tests would come last, on one processor.
	@TMPDIR=$$(bash tests/quick_folder.sh) $(BIN)/python -m pytest -n $(TEST_PROCESSES) \
	  --dist loadfile --no-loadscope-reorder $(ARGS)

test-fast: setup-dev ## run the tests that need neither browser nor database nor much time
	@echo "test-fast: running pytest"
	@TMPDIR=$$(bash tests/quick_folder.sh) $(BIN)/python -m pytest -n $(TEST_PROCESSES) \
	  --dist loadfile --no-loadscope-reorder -m "not browser and not database and not slow" $(ARGS)

test-deep: setup-dev ## run the property-based tests with many examples, other ones each time
	@bash tests/system_packages.sh
	@echo "test-deep: running pytest"
	@TMPDIR=$$(bash tests/quick_folder.sh) GEO_TEST_DEPTH=deep $(BIN)/python -m pytest \
	  -n $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder -m "hypothesis or deep" $(ARGS)

check: setup-dev $(NODE_MODULES) ## check format, lint and types, of Python and of the front end
	@echo "check: format"
	@$(BIN)/ruff format --check .
	@echo "check: lint"
	@$(BIN)/ruff check .
	@echo "check: types"
	@$(BIN)/mypy
	@echo "check: front end: format, lint, types"
	@$(call tool,prettier) --check --log-level warn .
	@$(call tool,eslint)
	@$(call tool,tsc)
	@$(call tool,tsc) -p geo_service/front/shared

format: setup-dev $(NODE_MODULES) ## format the code and mend what lint can mend
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix-only .
	@$(call tool,eslint) --fix --quiet || true
	@$(call tool,prettier) --write --log-level warn .

front: $(NODE_MODULES) ## join the scripts of maps and pages again, after a change of them
	@$(BIN)/python deploy/front.py

bench: $(VENV)/stamp-bench ## measure against peers (ARGS=... goes to the benchmark)
	@$(BIN)/python -m benchmarks $(ARGS)

demo-data: setup ## write the demo workspace again from its sources
	@$(BIN)/python layers/yunyang/rebuild.py $(ARGS)

test-crash: setup-dev ## kill a writing process a hundred times a store
	@bash tests/system_packages.sh
	@GEO_CRASHES=100 $(BIN)/python -m pytest tests/stores/test_crash.py $(ARGS)

maps: setup ## draw the demo workspace's maps into static/maps (MAP_PARK, MAP_PROJECT, MAP_RULEBOOK, MAP_GOALS)
	@echo "maps: static/maps"
	@for kind in overview review time; do $(BIN)/geo-service map $(WORKSPACE) --kind $$kind --standalone; done
	@$(BIN)/geo-service map $(WORKSPACE) --kind park --park $(MAP_PARK) --standalone
	@$(BIN)/geo-service map $(WORKSPACE) --kind ranking --project $(MAP_PROJECT) --standalone
	@$(BIN)/geo-service map $(WORKSPACE) --kind compare --rulebook $(MAP_RULEBOOK) --standalone
	@$(BIN)/geo-service map $(WORKSPACE) --kind layout --goals $(MAP_GOALS) --standalone

bundle: setup ## make dist/bundle for machines without internet (BUNDLE_SYSTEMS, BUNDLE_PYTHONS)
	@$(BIN)/python deploy/bundle.py --output dist/bundle --systems $(BUNDLE_SYSTEMS) \
	  --pythons $(BUNDLE_PYTHONS)

advisories: setup ## compare the pinned packages with advisories of osv.dev (ARGS="pypi-all.zip npm-all.zip"), offline
	@$(BIN)/python deploy/advisories.py $(ARGS)

test-bundle: ## install dist/bundle without network and review its demo county
	@bash tests/bundle.sh dist/bundle

pictures: setup-dev ## take pictures of pages and maps into docs/pictures
	@bash tests/system_packages.sh
	@$(BIN)/python -m tests.browser.pictures docs/pictures

lock: ## resolve requirements/*.txt and package-lock.json again (ARGS=--upgrade moves up)
	@echo "lock: installing requirements/lock.txt into .lock-venv"
	@$(FIND_PYTHON); "$$python" -m venv .lock-venv
	@.lock-venv/bin/python -m pip --disable-pip-version-check install -qq --require-hashes \
	  --only-binary :all: -r requirements/lock.txt
	@$(call compile,run.txt,pyproject.toml)
	@$(call compile,dev.txt,-c requirements/run.txt --extra dev pyproject.toml)
	@$(call compile,bundle.txt,-c requirements/dev.txt --extra postgis --extra oidc pyproject.toml)
	@$(call compile,bench.txt,-c requirements/run.txt --extra bench pyproject.toml)
	@$(call compile,build.txt,--group build)
	@$(call compile,lock.txt,--group lock)
	@echo "lock: package-lock.json"
	@PATH="$(CURDIR)/.lock-venv/bin:$$PATH" npm install --package-lock-only --silent

clean: ## remove .venv, caches, build output, collected assets, joined scripts and the kernel
	@echo "clean: removing .venv, caches, build output, what was collected, joined and compiled"
	@rm -rf $(VENV) .lock-venv build dist node_modules geo_service/assets geo_service/front/built geo_service/native/lib \
	  .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage .coverage.* htmlcov *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Stamps: each step runs again only when what it depends on has changed.

$(VENV)/stamp-venv:
	@$(FIND_PYTHON); \
	echo "setup: making $(VENV) with $$("$$python" --version)"; \
	"$$python" -m venv --clear $(VENV)
	@touch $@

$(VENV)/stamp-run: requirements/run.txt | $(VENV)/stamp-venv
	@echo "setup: installing requirements/run.txt (the first time this takes some minutes)"
	@$(PIP) --require-hashes -r $<
	@touch $@

$(VENV)/stamp-package: $(PACKAGING) $(VENV)/stamp-run
	@echo "setup: installing geo-service (editable); assets and kernel are made if not there yet"
	@$(BIN)/python deploy/build.py editable
	@touch $@

$(VENV)/stamp-dev: requirements/dev.txt $(VENV)/stamp-package
	@echo "setup: installing requirements/dev.txt"
	@$(PIP) --require-hashes -r $<
	@touch $@

$(NODE_MODULES): package.json package-lock.json .npmrc
	@test -x $(BIN)/npm || { echo "front end: run make setup-dev first; it brings Node" >&2; exit 1; }
	@echo "setup: installing package-lock.json into node_modules"
	@PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --silent
	@touch $@

$(VENV)/stamp-bench: requirements/bench.txt $(VENV)/stamp-package
	@echo "setup: installing requirements/bench.txt"
	@$(PIP) --require-hashes -r $<
	@touch $@

# --universal: one file for every system and Python; no index, address or path gets into it.
# --no-strip-extras: pip resolves "coverage[toml]" apart from "coverage" and wants it pinned as well.
define compile
	echo "lock: requirements/$(1)"; \
	.lock-venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-strip-extras --no-header --no-config $(2) $(ARGS) -o requirements/$(1)
endef

# Sets $python to the first interpreter that runs (a pyenv shim may not), is at least 3.11 and can
# make a venv. On Debian, as root, a missing one is installed.
define FIND_PYTHON
	usable() { "$$1" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }; \
	pick() { for python in $(or $(PYTHON),python3.13 python3.12 python3.11 python3); do \
	  if usable "$$python"; then return 0; fi; done; return 1; }; \
	if ! pick && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "setup: installing python3-venv"; \
	  apt-get update -qq; DEBIAN_FRONTEND=noninteractive apt-get install -qq -y python3-venv >/dev/null; \
	fi; \
	pick || { echo "setup: no Python 3.11 or newer with venv found;" \
	  "install one (Debian: python3 and python3-venv) or name it: make setup PYTHON=..." >&2; exit 1; }
endef
