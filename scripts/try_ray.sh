#!/usr/bin/env bash
# Test of sweeps on a real Ray: a cluster of two nodes on this machine, one of which is killed in mid-sweep, and an interrupted sweep.
#
# PYTHON=… names an interpreter with the extras test and ray; otherwise make creates one in .venv and Ray is installed into it.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ -z "${PYTHON:-}" ]; then
    make .venv/test.stamp
    PYTHON=.venv/bin/python
    "$PYTHON" -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test,ray]'
fi
"$PYTHON" -c 'import ray; print("Ray", ray.__version__)'
"$PYTHON" -m pytest -n 0 -rP tests/sweeps/test_ray.py tests/sweeps/test_ray_retries.py -p no:cacheprovider
