# Everything is done from here; `make help` lists it.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

PY := .venv/bin/python
GENERATE := PYTHONPATH=operator $(PY) -m tools
TEST_TOOLS := kubernetes etcd helm
PROVIDER ?= auto

.PHONY: help setup generate lock format verify test unit integration e2e e2e-rollout drill bench image chart version demo demo-rollout demo-down cluster-up cluster-down

help: ## Show this help
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Install the Python environment and what the tests start (PostgreSQL, Redis)
	@operator/tools/setup.sh servers

.PHONY: venv
venv:
	@operator/tools/setup.sh

generate: venv ## Write the generated files anew: CRDs, reference, rules, dashboards, manifests
	@$(GENERATE).crdgen
	@$(GENERATE).docgen
	@$(GENERATE).rulesgen
	@$(GENERATE).dashgen
	@$(GENERATE).chartcrds && $(GENERATE).chartrules && $(GENERATE).chartdashboards && $(GENERATE).chartdoc
	@$(GENERATE).manifestsgen

# Extras are named: else pip takes the newest release of such a package, and has no hash for it.
LOCK = .venv/bin/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
	--no-strip-extras --python-version 3.11
lock: venv ## Resolve the Python dependencies anew, keeping the versions that still fit
	@$(LOCK) pyproject.toml -o requirements.lock
	@$(LOCK) --group dev pyproject.toml -c requirements.lock -o requirements-dev.lock

format: venv ## Format the code and mend what the linter can
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix .

verify: venv ## Lint, types, import rules, generated files in sync, CRDs accepted by a real API server
	@echo "== ruff";            .venv/bin/ruff format --check --quiet . && .venv/bin/ruff check --quiet .
	@echo "== mypy";            .venv/bin/mypy
	@echo "== import-linter";   .venv/bin/lint-imports --no-logo | tail -n 6
	@echo "== generated files"; $(GENERATE).crdgen --check && $(GENERATE).docgen --check && $(GENERATE).rulesgen --check && $(GENERATE).dashgen --check
	@echo "== chart";           for part in chartcrds chartrules chartdashboards chartdoc; do $(GENERATE).$$part --check; done
	@$(PY) -m e2e.cluster build helm && $(GENERATE).manifestsgen --check
	@$(PY) -m pytest -q --no-header tests/integration/chart/test_values.py
	@echo "== workflows";       $(PY) -m e2e.cluster build actionlint && "$$($(PY) -m e2e.cluster which actionlint)" -shellcheck= -pyflakes=
	@echo "== CRDs on a real API server"; $(PY) -m e2e.cluster build $(TEST_TOOLS) && $(PY) -m pytest -q --no-header tests/integration/test_crds.py

test: setup verify ## Everything that needs no node: verify, unit and integration tests, coverage
	@rm -f .coverage .coverage.*
	@echo "== unit tests";        .venv/bin/coverage run -m pytest -q tests/unit
	@echo "== integration tests"; WHOLE_SUITE=1 .venv/bin/coverage run -m pytest -q tests/integration
	@echo "== coverage";          operator/tools/coverage.sh

unit: venv ## The fast tests only
	@$(PY) -m pytest -q tests/unit

integration: setup ## Tests against a real API server and real servers behind the probes
	@$(PY) -m e2e.cluster build $(TEST_TOOLS)
	@WHOLE_SUITE=1 $(PY) -m pytest -q tests/integration

e2e: setup ## The cluster, the demo, takeover, five quiet minutes, the pages, the chart: for real
	@$(PY) -m pytest -v --durations=0 e2e/test_cluster.py e2e/test_preflight.py e2e/test_demo.py e2e/test_rights.py e2e/test_docs.py \
		e2e/test_image.py e2e/test_chart.py

e2e-rollout: setup ## Whole rollouts under load, through a real gateway (20 minutes)
	@$(PY) -m pytest -v --durations=0 e2e/test_gateway.py e2e/test_rollout.py e2e/test_rights.py

drill: setup ## Lose the demo's cluster in an outage, build another: seconds, and what differs
	@$(PY) -m pytest -v -s --durations=0 e2e/test_drill.py

bench: setup ## Speed and memory: probes per CPU-second, 1,000 policies on a real API server
	@$(PY) -m e2e.cluster build kubernetes etcd
	@$(PY) -m tests.bench

image: venv ## Build the operator's image; prints where the archive is
	@$(PY) -m e2e.images build operator

chart: venv ## Check and package the chart into dist/ (IMAGE=repository DIGEST=sha256:… RUNBOOKS=URL for a release)
	@$(GENERATE).chartpackage $(if $(IMAGE),--repository "$(IMAGE)" --digest "$(DIGEST)") $(if $(RUNBOOKS),--runbooks "$(RUNBOOKS)")

version: ## Print the version of this source
	@sed -n 's/^version = "\(.*\)"$$/\1/p' pyproject.toml

demo: venv ## The main job on a local cluster, from nothing
	@$(PY) -m e2e.demo up --provider $(PROVIDER)

demo-rollout: venv ## The demo with a gateway and Prometheus: a good version, a bad one, an outage
	@$(PY) -m e2e.demo rollout --provider $(PROVIDER)

demo-down: venv ## Remove the demo and its cluster
	@$(PY) -m e2e.demo down

cluster-up: venv ## Start the one-node cluster (PROVIDER=auto|kind|source)
	@$(PY) -m e2e.cluster up --provider $(PROVIDER)

cluster-down: venv ## Stop it and leave nothing behind
	@$(PY) -m e2e.cluster down
