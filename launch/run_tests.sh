#!/usr/bin/env bash
# Installs jaxcrypt with its test requirements into a virtual environment, checks style and types, runs the tests.
#   launch/run_tests.sh [--quick] [PYTEST-ARGUMENT…]
# --quick leaves out what trains, decodes or starts commands. VENV names the environment (default .venv-test), PYTHON
# the interpreter, WORKERS how many processes run tests (default 3, for two cores: some tests wait for programs that
# they started); JAXCRYPT_DATA a folder of real pictures for the tests that want them.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
venv=${VENV:-$here/.venv-test}
selection=()
if [ "${1:-}" = --quick ]; then
  shift
  selection=(-m "not slow")
fi

[ -x "$venv/bin/python" ] || { "${PYTHON:-python3}" -m venv "$venv"; rm -f "$venv/installed"; }
venv=$(cd "$venv" && pwd)
cd "$here"
wanted=$(pwd; "$venv/bin/python" -VV; cat pyproject.toml)
if [ "$wanted" != "$(cat "$venv/installed" 2>/dev/null)" ]; then
  rm -f "$venv/installed"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --editable "$here[test]"
  echo "$wanted" >"$venv/installed"
fi
unset PYTHONDONTWRITEBYTECODE  # hundreds of processes would each compile every module that they import
"$venv/bin/ruff" check .
"$venv/bin/ruff" format --check --quiet .
# Types are checked beside the tests, whose start leaves a core idle.
types=$(mktemp)
"$venv/bin/pyright" --pythonpath "$venv/bin/python" >"$types" 2>&1 &
checking=$!
trap 'kill "$checking" 2>/dev/null || true; rm -f "$types"' EXIT
status=0
# worksteal: with loadfile, pytest-xdist never ends once a worker has crashed (pytest-xdist issue 1378)
"$venv/bin/python" -m pytest -n "${WORKERS:-3}" --dist worksteal "${selection[@]}" "$@" || status=$?
wait "$checking" || status=1
cat "$types"
exit "$status"
