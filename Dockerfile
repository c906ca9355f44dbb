# The operator. Built by `python -m e2e.images build operator`, which fetches the wheels of
# requirements.lock into the context's wheels/ folder and puts this project's own into project/: the
# build itself needs no network.
ARG BASE_IMAGE=python:3.11-slim-bookworm

FROM ${BASE_IMAGE} AS dependencies
COPY wheels/ /wheels/
COPY requirements.lock /requirements.lock
RUN python3 -m venv --without-pip /opt/venv \
    && python3 $(echo /wheels/pip-*.whl)/pip --python /opt/venv/bin/python3 install --no-cache-dir \
        --no-index --find-links /wheels --require-hashes --requirement /requirements.lock

FROM dependencies AS builder
COPY project/ /project/
RUN python3 $(echo /wheels/pip-*.whl)/pip --python /opt/venv/bin/python3 install --no-cache-dir \
        --no-index --no-deps --target /opt/app /project/*.whl

FROM ${BASE_IMAGE}
COPY --from=dependencies /opt/venv /opt/venv
COPY --from=builder /opt/app /opt/app
ENV PATH=/opt/venv/bin:$PATH PYTHONPATH=/opt/app PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/
USER 65532:65532
ENTRYPOINT ["python3", "-m", "resilience_operator.main"]
