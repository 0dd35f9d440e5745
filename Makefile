# Two commands do everything on a fresh machine with Node, npm and make:
#   make demo   installs, runs the bakery job on the embedded default, shows what landed
#   make test   installs, starts the services the tests need, runs every check
# A system Node older than NODE_MIN is left alone: NODE_PIN comes from npm into .tools/ and is used instead.

NODE_MIN := 22.22
NODE_PIN := 24.21.0

SHELL := /bin/sh
.DEFAULT_GOAL := help
TOOLS_BIN := $(CURDIR)/.tools/node_modules/.bin

NODE_OK := $(shell node -e 'const [a,b]="$(NODE_MIN)".split(".").map(Number),[x,y]=process.versions.node.split(".").map(Number);console.log(x>a||(x===a&&y>=b)?"yes":"no")' 2>/dev/null)
ifeq ($(NODE_OK),yes)
  BIN_PATH := $(CURDIR)/node_modules/.bin:$(PATH)
  NODE_STAMP :=
else
  BIN_PATH := $(TOOLS_BIN):$(CURDIR)/node_modules/.bin:$(PATH)
  NODE_STAMP := .tools/node-$(NODE_PIN)
endif

# Every recipe line goes through the shell with this PATH, so that it means the same Node everywhere.
RUN := PATH="$(BIN_PATH)" NX_DAEMON=false NX_TUI=false NX_NO_CLOUD=true NX_SKIP_PROVENANCE_CHECK=true NODE_NO_WARNINGS=1
TS := node --conditions=sluice-source

# Arguments for `make services-up SERVICES="kafka"`, and the name of the set of services.
SERVICES ?= kafka apicurio
INSTANCE ?= default

# The services of `make on-prem`, and their environment.
ON_PREM_SERVICES := kafka apicurio minio
ON_PREM := $(TS) tools/services/src/main.ts
ON_PREM_FLOWS_SERVICES := kafka-secure minio postgres
ON_PREM_SH := sh -c 'eval "`$(ON_PREM) env --instance on-prem`" && export SLUICE_PROFILE=services && exec "$$@"' on-prem $(TS) apps/on-prem/src/main.ts
ON_PREM_FLOWS_SH := sh -c 'eval "`$(ON_PREM) env --instance on-prem`" && export SLUICE_PROFILE=event-hubs && exec "$$@"' on-prem $(TS) apps/on-prem/src/main.ts

RUNS ?= 20
SEED ?=
OUT ?=

.PHONY: help install demo sluice on-prem on-prem-sh on-prem-flows on-prem-flows-sh on-prem-down test lint types build bench chaos services-up services-down services-status format clean

help: ## Show this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

$(NODE_STAMP):
	@if [ "`.tools/node_modules/.bin/node --version 2>/dev/null`" != "v$(NODE_PIN)" ]; then \
	  echo "Node $(NODE_MIN) or newer not found: installing Node $(NODE_PIN) into .tools/"; \
	  rm -rf .tools && mkdir -p .tools && echo '{ "private": true }' > .tools/package.json && \
	  npm install --prefix .tools --no-save --no-package-lock --no-audit --no-fund --loglevel=error node@$(NODE_PIN); \
	fi
	@# npm can be set to skip install scripts; the script that fetches the binary is then run by hand.
	@test -x .tools/node_modules/node/bin/node || (cd .tools/node_modules/node && node installArchSpecificPackage.js)
	@.tools/node_modules/.bin/node --version && touch $@

install: $(NODE_STAMP) ## Install dependencies when they are missing or the lock changed
	@sum=`cksum package-lock.json`; \
	if [ "`cat node_modules/.sluice-lock 2>/dev/null`" != "$$sum" ]; then \
	  echo "npm ci"; $(RUN) npm ci --no-audit --no-fund && echo "$$sum" > node_modules/.sluice-lock; \
	fi

demo: install ## Run the main job embedded: simulate, ingest, show what landed
	@$(RUN) $(TS) apps/local-medallion/src/main.ts demo

sluice: install ## Run the bakery app: make sluice ARGS="status"
	@$(RUN) $(TS) apps/local-medallion/src/main.ts $(ARGS)

on-prem: install ## Run the shop on Kafka, registry and MinIO: simulate, ingest, migrate, query, verify
	@$(RUN) $(ON_PREM) up $(ON_PREM_SERVICES) --instance on-prem > /dev/null
	@$(RUN) $(ON_PREM_SH) ecommerce demo

on-prem-sh: install ## A command on the services of on-prem: make on-prem-sh ARGS="ecommerce status"
	@$(RUN) $(ON_PREM_SH) $(ARGS)

on-prem-flows: install ## Run telco and event analytics on Kafka by SASL, MinIO and PostgreSQL: simulate, ingest, silver, gold, daily job, verify
	@$(RUN) $(ON_PREM) up $(ON_PREM_FLOWS_SERVICES) --instance on-prem > /dev/null
	@$(RUN) $(ON_PREM_FLOWS_SH) telco demo -n 3000
	@$(RUN) $(ON_PREM_FLOWS_SH) analytics demo

on-prem-flows-sh: install ## A command on the services of on-prem-flows: make on-prem-flows-sh ARGS="telco status"
	@$(RUN) $(ON_PREM_FLOWS_SH) $(ARGS)

on-prem-down: ## Stop the services of on-prem
	@$(RUN) $(ON_PREM) down --instance on-prem

test: install ## Run every check and test; the last line is "N passed, N failed"
	@$(RUN) $(TS) tools/checks/src/main.ts

lint: install ## Lint, formatting and package boundaries
	@$(RUN) $(TS) tools/checks/src/main.ts lint format boundaries house

types: install ## Type-check the whole workspace
	@$(RUN) $(TS) tools/checks/src/main.ts types

build: install ## Build every publishable package to dist/
	@$(RUN) nx run-many -t build

bench: install ## Run the benchmarks
	@$(RUN) npm run bench --workspace bench

chaos: install ## Many runs through faults: make chaos RUNS=200 SEED=1000 PARALLEL=2 (DRIVER=kafkajs: only its seeds; OUT=name.json is added to)
	@$(RUN) RUNS=$(RUNS) SEED=$(SEED) PARALLEL=$(PARALLEL) DRIVER=$(DRIVER) OUT=$(OUT) npm run -s chaos --workspace tools/chaos

services-up: install ## Start services (SERVICES="kafka apicurio" INSTANCE=default) and print their environment
	@$(RUN) $(TS) tools/services/src/main.ts up $(SERVICES) --instance $(INSTANCE)

services-status: install ## Show the services of INSTANCE
	@$(RUN) $(TS) tools/services/src/main.ts status --instance $(INSTANCE)

services-down: install ## Stop the services of INSTANCE that were started here
	@$(RUN) $(TS) tools/services/src/main.ts down --instance $(INSTANCE)

format: install ## Rewrite files to the house format
	@$(RUN) prettier --write . --log-level warn

clean: ## Remove what builds and runs leave behind (not node_modules, not .tools)
	rm -rf .nx .sluice test-results coverage bench/.data packages/*/dist packages/*/*.tsbuildinfo
