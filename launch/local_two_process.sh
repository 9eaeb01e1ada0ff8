#!/usr/bin/env bash
# Trains with two processes on this machine, as two hosts would: to try a multi-host run without a cluster.
#   launch/local_two_process.sh --config configs/X.py --workdir W [--config.a.b=c …]
# PYTHON names the interpreter, DEVICES the virtual CPU devices of each process (default 2), PORT the
# coordinator's port, TRAIN the module to run. SIGTERM goes to both: they save and stop.
set -euo pipefail
port=${PORT:-$("${PYTHON:-python3}" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')}

# Virtual devices on few cores wait for each other for ever unless XLA's thread pool outnumbers them.
export NPROC=16 JAX_PLATFORMS=cpu
export XLA_FLAGS="${XLA_FLAGS:-} --xla_force_host_platform_device_count=${DEVICES:-2}"
export JAXCRYPT_COORDINATOR=127.0.0.1:$port JAXCRYPT_PROCESSES=2

children=()
trap 'kill -TERM "${children[@]}" 2>/dev/null || true' TERM INT
for process in 0 1; do
  # shellcheck disable=SC2086  # TRAIN may hold a module and its first argument
  JAXCRYPT_PROCESS=$process "${PYTHON:-python3}" -m ${TRAIN:-jaxcrypt.train} "$@" &
  children+=($!)
done

status=0
for child in "${children[@]}"; do
  # A signal ends the wait, not the child: wait again until the child is gone.
  while true; do
    code=0
    wait "$child" || code=$?
    kill -0 "$child" 2>/dev/null || break
  done
  [ "$code" -eq 0 ] || status=$code
done
exit "$status"
