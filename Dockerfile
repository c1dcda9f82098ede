# syntax=docker/dockerfile:1
# Two images from one file:
#
#   docker build --target cpu -t omnisearch:0.1.0 .
#   docker build --target cuda -t omnisearch:0.1.0-cuda .
#
# The `cpu` image takes torch from PyTorch's index of builds for processors, which keeps some 5 GB of CUDA out of it.
# The `cuda` image takes it from PyPI; the driver comes from the host through the NVIDIA container toolkit.

# An empty environment. pip stays outside, so the images hold no installer.
FROM python:3.11-slim-bookworm AS environment
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PIP_PYTHON=/opt/omnisearch
WORKDIR /source
COPY constraints.txt ./
RUN python -m venv --without-pip /opt/omnisearch

# torch lies in a layer of its own: a change of our code does not download it again.
FROM environment AS torch-cpu
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
RUN python -m pip install -c constraints.txt --extra-index-url "$TORCH_INDEX" torch torchvision

FROM environment AS torch-cuda
RUN python -m pip install -c constraints.txt torch torchvision

FROM node:22-slim AS page
WORKDIR /source/web
COPY web ./
RUN ./build.sh

FROM torch-cpu AS build-cpu
COPY . ./
COPY --from=page /source/web/dist web/dist
RUN python -m pip install -c constraints.txt '.[read]'

FROM torch-cuda AS build-cuda
COPY . ./
COPY --from=page /source/web/dist web/dist
RUN python -m pip install -c constraints.txt '.[read]'

# What both images share: a user without rights, and the two folders that it may write.
FROM python:3.11-slim-bookworm AS runtime
RUN useradd --uid 10001 --create-home omnisearch && install -d -o omnisearch /data /models
# What librosa compiles when the first sound is read lies beside the weights, because the root may be read-only.
ENV PATH=/opt/omnisearch/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    OMNISEARCH_DATA_DIR=/data \
    OMNISEARCH_WEIGHTS_DIR=/models \
    NUMBA_CACHE_DIR=/models/numba
# By number: Kubernetes cannot tell otherwise that it is not root.
USER 10001
WORKDIR /home/omnisearch
VOLUME ["/data", "/models"]
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/livez', timeout=4)"]
ENTRYPOINT ["omnisearch"]
# It refuses to start without keys; docs/deploy.md says how to give it some.
CMD ["serve", "--host", "0.0.0.0"]

FROM runtime AS cuda
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
COPY --from=build-cuda /opt/omnisearch /opt/omnisearch

# The last one: what `docker build .` makes.
FROM runtime AS cpu
COPY --from=build-cpu /opt/omnisearch /opt/omnisearch
