# Two commands are enough to begin with: `make demo` and `make test`. `make help` lists the rest.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV ?= .venv
RUN := $(VENV)/bin/python
PORT ?= 8765
DATA ?= .demo
ONCE ?=
SECONDS ?= 600
N ?= 2000
SEED ?= 1
# Neighbours stay together, so that the tests of a module share its server. Tests that start one
# wait for it half of the time: one worker more than there are cores.
PYTEST := $(RUN) -m pytest -q --dist worksteal
WORKERS ?= $(shell expr 1 + `nproc 2>/dev/null || getconf _NPROCESSORS_ONLN`)
# Tests start Python some two hundred times: each would compile the product again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo serve cluster test test-fast test-server test-web fuzz check bench faults words lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 11

demo: $(VENV)/.server ## play the story on a real server, then keep serving (PORT=, DATA=, ONCE=1)
	@exec $(RUN) -m demo --port $(PORT) --data "$(DATA)" $(if $(ONCE),--once)

serve: $(VENV)/.server ## serve an existing log: make serve DATA=folder PORT=8765
	@exec $(RUN) -m api serve --port $(PORT) --data "$(DATA)"

cluster: $(VENV)/.dev ## all processes of docker-compose.yml without containers (ONCE=1 kills each in turn)
	@exec $(RUN) -m deploy.cluster $(if $(ONCE),--once)

test: $(VENV)/.dev ## run all tests on all cores (ARGS=, such as ARGS=tests/log)
	@$(PYTEST) -n $(WORKERS) $(ARGS)

test-fast: $(VENV)/.dev ## the same without those that start a server, or are marked slow
	@$(PYTEST) -n auto -m "not server and not slow and not hsm and not postgres and not objects and not web" $(ARGS)

test-server: $(VENV)/.dev ## the tests on PostgreSQL and on S3 servers, private ones that they start
	@$(RUN) -m tests.harness.postgres
	@$(RUN) -m tests.harness.object_servers
	@$(RUN) -m tests.harness.softhsm
	@$(RUN) -m tests.harness.compose
	@$(RUN) -m tests.harness.verapdf
	@$(PYTEST) -n $(WORKERS) -m "postgres or objects or hsm or compose or verapdf" $(ARGS)

test-web: $(VENV)/.dev ## the pages in Chromium, which is installed by apt if it is missing and we may
	@$(RUN) -m tests.harness.chromium
	@$(PYTEST) -n 2 -m web $(ARGS)

fuzz: $(VENV)/.dev ## bend what every parser reads, for as long as wanted (SECONDS=, SEED=)
	@$(RUN) -m tests.fuzz --seconds $(SECONDS) --seed $(SEED)

check: $(VENV)/.dev ## ruff, mypy --strict, the import contract
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(RUN) -m mypy
	@$(VENV)/bin/lint-imports

bench: $(VENV)/.dev ## measure everything on this machine (about five minutes)
	@$(RUN) -m bench

faults: $(VENV)/.dev ## fail and kill system calls under load: N= faults, SEED=; hours
	@$(RUN) -m bench.faults --faults $$(( ($(N) + 1) / 2 )) --seed $(SEED) --out bench/faults/records

words: $(VENV)/.dev ## bring the catalogues of translations up to date with the pages
	@$(RUN) -m api.web.catalogues

lock: $(VENV)/.dev ## pin the newest dependencies again, with hashes
	@$(VENV)/bin/uv pip compile pyproject.toml --group server --group build $(LOCKED) -o requirements.txt
	@$(VENV)/bin/uv pip compile pyproject.toml --group server --group build --group dev --all-extras \
		-c requirements.txt $(LOCKED) -o requirements-dev.txt

LOCKED := --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
	--no-emit-index-url --quiet --upgrade

# An interrupted set-up leaves no stamp, so the next run takes it up again.
$(VENV)/.server: requirements.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Testamur needs Python 3.11 or newer; none was found." >&2; exit 1; }
	@echo "Setting up $(VENV) with $(PYTHON) (once, half a minute or so) ..."
	@$(PYTHON) -m venv $(VENV) || { \
		echo "This Python cannot make environments; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@$(RUN) -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.txt
	@$(RUN) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.server requirements-dev.txt
	@echo "Adding the tools for tests and checks to $(VENV) ..."
	@$(RUN) -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.txt
	@touch $@

clean: ## remove the environment and the demo
	rm -rf $(VENV) .demo
