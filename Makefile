# make serve: everything from nothing to a running product. make test: everything from nothing to a tested one.
# Nothing is needed before them but Python 3.11 and make.

PYTHON ?= python3.11
VENV ?= .venv
PYTEST_ARGS ?= -n auto
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
STAMP := $(VENV)/.installed
DEV_STAMP := $(VENV)/.installed-dev

.DEFAULT_GOAL := help
.PHONY: help serve test lint format types docs screenshots check-docs clean

help: ## What can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/	/' | expand -t 14

serve: $(STAMP) ## Install what is missing, migrate, make a first admin, and serve
	@$(BIN)/python manage.py bootstrap
	@exec $(BIN)/python manage.py serve

# Else each of the hundreds of servers and workers that the tests start would compile our modules for itself.
test: export PYTHONDONTWRITEBYTECODE :=
test: $(DEV_STAMP) ## Install what is missing and run every test
	$(BIN)/python -m pytest $(PYTEST_ARGS)

lint: $(DEV_STAMP) ## Ruff, import contracts, migrations, generated docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --config pyproject.toml
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(MAKE) --no-print-directory check-docs

types: $(DEV_STAMP) ## mypy, strict
	$(BIN)/mypy

format: $(DEV_STAMP) ## Rewrite the code in the project's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(DEV_STAMP) ## Make the generated pages of docs/
	$(BIN)/python manage.py settings_table > docs/settings.md
	$(BIN)/python manage.py spectacular --file docs/openapi.yaml --validate --fail-on-warn

screenshots: $(DEV_STAMP) ## Take the pictures of docs/screenshots again (needs Chromium)
	$(BIN)/python -m bench.screenshots
	$(BIN)/python -m bench.screenshots_admin

check-docs: $(DEV_STAMP) ## Fail where a generated page of docs/ is out of date
	$(BIN)/python manage.py settings_table | diff -u docs/settings.md -
	$(BIN)/python manage.py spectacular --validate --fail-on-warn | diff -u docs/openapi.yaml -

clean: ## Remove the environment and caches, never the data folder
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache htmlcov .coverage .coverage.*

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(STAMP): requirements.txt constraints.txt deploy/opencv-python/pyproject.toml | $(BIN)/python
	$(PIP) install -r requirements.txt -c constraints.txt
	@touch $@

$(DEV_STAMP): requirements-dev.txt $(STAMP)
	$(PIP) install -r requirements-dev.txt -c constraints.txt
	@touch $@
