#!/usr/bin/env bash
# Trains on all hosts of a TPU pod slice that has jaxcrypt in ~/jaxcrypt with its environment in .venv.
#   TPU=NAME ZONE=ZONE launch/tpu_pod.sh --config configs/X.py --workdir /mnt/BUCKET/W
# The workdir must be one that every host sees: a mounted bucket or a network file system. JAXCRYPT_DATA and
# JAXCRYPT_CACHE, where they are set here, are set there. DRY_RUN=1 prints the command.
set -euo pipefail
: "${TPU:?name the TPU: TPU=NAME ZONE=ZONE $0 …}" "${ZONE:?name its zone: ZONE=us-central2-b}"
forwarded=
for name in JAXCRYPT_DATA JAXCRYPT_CACHE; do
  [ -z "${!name:-}" ] || forwarded+=$(printf '%s=%q ' "$name" "${!name}")
done
remote="cd jaxcrypt && $forwarded.venv/bin/python -m jaxcrypt.train --distributed --device tpu$(printf ' %q' "$@")"
command=(gcloud compute tpus tpu-vm ssh "$TPU" --zone "$ZONE" --worker=all --command "$remote")
if [ "${DRY_RUN:-0}" = 1 ]; then
  printf '%q ' "${command[@]}"; echo
else
  exec "${command[@]}"
fi
