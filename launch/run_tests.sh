#!/usr/bin/env bash
# Installs jaxcrypt with its test requirements into a virtual environment and runs the tests.
#   launch/run_tests.sh [PYTEST-ARGUMENT…]
# VENV names the environment (default .venv-test), PYTHON the interpreter; JAXCRYPT_DATA a folder of real
# pictures for the tests that want them.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
venv=${VENV:-$here/.venv-test}

[ -x "$venv/bin/python" ] || "${PYTHON:-python3}" -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --editable "$here[test]"
cd "$here"
"$venv/bin/ruff" check .
"$venv/bin/python" -m pytest "$@"
