# mcpwiz: make demo and make test are all that a newcomer needs.

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
GO      ?= go
LDFLAGS  = -s -w -X main.version=$(VERSION)

STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
INSPECTOR   = @modelcontextprotocol/inspector@2.12.0
# The Inspector needs Node 22; this package brings it where the machine's is older.
NODE        = node-$(shell uname -s | tr A-Z a-z)-$(shell uname -m | sed 's/x86_64/x64/;s/aarch64/arm64/')@22.23.3
CACHE      ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/mcpwiz
FUZZTIME   ?= 5000x
BENCHTIME  ?= 1s

# REQUIRE_KEYCLOAK=1, REQUIRE_INSPECTOR=1 and REQUIRE_BROWSER=1 make a test run fail where the real one cannot be had.
REQUIRE_KEYCLOAK  ?=
REQUIRE_INSPECTOR ?=
REQUIRE_BROWSER   ?=
# A Chromium that looks at the HTML report; without one the tests skip that, and say so.
BROWSER           ?= $(or $(shell command -v chromium || command -v chromium-browser || command -v google-chrome),$(if $(REQUIRE_BROWSER),chromium))

.PHONY: build demo demo-wizard test test-keycloak race lint docs fmt fuzz bench inspector adversary faults clean

build: ## bin/mcpwiz
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/mcpwiz ./cmd/mcpwiz

demo: build ## the main job, end to end, on the small Keycloak
	bin/mcpwiz demo

demo-wizard: build ## the wizard on the small Keycloak, everything filled in: press Enter
	bin/mcpwiz demo --wizard

test: $(if $(REQUIRE_INSPECTOR),inspector) ## all tests, on a real Keycloak too where there can be one
	$(if $(BROWSER),,@echo 'no Chromium is on PATH: no browser will look at the HTML report')
	MCPWIZ_TEST_INSPECTOR='$(if $(REQUIRE_INSPECTOR),$(CACHE)/inspector,$(wildcard $(CACHE)/inspector))' \
	MCPWIZ_TEST_BROWSER='$(BROWSER)' \
	$(GO) run ./keycloak/distribution/withkeycloak $(if $(REQUIRE_KEYCLOAK),-require) -- $(GO) test -timeout 30m ./...

test-keycloak: ## misconfigurations planted in real Keycloaks: the table of what the audit finds and fix mends
	@tables=$$(mktemp -d); MCPWIZ_TEST_TABLES=$$tables \
	$(GO) run ./keycloak/distribution/withkeycloak -require -versions 26.7.3,26.4.7 -- $(GO) test -count=1 -run '^TestPlanted$$' ./keycloak; \
	code=$$?; cat $$tables/* 2>/dev/null; rm -r $$tables; exit $$code

faults: build ## every fault of the lab, pairs, and healthy servers as every client: is the first cause named?
	bin/mcpwiz lab run --all

docs: ## docs/checks, a page for each check
	$(GO) test ./cmd/mcpwiz -run '^TestCheckPages$$' -update

adversary: ## every answer of a good handshake broken in every way: is the right one named?
	MCPWIZ_TEST_ADVERSARY=1 $(GO) test -run Adversary ./probe/client

race: ## the fast tests under the race detector
	$(GO) test -race -short -timeout 30m ./...

lint: ## format, module file, vet, staticcheck
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "not formatted, run make fmt:"; echo "$$unformatted"; exit 1; }
	$(GO) mod tidy -diff
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...

fmt:
	gofmt -w .

fuzz: ## every fuzz target, FUZZTIME inputs each: where a time ends it, Go may call that a failure
	@set -e; for package in $$($(GO) list ./...); do \
		for target in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz' || true); do \
			echo "$$package $$target"; $(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 100x $$package; \
		done; \
	done

bench: ## benchmarks; compare ratios within one run, never figures between two
	$(GO) test -run '^$$' -bench . -benchtime $(BENCHTIME) ./...

inspector: ## the official MCP Inspector, into the cache
	@test -x $(CACHE)/inspector/node_modules/.bin/mcp-inspector || \
		npm install --no-audit --no-fund --ignore-scripts --loglevel=error --prefix $(CACHE)/inspector $(INSPECTOR) $(NODE)

clean:
	rm -rf bin coverage.out
