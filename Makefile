# `make` alone lists the targets. CI calls the same ones.
VENV := .venv/bin
RUN := PYTHONPATH=$(CURDIR)/hack $(VENV)/python

.DEFAULT_GOAL := help
.PHONY: help setup demo test e2e check format up down programs crds pins scenarios bench-core bench-growth bench-optimality bench-cluster image clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## make or refresh .venv; nothing else is needed before any other target
	@hack/setup/venv.sh

demo: setup ## from nothing to running jobs on a local cluster, live in the terminal
	@$(RUN) -m demo

test: check programs ## everything CI runs: lint, types, import rules and all tests
	@PATH="$$PATH:$$(hack/setup/promtool.sh)" $(VENV)/python -m pytest

e2e: setup ## the stories on a real kind cluster: real kubelets, real containers (root, or a Docker engine that runs)
	@$(VENV)/python -m pytest e2e --capture=sys

check: setup ## lint, formatting, types, import rules, generated files
	$(VENV)/ruff check --quiet .
	$(VENV)/ruff format --check --quiet .
	$(VENV)/mypy
	$(VENV)/lint-imports --no-logo
	$(RUN) -m crdgen --check

format: setup ## let ruff rewrite what it can
	$(VENV)/ruff check --fix .
	$(VENV)/ruff format .

up: setup ## start a local cluster with Powertrain in the background, and say how to look at it
	@$(RUN) -m localcluster up

down: setup ## stop what `make up` started
	@$(RUN) -m localcluster down

programs: setup ## build the local cluster's Kubernetes programs, unless they are in the cache
	@$(RUN) -m localcluster build

crds: setup ## write crds/ anew from the API models
	$(RUN) -m crdgen

pins: setup ## write requirements/*.txt anew with the newest versions
	hack/setup/pins.sh

DIR ?= ../shared/scenarios
scenarios: setup ## placement cases with known outcomes, decided and compared (DIR=folder)
	@$(RUN) -m scenarios $(DIR) $(ARGS)

bench-core: setup ## how fast the core decides
	@$(RUN) benchmarks/decisions.py

bench-growth: setup ## how the time and memory of a decision grow, up to 20,000 nodes
	@$(RUN) benchmarks/growth.py

bench-optimality: setup ## how near the core comes to exact optima on small clusters
	@$(RUN) benchmarks/optimality.py

bench-cluster: setup programs ## Powertrain and kube-scheduler on a fresh local cluster
	@$(RUN) benchmarks/cluster.py

IMAGE ?= localhost/powertrain:0.1.0
image: ## build the container image with docker or podman (IMAGE=name:tag)
	@engine=$$(command -v docker || command -v podman) || \
	  { echo "make image: needs docker or podman, and neither is on PATH" >&2; exit 1; }; \
	"$$engine" build --file Containerfile --tag $(IMAGE) .

clean: ## stop what is up and remove what was made here (the cache in the home folder stays)
	@[ ! -e .local ] || $(RUN) -m localcluster down
	rm -rf .venv .venv.lock .local build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
