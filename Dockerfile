# The operator. Built by `python -m e2e.images build operator`, which fetches the wheels of
# requirements.lock and of e2e/images/sbom.lock into the context's wheels/ and sbom-wheels/ folders and
# puts this project's own into project/: the build itself needs no network.
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

# What is in the image, by name, version and licence: a CycloneDX document. Without times and random
# numbers, so that the same content gives the same document.
FROM builder AS sbom
COPY sbom-wheels/ /sbom-wheels/
COPY e2e/images/sbom.lock /sbom.lock
RUN python3 -m venv --without-pip /opt/sbom-tool \
    && python3 $(echo /wheels/pip-*.whl)/pip --python /opt/sbom-tool/bin/python3 install \
        --no-cache-dir --no-index --find-links /sbom-wheels --require-hashes --requirement /sbom.lock
RUN mkdir /opt/sbom \
    && PYTHONPATH=/opt/app /opt/sbom-tool/bin/cyclonedx-py environment --output-reproducible \
        --output-file /opt/sbom/resilience-operator.cdx.json /opt/venv/bin/python3

FROM ${BASE_IMAGE}
# The public base image has a pip, which nothing here uses.
RUN if python3 -m pip --version >/dev/null 2>&1; then \
        python3 -m pip uninstall --yes --root-user-action ignore wheel setuptools pip; fi
COPY --from=dependencies /opt/venv /opt/venv
COPY --from=builder /opt/app /opt/app
COPY --from=sbom /opt/sbom /opt/sbom
ENV PATH=/opt/venv/bin:$PATH PYTHONPATH=/opt/app PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/
USER 65532:65532
ENTRYPOINT ["python3", "-m", "resilience_operator.main"]
