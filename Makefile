# Everything runs in .venv, which is set up from uv.lock by the first target that needs it.
# TASK, DATA and ARGS are passed on: make run TASK=image_folder DATA="my photos" ARGS="--set train.epochs=2"
# TASK and DATA are passed literally, with spaces, quotes and $; ARGS is split into words.

TASK ?= digits
ARGS ?=
STAGE ?= cpu
IMAGE ?= tfx-vision:$(STAGE)
PYTHON ?= $(shell command -v python3.11 || command -v python3)
UV := $(shell command -v uv || echo .uv/bin/uv)
PY := .venv/bin/python
READY := .venv/.ready
# Quotes a text as one shell word.
quoted = '$(subst ','\'',$(value $(1)))'

.PHONY: run serve doctor test test-slow nights rehearse-kubeflow lint format image install clean clean-all help

run: $(READY)  ## set up on first use, then run the default job: train, evaluate and push digits
	@./run --task $(call quoted,TASK) $(if $(value DATA),--data $(call quoted,DATA)) $(ARGS)

serve: $(READY)  ## serve the pushed models on http://127.0.0.1:8501
	@$(PY) -m pipelines.serve $(ARGS)

test: $(READY)  ## set up on first use, then run the fast tests
	$(PY) -m pytest $(ARGS)

test-slow: $(READY)  ## run the slow tests
	$(PY) -m pytest -m slow --dist load $(ARGS)

# Ten to fifteen minutes; the slow tests run the same.
nights: $(READY)  ## watch thirty nights of digits, run as cron would run them
	NIGHTS=1 $(PY) -m pytest -m slow -n 0 -s tests/test_thirty_nights.py $(ARGS)

# Needs the programs in $KFP_BIN or ../shared/kfp/bin, and root; takes half an hour.
rehearse-kubeflow: $(READY)  ## run digits repeatedly through Kubeflow's own driver and launcher
	REHEARSE=all $(PY) -m pytest -m slow -n 0 -rs tests/pipelines/cloud/kubeflow/test_real_kubeflow.py $(ARGS)

doctor: $(READY)  ## check what would stop a first run: TARGET=vertex|kubeflow CONFIG=cloud.toml DATA=gs://…
	@$(PY) pipelines/run_kubeflow.py doctor --task $(TASK) $(if $(TARGET),--target $(TARGET)) \
		$(if $(CONFIG),--config $(CONFIG)) $(if $(DATA),--data $(DATA)) $(ARGS)

lint: $(READY)  ## run ruff, mypy and hadolint
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	$(PY) -m mypy
	.venv/bin/hadolint Dockerfile

# Needs Docker. After a push, use the printed digest for --image of run_kubeflow.py.
image:  ## build the container image; STAGE=cpu|gpu|tpu IMAGE=registry/name:tag PUSH=1
	DOCKER_BUILDKIT=1 docker build --target $(STAGE) --tag $(IMAGE) \
		--build-arg REVISION=$$(git rev-parse --short HEAD) .
	$(if $(PUSH),docker push $(IMAGE) && docker inspect --format '{{index .RepoDigests 0}}' $(IMAGE))

format: $(READY)  ## let ruff fix what it can
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

install: $(READY)  ## set up only

# Installs again only if the lock is newer than the stamp, for example after a pull.
$(READY): uv.lock pyproject.toml
	@command -v $(UV) >/dev/null || $(PYTHON) -m pip install --quiet --target .uv uv
	@echo "setting up .venv from uv.lock (about 3 GB; a minute or two on first use)"
	@UV_HTTP_TIMEOUT=300 $(UV) sync --quiet --locked --python 3.11
	@touch $@

clean:  ## remove runs and caches; keep .venv and the models in runs/serving
	@for f in runs/* runs/.[!.]* .pytest_cache .mypy_cache .ruff_cache; do \
		if [ "$$f" = runs/serving ]; then echo "keep    $$f: the pushed models"; \
		elif [ -e "$$f" ]; then echo "remove  $$f"; rm -rf -- "$$f"; fi; \
	done

clean-all:  ## also remove the pushed models and .venv, after a confirmation
	@printf 'This removes runs, the pushed models in runs/serving among them, and .venv. Type yes: '; \
	read -r answer || true; \
	[ "$$answer" = yes ] || { echo; echo "nothing removed"; exit 1; }; \
	for f in runs .pytest_cache .mypy_cache .ruff_cache .venv; do \
		if [ -e "$$f" ]; then echo "remove  $$f"; rm -rf -- "$$f"; fi; \
	done

help:  ## list these commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | column -t -s "$$(printf '\t')"
