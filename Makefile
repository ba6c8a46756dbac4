# One front door. Every target sets up what it needs; a second run reuses it and says so.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
CACHE := $(or $(BLUEAGENCY_CACHE),$(HOME)/.cache/blueagency)
STARTED := $(shell date +%s)
# Every program that is started would compile the products anew.
unexport PYTHONDONTWRITEBYTECODE
export PATH := $(CACHE)/uv/bin:$(CACHE)/bin:$(PATH)
RUN := uv run --no-sync
DASHBOARD := tenant/dashboard
DIR ?= .run/demo
CLUSTER ?= local
BACKEND ?= container
PORT_BASE ?=
DATA ?=
ONLY ?=
TIERS ?=

.PHONY: help setup check test demo demo-down bench generate images agent clean

help: ## List every target with a sentence
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: ## Install uv and the locked Python packages (the other targets call this)
	@hack/setup uv
	@uv sync --locked --quiet

demo: setup ## Run the whole chain on this machine and print where to sign in
	@hack/setup $(if $(filter container,$(BACKEND)),docker) kubectl
	@MAKE_STARTED=$(STARTED) $(RUN) demo up --dir $(DIR) --cluster $(CLUSTER) --backend $(BACKEND) \
	    $(if $(PORT_BASE),--port-base $(PORT_BASE))

demo-down: setup ## Remove everything the demo made: containers, processes, mounts, networks
	@$(RUN) demo down --dir $(DIR)

test: setup ## Check the code and run every test, the browser's included (TIERS="unit e2e": only these)
	@MAKE_STARTED=$(STARTED) TIERS="$(TIERS)" hack/test

check: setup ## Run formatters, linters, type checkers, layer contracts and drift checks
	@hack/setup node
	@hack/check

bench: setup ## Print every figure as a JSON line (ONLY=chain|retrieval|…, DATA=folder of test data)
	@hack/setup docker kubectl
	@hack/bench "$(ONLY)" "$(DATA)"

generate: setup ## Write CRDs, RBAC, API clients and reference docs from their one source
	@hack/setup node
	@hack/generate

images: setup ## Build the machine image and the product images
	@hack/setup docker
	@hack/images/build

agent: setup ## Run the agent alone on this machine, without Docker
	@hack/setup node
	@npm --prefix $(DASHBOARD) run --silent build
	@$(RUN) python -m demo.agent

clean: ## Remove build output and the caches of this checkout (not the shared cache)
	@rm -rf .run .mypy_cache .ruff_cache .pytest_cache .import_linter_cache $(DASHBOARD)/dist
