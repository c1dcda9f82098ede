# Build: an environment with the wheel in it. Where TORCH_INDEX names an index of torch's builds for the processor
# (docker build --build-arg TORCH_INDEX=URL .), some 5 GB of CUDA stay out of the image.
FROM python:3.11-slim-bookworm AS build
ARG TORCH_INDEX=
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/omnisearch
WORKDIR /source
COPY constraints.txt ./
RUN /opt/omnisearch/bin/pip install -c constraints.txt ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} torch
COPY pyproject.toml README.md ./
COPY omnisearch omnisearch
COPY indexer indexer
COPY training training
COPY web web
RUN /opt/omnisearch/bin/pip install -c constraints.txt .

# Run: the environment, a user without rights, and the two folders it may write.
FROM python:3.11-slim-bookworm
RUN useradd --uid 10001 --create-home omnisearch && install -d -o omnisearch /data /models
COPY --from=build /opt/omnisearch /opt/omnisearch
ENV PATH=/opt/omnisearch/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    OMNISEARCH_DATA_DIR=/data \
    OMNISEARCH_WEIGHTS_DIR=/models \
    HF_HUB_OFFLINE=1
USER omnisearch
WORKDIR /home/omnisearch
VOLUME ["/data", "/models"]
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/livez', timeout=4)"]
ENTRYPOINT ["omnisearch"]
CMD ["serve", "--host", "0.0.0.0", "--insecure"]
