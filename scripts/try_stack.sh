#!/usr/bin/env bash
# Run the tests with the newest and with the lowest versions that pyproject.toml allows.
#
#     scripts/try_stack.sh newest PYTHON [pytest arguments]
#     scripts/try_stack.sh lowest PYTHON [pytest arguments]
#
# PYTHON is an interpreter, such as python3.13. The environment is .venv-newest or .venv-lowest; it is made by uv,
# which can resolve to lowest versions. The versions of the main packages are printed before the tests run.
set -euo pipefail
cd "$(dirname "$0")/.."
stack=${1:?newest or lowest} python=${2:?a Python interpreter}
shift 2
case $stack in
  newest) resolution=highest ;;
  lowest) resolution=lowest-direct ;;
  *) echo "try_stack.sh: '$stack' is neither newest nor lowest" >&2; exit 2 ;;
esac
environment=.venv-$stack
"$python" -m venv --clear "$environment"
"$environment/bin/python" -m pip install --quiet --disable-pip-version-check uv
"$environment/bin/python" -m uv pip install --quiet --python "$environment/bin/python" --resolution "$resolution" -e '.[test]'
"$environment/bin/python" -m uv pip list --python "$environment/bin/python" 2>/dev/null |
  grep -E '^(jax|jaxlib|flax|optax|orbax-checkpoint|hydra-core|wandb|datasets|numpy|pandas|optuna) '
"$environment/bin/python" -m pytest -n auto --dist worksteal "$@"
