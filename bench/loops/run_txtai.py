"""Serve txtai's own application at a port of this machine: run_txtai.py PORT, with its CONFIG in the environment."""

import sys

import uvicorn

from omnisearch.spaces.nn import torchvision_shim

if __name__ == "__main__":
    torchvision_shim.install()  # txtai imports torchvision, which fails beside the CPU build of torch
    uvicorn.run("txtai.api:app", port=int(sys.argv[1]), log_level="error")
