# The operator. Built by `python -m e2e.images build operator`, which puts the wheels of
# requirements.lock and of this project into the context's wheels/ folder: the build itself needs
# no network.
ARG BASE_IMAGE=python:3.11-slim-bookworm

FROM ${BASE_IMAGE} AS builder
COPY wheels/ /wheels/
COPY requirements.lock /requirements.lock
RUN python3 -m venv --without-pip /opt/venv \
    && pip="python3 $(echo /wheels/pip-*.whl)/pip --python /opt/venv/bin/python3" \
    && options="--no-cache-dir --no-index --find-links /wheels" \
    && $pip install $options --require-hashes --requirement /requirements.lock \
    && $pip install $options --no-deps resilience-operator

FROM ${BASE_IMAGE}
COPY --from=builder /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
ENTRYPOINT ["python3", "-m", "resilience_operator.main"]
