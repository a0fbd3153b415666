# One command each; the environment in .venv is made when it is missing and brought up to date when
# pyproject.toml changes. Written for GNU make 3.81 (macOS) and later.

# The first Python here that is new enough; PYTHON=/path/to/python chooses another.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	"$$python" -c "import sys; sys.exit(sys.version_info < (3, 11))" 2>/dev/null && echo "$$python" && break; done)
ARGS ?=

BIN := .venv/bin
BASE := .venv/.installed
TEST := .venv/.installed-test-referees
NPM := $(shell command -v npm 2>/dev/null)

.PHONY: help dashboard spray maximize test lint javascript benchmark browser

help:
	@echo "make dashboard   open the dashboard in the browser   ARGS=\"--images my/pictures --arch resnet50\""
	@echo "make spray       open the dashboard of a whole data set ARGS=\"--store DIR\""
	@echo "make maximize    open the dashboard of what a network wants  ARGS=\"--subject digits\""
	@echo "make test        run every test                      ARGS=\"tests/lrp -k ledger\""
	@echo "make lint        ruff and mypy, and eslint and tsc where npm is; as CI does"
	@echo "make benchmark   print the timings"
	@echo "Each of them makes or updates .venv by itself; PYTHON=python3.12 chooses the Python for it."

dashboard: $(BASE)
	@$(BIN)/lrpwidgets serve explore $(ARGS)

spray: $(BASE)
	@$(BIN)/lrpwidgets serve spray $(ARGS)

maximize: $(BASE)
	@$(BIN)/lrpwidgets serve maximize $(ARGS)

test: $(TEST) browser
	$(BIN)/python -m pytest $(ARGS)

lint: $(TEST)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	@$(MAKE) --no-print-directory javascript

# Types are in JSDoc, so that the scripts run as they are.
ifdef NPM
javascript: node_modules/.package-lock.json
	npm exec --no -- eslint eslint.config.js lrpwidgets
	npm exec --no -- tsc
else
javascript:
	@echo "npm is not here: JavaScript is not checked."
endif

node_modules/.package-lock.json: package.json package-lock.json .npmrc
	npm ci --no-progress
	@touch $@

benchmark: $(TEST)
	$(BIN)/python -m tests.benchmarks $(ARGS)

# The names are those that tests/browser looks for. Playwright keeps its own Chromium outside .venv, once per user.
browser: $(TEST)
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null \
	|| $(BIN)/playwright install chromium \
	|| echo "No browser: Chromium is not installed and could not be downloaded, so tests/browser will fail." >&2

$(BASE): pyproject.toml | $(BIN)/pip
	@echo "Installing lrpwidgets into .venv; the first time this takes minutes, as torch is large."
	$(BIN)/python -m pip install --editable .
	@touch $@

$(TEST): pyproject.toml | $(BIN)/pip
	@echo "Installing lrpwidgets and its test tools into .venv; the first time this takes minutes, as torch is large."
	$(BIN)/python -m pip install --editable ".[test,referees]"
	$(BIN)/python -m pip install --no-deps "virelay>=0.6.1" "zennit-crp>=0.6"  # a Pillow of 2024, a zennit of 2022
	@touch $(BASE) $@

# pip is what venv installs last: where it is there, .venv is whole.
$(BIN)/pip:
	@test -n "$(PYTHON)" \
	|| { echo "lrpwidgets needs Python 3.11 or newer, and none was found: install one, or say where it is: make PYTHON=/path/to/python" >&2; exit 1; }
	@"$(PYTHON)" -c "import sys; sys.exit(sys.version_info < (3, 11))" \
	|| { echo "lrpwidgets needs Python 3.11 or newer, and $(PYTHON) is not: choose another one: make PYTHON=/path/to/python" >&2; exit 1; }
	@"$(PYTHON)" -c "import venv, ensurepip" 2>/dev/null \
	|| { echo "$(PYTHON) cannot make virtual environments; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	"$(PYTHON)" -m venv .venv
