# Everything runs in .venv, which the first target to need it sets up from uv.lock.
# TASK, DATA, ARGS pass on: make run TASK=image_folder DATA="my photos" ARGS="--set train.epochs=2"
# TASK and DATA are taken as they are written, blanks, quotes and $ included; ARGS is read as words.

TASK ?= digits
ARGS ?=
STAGE ?= cpu
IMAGE ?= tfx-vision:$(STAGE)
PYTHON ?= $(shell command -v python3.11 || command -v python3)
UV := $(shell command -v uv || echo .uv/bin/uv)
PY := .venv/bin/python
READY := .venv/.ready
# A text as one word of the shell.
quoted = '$(subst ','\'',$(value $(1)))'

.PHONY: run serve doctor test test-slow rehearse-kubeflow lint format image install clean clean-all help

run: $(READY)  ## set up on first use, then the default job: digits, trained, judged, pushed
	@./run --task $(call quoted,TASK) $(if $(value DATA),--data $(call quoted,DATA)) $(ARGS)

serve: $(READY)  ## serve what was pushed, on http://127.0.0.1:8501
	@$(PY) -m pipelines.serve $(ARGS)

test: $(READY)  ## set up on first use, then the test suite
	$(PY) -m pytest $(ARGS)

test-slow: $(READY)  ## the tests that take long
	$(PY) -m pytest -m slow --dist load $(ARGS)

# With the programs that KFP_BIN names, or those in ../shared/kfp/bin; as root, half an hour.
rehearse-kubeflow: $(READY)  ## digits night after night, through Kubeflow's own driver and launcher
	REHEARSE=all $(PY) -m pytest -m slow -n 0 -rs tests/kubeflow/test_real_kubeflow.py $(ARGS)

doctor: $(READY)  ## what will stop a first run: TARGET=vertex|kubeflow CONFIG=cloud.toml DATA=gs://…
	@$(PY) pipelines/run_kubeflow.py doctor --task $(TASK) $(if $(TARGET),--target $(TARGET)) \
		$(if $(CONFIG),--config $(CONFIG)) $(if $(DATA),--data $(DATA)) $(ARGS)

lint: $(READY)  ## ruff, mypy and hadolint
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	$(PY) -m mypy
	.venv/bin/hadolint Dockerfile

# With Docker. The digest, once pushed, is what --image of run_kubeflow.py should name.
image:  ## build the container image; STAGE=cpu|gpu|tpu IMAGE=registry/name:tag PUSH=1
	DOCKER_BUILDKIT=1 docker build --target $(STAGE) --tag $(IMAGE) \
		--build-arg REVISION=$$(git rev-parse --short HEAD) .
	$(if $(PUSH),docker push $(IMAGE) && docker inspect --format '{{index .RepoDigests 0}}' $(IMAGE))

format: $(READY)  ## let ruff mend what it can
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

install: $(READY)  ## only set up

# The stamp is older than the lock after a pull, and only then is anything installed again.
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

clean-all:  ## remove the pushed models and .venv too, after asking
	@printf 'This removes runs, the pushed models in runs/serving among them, and .venv. Type yes: '; \
	read -r answer || true; \
	[ "$$answer" = yes ] || { echo; echo "nothing removed"; exit 1; }; \
	for f in runs .pytest_cache .mypy_cache .ruff_cache .venv; do \
		if [ -e "$$f" ]; then echo "remove  $$f"; rm -rf -- "$$f"; fi; \
	done

help:  ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | column -t -s "$$(printf '\t')"
