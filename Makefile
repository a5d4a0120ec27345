# make demo: try it. make test: the tests. make help: everything else.
SHELL := /bin/bash
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEMO := .demo
WORKERS ?= 2

help:  ## List what there is to make
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

setup: $(READY)  ## Make the environment in .venv (with uv where it is found, else venv and pip)

$(READY): requirements/dev.txt layers/streamtally/pyproject.toml layers/streamtally/requirements.txt
	@scripts/setup $(VENV)
	@touch $@

demo: setup  ## The main job on a real server's log, then on a larger generated one
	@echo '== A real log: nginx, $(shell grep -c '' tests/samples/nginx-combined.log) lines (tests/samples/README.md)'
	$(BIN)/streamtally run tests/samples/nginx-combined.log --out $(DEMO)/nginx
	@echo '== A generated day of a shop: 200,000 lines'
	@mkdir -p $(DEMO)
	$(BIN)/streamtally sample --lines 200000 --seed 7 --rate 2.5 --out $(DEMO)/shop.log
	$(BIN)/streamtally run $(DEMO)/shop.log --out $(DEMO)/shop
	@echo 'Open $(DEMO)/shop/report.html in a browser.'

test: setup  ## The tests that need nothing but Python: a few minutes
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadgroup tests/unit tests/system/conformance tests/system/fuzz

.PHONY: test-all
test-all: setup  ## All tests; those that need a server, Docker or a browser are skipped with a reason where there is none
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadgroup

lint: setup  ## Ruff: style and likely mistakes
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup  ## Mypy, strict
	$(BIN)/mypy layers/streamtally/streamtally functions

bench: setup  ## Speed, as ratios in one run
	$(BIN)/python -m bench.transform
	$(BIN)/python -m bench.merging
	$(BIN)/python -m bench.merging --aggregate top_items
	$(BIN)/python -W ignore -m bench.exactness
	$(BIN)/python -m bench.formats
	$(BIN)/python -m bench.plans

formats-doc: setup  ## Make docs/formats.md from the formats
	$(BIN)/python -m scripts.make_formats_doc

pipeline-schema: setup  ## Make docs/pipeline.schema.json from the settings' classes
	$(BIN)/python -m scripts.make_pipeline_schema

compile: setup  ## Make pipeline.json of every pipeline in the checkout
	$(BIN)/streamtally compile layers/pipeline/pipeline
	$(BIN)/streamtally compile pipelines/rows

lock:  ## Renew requirements/dev.txt, and from it the layers' locks (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url requirements/dev.in -o requirements/dev.txt
	for layer in streamtally opensearch; do \
	  uv pip compile -q --python-version 3.13 --python-platform aarch64-manylinux_2_34 --generate-hashes --no-emit-index-url \
	    -c requirements/dev.txt layers/$$layer/requirements.txt -o layers/$$layer/lock.txt; done

check: lint types test  ## Lint, types and tests

# --- SAM: template, build, deployment (tools in .tools, each in an environment of its own)
ARCH ?= arm64

build:  ## Build functions and layers for `sam deploy` (ARCH=x86_64 for that processor), with sizes
	@scripts/ci/install-tool sam
	@scripts/ci/install-tool supply
	@scripts/build $(ARCH)

supply-chain:  ## Both processors built twice and compared, SBOMs, licences; advisories where they can be asked for
	@scripts/supply-chain || [ $$? = 3 ]

licences-doc:  ## Make docs/licences.md from the built layers
	@scripts/supply-chain --write-licences || [ $$? = 3 ]

lint-template: setup  ## What can be known of template.yaml without deploying it: SAM, cfn-lint, checkov, cdk-nag, parliament
	@scripts/ci/install-tool sam
	@scripts/ci/install-tool template
	@scripts/lint-template

test-sam: setup  ## The built functions in Docker, by `sam local`; installs Docker on Debian where there is none (root)
	@scripts/test-sam

test-deploy: setup  ## `sam deploy`, a change and `sam delete` against LocalStack
	@scripts/test-deploy

# --- OpenSearch: a real server (OPENSEARCH_URL, a Docker image at hand, or Maven's artifact), see docs/indices.md
test-opensearch: setup  ## The index manager against a real OpenSearch, the security plugin too; fails where none is to be had
	OPENSEARCH_REQUIRED=1 $(BIN)/python -m pytest -q -n $(WORKERS) --dist loadgroup tests/integration/opensearch tests/unit/indices

bench-opensearch: setup  ## Speed of settling, requests of manage: exit status 1 if a figure is not reached
	$(BIN)/python -m bench.opensearch

opensearch: setup  ## A real OpenSearch on http://127.0.0.1:9200 until Ctrl-C
	$(BIN)/python tests/integration/opensearch/server.py --port 9200

.PHONY: test-opensearch bench-opensearch opensearch
.PHONY: build supply-chain licences-doc lint-template test-sam test-deploy
.PHONY: docs-cli setup-moto test-moto

docs-cli: setup  ## docs/cli.md from the commands' own help
	$(BIN)/python -m scripts.make_cli_docs

# ---- attach, detach and status against moto's server
setup-moto: .tools/moto/.ready  ## Install moto's server in an environment of its own (.tools/moto)

.tools/moto/.ready: requirements/moto.txt | $(READY)
	$(BIN)/python -m venv --clear .tools/moto
	.tools/moto/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/moto.txt
	@touch $@

test-moto: setup setup-moto  ## attach, detach and status on a stream of moto's server
	MOTO_REQUIRED=1 $(BIN)/python -m pytest -q tests/integration/moto

clean:  ## Remove what was made, the environment too
	rm -rf $(VENV) $(DEMO) .tools .aws-sam streamtally-out

.PHONY: help setup demo test lint types bench formats-doc pipeline-schema compile lock check clean

decisions-index: setup  ## docs/decisions/README.md from the decisions
	$(BIN)/python -m scripts.make_decisions_index

.PHONY: decisions-index

# --- Exactness: the fault list, the contract, the soak
test-faults: setup  ## The fault list, redrive, the simulator, and the state machine on a real OpenSearch
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadgroup tests/system/faults tests/unit/local/simulator/test_simulator.py tests/unit/transform/test_reingest.py

SOAK_LINES ?= 10000000
SOAK_SEED ?= 1
soak: setup  ## Ten million lines under random faults into a real OpenSearch (SOAK_LINES, SOAK_SEED)
	$(BIN)/python -W ignore -m tests.system.soak --lines $(SOAK_LINES) --seed $(SOAK_SEED)

HANDLER ?= functions.firehose_transform.app:handler
contract: setup compile  ## Which clauses of Firehose's contract a function breaks (HANDLER=module:function, or a URL)
	AWS_SAM_LOCAL=true AWS_DEFAULT_REGION=us-east-1 POWERTOOLS_LOG_LEVEL=CRITICAL \
	  PIPELINE=layers/pipeline/pipeline/pipeline.json SUMMARY_STREAM=log-summary-stream \
	  $(BIN)/python -m tests.system.conformance.contract --handler $(HANDLER) > .contract.txt; \
	  status=$$?; grep -E '^(kept|broken)' .contract.txt; rm -f .contract.txt; exit $$status

# --- Hostile input: docs/hostile.md
FUZZ_SECONDS ?= 3600
FUZZ_SEED ?=
fuzz: setup  ## Seeded hostile lines and events until the time is up (FUZZ_SECONDS, FUZZ_SEED); what fails is kept in .fuzz
	$(BIN)/python -W ignore -m tests.system.fuzz --seconds $(FUZZ_SECONDS) $(if $(FUZZ_SEED),--seed $(FUZZ_SEED))

bench-hostile: setup  ## Time per byte and memory of every format's worst lines: exit status 1 if one is not linear
	$(BIN)/python -W ignore -m bench.hostile --check

.PHONY: fuzz bench-hostile
