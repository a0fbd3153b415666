# One command each; the environment in .venv is made when it is missing and brought up to date when
# pyproject.toml changes. Written for GNU make 3.81 (macOS) and later.

# The first Python here that is new enough; PYTHON=/path/to/python chooses another.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	"$$python" -c "import sys; sys.exit(sys.version_info < (3, 11))" 2>/dev/null && echo "$$python" && break; done)
ARGS ?=

BIN := .venv/bin
BASE := .venv/.installed
TEST := .venv/.installed-test-referees
DOCS := .venv/.installed-docs
NPM := $(shell command -v npm 2>/dev/null)

.PHONY: help dashboard spray compare maximize improve test lint javascript audit docs benchmark browser

help:
	@echo "make dashboard   open the dashboard in the browser   ARGS=\"--images my/pictures --arch resnet50\""
	@echo "make spray       open the dashboard of a whole data set ARGS=\"--store DIR\""
	@echo "make compare     open the dashboard of methods side by side   ARGS=\"--subject shapes\""
	@echo "make maximize    open the dashboard of what a network wants  ARGS=\"--subject digits\""
	@echo "make improve     open the dashboard that mends a model      ARGS=\"--subject tagged-digits\""
	@echo "make test        run every test                      ARGS=\"tests/lrp -k ledger\""
	@echo "make lint        ruff and mypy, and eslint and tsc where npm is; as CI does"
	@echo "make audit       known vulnerabilities of what is installed; asks PyPI"
	@echo "make docs        build the site in docs/_build       ARGS=\"-D nb_execution_mode=off\" without running the tutorials"
	@echo "make benchmark   print the timings"
	@echo "Each of them makes or updates .venv by itself; PYTHON=python3.12 chooses the Python for it."

dashboard: $(BASE)
	@$(BIN)/lrpwidgets serve explore $(ARGS)

spray: $(BASE)
	@$(BIN)/lrpwidgets serve spray $(ARGS)

compare: $(BASE)
	@$(BIN)/lrpwidgets serve compare $(ARGS)

maximize: $(BASE)
	@$(BIN)/lrpwidgets serve maximize $(ARGS)

improve: $(BASE)
	@$(BIN)/lrpwidgets serve improve $(ARGS)

# A file goes to one process whole, with what it has made for its tests; those of the browser, which take longest, first.
# Where a process dies the run ends: xdist 3.8 may wait forever for the one that takes its place.
test: $(TEST) browser
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder --max-worker-restart 0 --durations=20 $(ARGS)

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

# pip-audit has an environment of its own, which is gone afterwards: it would change versions that it is to check.
audit: $(TEST)
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && $(BIN)/python -m venv "$$folder" \
	&& { "$$folder/bin/python" -m pip install --quiet --disable-pip-version-check pip-audit \
	|| { echo "No audit: pip-audit could not be installed; it needs PyPI, and so a network." >&2; exit 1; }; } \
	&& "$$folder/bin/pip-audit" --progress-spinner off \
		--path "$$($(BIN)/python -c "import sysconfig; print(sysconfig.get_path('purelib'))")"

docs: $(DOCS)
	$(BIN)/sphinx-build --nitpicky --fail-on-warning --keep-going -b html docs docs/_build $(ARGS)
	@echo "The site is docs/_build/index.html."

benchmark: $(TEST)
	$(BIN)/python -m tests.benchmarks $(ARGS)

# The names are those that tests/browser looks for. Playwright keeps its own Chromium outside .venv, once per user.
browser: $(TEST)
	@(for name in chromium-headless-shell chromium chromium-browser google-chrome; do \
		command -v $$name && exit; done; exit 1) >/dev/null \
	|| $(BIN)/playwright install chromium \
	|| echo "No browser: Chromium is not installed and could not be downloaded, so tests/browser will fail." >&2

$(BASE): pyproject.toml | $(BIN)/pip
	@echo "Installing lrpwidgets into .venv; the first time this takes minutes, as torch is large."
	$(BIN)/python -m pip install --editable ".[methods]"
	@touch $@

$(TEST): pyproject.toml | $(BIN)/pip
	@echo "Installing lrpwidgets and its test tools into .venv; the first time this takes minutes, as torch is large."
	$(BIN)/python -m pip install --editable ".[test,referees]"
	$(BIN)/python -m pip install --no-deps "virelay>=0.6.1" "zennit-crp>=0.6"  # a Pillow of 2024, a zennit of 2022
	@touch $(BASE) $@

$(DOCS): pyproject.toml | $(BIN)/pip
	@echo "Installing lrpwidgets and what builds its site into .venv."
	$(BIN)/python -m pip install --editable ".[docs]"
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
