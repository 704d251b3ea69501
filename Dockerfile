# syntax=docker/dockerfile:1
ARG PYTHON=3.13

FROM python:${PYTHON}-slim AS wheel
WORKDIR /src
COPY pyproject.toml README.md LICENSE openapi.yaml jobs.yaml ./
COPY contract_tests contract_tests
COPY mockkie mockkie
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheel .

FROM python:${PYTHON}-slim
RUN --mount=type=bind,from=wheel,source=/wheel,target=/wheel \
    pip install --no-cache-dir /wheel/*.whl
# A named volume takes over the owner of the folder that it is mounted on.
RUN useradd --uid 5430 --create-home mockkie \
    && install --directory --owner=mockkie --group=mockkie /data
USER 5430
ENV MOCKKIE_HOST=0.0.0.0 \
    MOCKKIE_PORT=5430 \
    MOCKKIE_DATA=/data
VOLUME /data
EXPOSE 5430
# The image has no curl; http.client obeys no HTTP_PROXY.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, http.client as h; c = h.HTTPConnection('127.0.0.1', int(os.environ['MOCKKIE_PORT']), timeout=3); c.request('GET', '/readyz'); raise SystemExit(c.getresponse().status != 200)"]
ENTRYPOINT ["mockkie"]
CMD ["serve"]
