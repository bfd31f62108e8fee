# Every command sets up what it needs first; the first time takes a minute or two.
.DEFAULT_GOAL := help
.PHONY: $(shell awk -F: '/^[a-z-]+:.*##/ { print $$1 }' Makefile)

PY := .venv/bin/python
# Tests run on every core, each file by one worker; a worker has servers of its own, hence at most four of them.
PARALLEL := -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile
# What the unit tests reach at least, lines and branches, in percent: raise a floor when they reach more.
FLOORS := 100:services/*/domain/*,services/*/domain.py,contracts/instroom_contracts/*,chassis/deciding.py \
	99:services/catalog/* 99:contracts/* 88:services/enrolment/* 75:services/notification/* 73:cli/* 72:chassis/* \
	66:deploy/* 62:checking/*

help: ## Show these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' Makefile

setup: ## Install what is missing: system packages, .venv from requirements.lock
	@deploy/bootstrap

up: setup ## Start the stack with the five programmes loaded; addresses go to .local/stack.env
	@$(PY) -m deploy up

down: setup ## Stop the stack and keep its data
	@$(PY) -m deploy down

reset: setup ## Stop the stack and wipe its data
	@$(PY) -m deploy reset

logs: setup ## Follow the logs of the three services
	@$(PY) -m deploy logs

status: setup ## Show what runs, and where
	@$(PY) -m deploy status

backup: setup ## Copy all that the stack keeps into a folder (TO=..., by default under .local/backups)
	@$(PY) -m deploy backup $(TO)

restore: setup ## Bring up an empty stack with what a backup holds (FROM=...)
	@test -n "$(FROM)" || { echo "Say which backup: make restore FROM=.local/backups/..."; exit 2; }
	@$(PY) -m deploy restore $(FROM)

upgrade: setup ## Replace the services by those of the code that is here, one after the other
	@$(PY) -m deploy upgrade

sandbox: setup ## Start another stack, beside it, on which anything may be tried; addresses go to .sandbox/stack.env
	@$(PY) -m deploy up --sandbox

sandbox-down: setup ## Stop the sandbox and keep its data
	@$(PY) -m deploy down --sandbox

sandbox-reset: setup ## Wipe the sandbox and start it afresh
	@$(PY) -m deploy reset --sandbox
	@$(PY) -m deploy up --sandbox

demo: setup ## Play a day of enrolments on a stack of its own, and audit the result
	@$(PY) -m demo

test: setup ## Run all tests, on real servers (or those in TESTS=...)
	@$(PY) $(PARALLEL) $(TESTS)

test-containers: setup ## Run the tests of the containers, and others against them (needs a Docker engine)
	@STACK=docker $(PY) -m demo
	@$(PY) -m pytest tests/containers
	@$(PY) -m tests.containers.servers tests/integration/chassis tests/integration/deploy/test_broker_accounts.py
	@$(PY) -m tests.containers.servers --stack tests/e2e

test-operations: setup ## Back up, restore and upgrade stacks under load (needs a Docker engine, and the history of git)
	@$(PY) -m pytest tests/operations

test-cluster: setup ## Kill servers of a cluster in containers under load (needs a Docker engine, some minutes)
	@$(PY) -m pytest tests/cluster

unit: setup ## Run the fast tests only
	@$(PY) $(PARALLEL) tests/unit

coverage: setup ## Run the fast tests, measure what they reach, and compare that with the floors; pages go to build/coverage
	@rm -rf build/coverage
	@.venv/bin/coverage run $(PARALLEL) tests/unit
	@.venv/bin/coverage combine --quiet
	@.venv/bin/coverage html --quiet --directory build/coverage
	@failed=0; for floor in $(FLOORS); do \
	    .venv/bin/coverage report --include="$${floor#*:}" --fail-under="$${floor%%:*}" --format=total >/dev/null || \
	    { echo "Below the floor of $${floor%%:*} %:"; .venv/bin/coverage report --include="$${floor#*:}" --show-missing --skip-covered; failed=1; }; \
	done; exit $$failed

bench: setup ## Measure speed and memory; figures go to build/bench.json
	@$(PY) -m tests.bench

check: lint types imports generated published ## Check style, types, import rules, generated files, compatibility

lint: setup ## Check style (ruff)
	@.venv/bin/ruff check
	@.venv/bin/ruff format --check

types: setup ## Check types (mypy)
	@.venv/bin/mypy

imports: setup ## Check who may import whom (import-linter)
	@PYTHONPATH=contracts .venv/bin/lint-imports --no-cache

generated: setup ## Check that generated files are fresh
	@$(PY) -m instroom_contracts.schemas --check
	@PYTHONPATH=contracts $(PY) -m publishing.asyncapi --check
	@deploy/npm-ci contracts/js
	@cd contracts && ../$(PY) -m publishing.javascript --check

published: setup ## Check that no published event type changed in a way that breaks somebody
	@cd contracts && ../$(PY) -m publishing.published

freeze: setup ## Publish the JSON Schemas that are new or changed, for a release of the contract
	@cd contracts && ../$(PY) -m publishing.published --freeze

format: setup ## Lay out the code (ruff)
	@.venv/bin/ruff check --fix
	@.venv/bin/ruff format

schemas: setup ## Write the JSON Schemas of all events, and the types of the JavaScript package
	@$(PY) -m instroom_contracts.schemas
	@deploy/npm-ci contracts/js
	@cd contracts && ../$(PY) -m publishing.javascript

asyncapi: setup ## Write the AsyncAPI document and rights on the broker from contract, services' tables and samples
	@PYTHONPATH=contracts $(PY) -m publishing.asyncapi

COMPILE := build/uv/bin/uv pip compile --quiet --generate-hashes --universal --python-version 3.11 --no-emit-index-url \
	--no-emit-find-links --no-emit-package instroom-checking --no-emit-package instroom-contracts \
	--custom-compile-command "make lock" pyproject.toml

lock: build/uv/bin/uv ## Pin the newest fitting versions in requirements.lock, and what the image needs of them
	@$(COMPILE) --upgrade --extra dev --extra mailsink --output-file requirements.lock
	@$(COMPILE) --extra mailsink --constraint requirements.lock --no-annotate --output-file deploy/runtime.lock

build/uv/bin/uv:
	@python3 -m venv build/uv
	@build/uv/bin/pip install --quiet --disable-pip-version-check uv

look: setup ## Open the contract's page in Chromium; pictures go to build/look
	@$(PY) -m tests.asyncapi

clean: ## Remove what was built; the stack's data stays (make reset wipes that)
	@rm -rf tests/asyncapi/node_modules contracts/js/node_modules contracts/js/schemas contracts/js/samples contracts/js/LICENSE
	@rm -rf .venv build .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
