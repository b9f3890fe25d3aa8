#!/usr/bin/env bash
# Makes .venv. The order matters: mmcv compiles its operations against an installed torch, outside of pip's isolation, and
# would silently leave them out otherwise.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}

stop() { echo "install: $1" >&2; exit 1; }

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
  stop "needs Python 3.10 or newer, and $python is not: install it, or name another with make PYTHON=..."
command -v "${CXX:-c++}" > /dev/null ||
  stop "needs a C++ compiler to build mmcv's operations: install one (Debian: apt-get install g++), or set CXX"
"$python" -c 'import os, sys, sysconfig; sys.exit(not os.path.isfile(sysconfig.get_path("include") + "/Python.h"))' ||
  stop "needs the headers of Python: install them (Debian: apt-get install python3-dev)"
[ -x .venv/bin/python ] || "$python" -m venv .venv ||
  stop "could not make .venv: install Python's venv module (Debian: apt-get install python3-venv)"

pip() { .venv/bin/python -m pip "$@" --constraint constraints.txt --disable-pip-version-check --quiet; }

echo "install: torch and what builds mmcv"
pip install torch "setuptools<81" wheel ninja psutil
if ! .venv/bin/python -c 'from mmcv.ops import nms' 2> /dev/null; then
  echo "install: mmcv with its C++ operations (about 8 minutes on two cores the first time)"
  MAX_JOBS=${MAX_JOBS:-$(nproc)} MMCV_WITH_OPS=1 pip install --no-build-isolation mmcv ||
    stop "mmcv did not build: read the compiler's message above, make sure that about 4 GB of memory are free, try MAX_JOBS=1"
fi
echo "install: everything else"
pip install --no-build-isolation --editable ".[dev]"

.venv/bin/python - << 'CHECK'
import importlib, sys

for name in ("torch", "cv2", "mmcv", "mmcv.ops", "mmengine", "mmdet", "mmseg", "pycocotools", "skimage", "search_spaces"):
    try:
        importlib.import_module(name)
    except ImportError as error:
        remedy = "install the library that it names"
        if "libGL" in str(error) or "libgthread" in str(error) or "libglib" in str(error):
            remedy = "install OpenCV's system libraries (Debian: apt-get install libgl1 libglib2.0-0)"
        sys.exit(f"install: {name} cannot be imported ({error}): {remedy}")
CHECK
echo "install: done"
