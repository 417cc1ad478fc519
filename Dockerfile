# syntax=docker/dockerfile:1
# The image that every step of a compiled pipeline runs in, Dataflow's workers, and the server of
# pushed models.
#
#     make image                                # CPU
#     make image STAGE=gpu IMAGE=vision:gpu     # with NVIDIA's CUDA libraries, from PyPI
#     make image STAGE=tpu IMAGE=vision:tpu     # with the TensorFlow that drives Cloud TPUs
#
# The last stages hold no compiler, no package manager and no cache. Dependencies come before the
# project's own few files: after an edit, only those are copied again.

ARG PYTHON=python:3.11-slim-bookworm
ARG UV=ghcr.io/astral-sh/uv:0.9.5
ARG BEAM=apache/beam_python3.11_sdk:2.77.0

# hadolint ignore=DL3006
FROM ${UV} AS uv
# hadolint ignore=DL3006
FROM ${BEAM} AS beam

# hadolint ignore=DL3006
FROM ${PYTHON} AS base
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/opt/project \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    TF_USE_LEGACY_KERAS=1 \
    TF_CPP_MIN_LOG_LEVEL=1 \
    # Beam's boot would make itself a virtual environment under /opt, where only root may write.
    RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT=1
RUN useradd --create-home --uid 1000 vision
WORKDIR /home/vision

FROM base AS tools
COPY --from=uv /uv /bin/uv
ENV UV_PROJECT_ENVIRONMENT=/opt/venv \
    UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_PYTHON_DOWNLOADS=never
# pyfarmhash, which TFDV asks for, has no wheel: C++ that is compiled here and only here.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /build

# What is locked, and nothing of the project.
FROM tools AS dependencies
COPY pyproject.toml uv.lock ./
RUN --mount=type=cache,target=/root/.cache/uv \
    uv sync --locked --no-dev --group serve --group export --no-install-project

FROM tools AS dependencies-gpu
COPY pyproject.toml uv.lock ./
RUN --mount=type=cache,target=/root/.cache/uv \
    uv sync --locked --no-dev --group serve --group export --group gpu --no-install-project

# TensorFlow for TPUs is another package at another version: a lock of its own.
FROM tools AS dependencies-tpu
COPY docker/tpu/pyproject.toml docker/tpu/uv.lock ./
RUN --mount=type=cache,target=/root/.cache/uv \
    uv sync --locked --no-install-project

# The project, as the wheel that `uv build` makes of it.
FROM tools AS project
COPY pyproject.toml README.md NOTICE ./
COPY schemas schemas
COPY trainer_modules trainer_modules
COPY components components
COPY pipelines pipelines
RUN --mount=type=cache,target=/root/.cache/uv \
    uv build --wheel --out-dir /dist \
    && uv pip install --no-deps --target /opt/project /dist/*.whl

FROM base AS runtime
ARG REVISION=unknown
LABEL org.opencontainers.image.title="tfx-vision" \
      org.opencontainers.image.description="Steps of tfx-vision pipelines" \
      org.opencontainers.image.revision="${REVISION}"
# Dataflow starts its workers through this program; Kubeflow and Vertex AI name their own command.
COPY --from=beam /opt/apache/beam /opt/apache/beam
ENTRYPOINT ["/opt/apache/beam/boot"]

FROM runtime AS gpu
COPY --from=dependencies-gpu /opt/venv /opt/venv
COPY --from=project /opt/project /opt/project
USER 1000

FROM runtime AS tpu
COPY --from=dependencies-tpu /opt/venv /opt/venv
COPY --from=project /opt/project /opt/project
# Where TF_PLUGGABLE_DEVICE_LIBRARY_PATH looks for it on TPU v5e and later; the jobs set that
# variable (see pipelines/cloud/accelerators.py), as older TPUs want another way.
RUN ln -s /opt/venv/lib/python3.11/site-packages/libtpu/libtpu.so /lib/libtpu.so
# Kubernetes gives a TPU's devices to root alone.
# hadolint ignore=DL3002
USER 0

FROM runtime AS cpu
COPY --from=dependencies /opt/venv /opt/venv
COPY --from=project /opt/project /opt/project
USER 1000
