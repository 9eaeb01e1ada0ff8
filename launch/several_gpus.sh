#!/usr/bin/env bash
# Trains on all GPUs of one machine: one process drives them, the batch is split among them.
#   launch/several_gpus.sh --config configs/X.py --workdir W [--config.mesh.fsdp=4 …]
# CUDA_VISIBLE_DEVICES chooses among the GPUs, PYTHON names the interpreter; DRY_RUN=1 prints the command.
set -euo pipefail
# JAX takes most of the memory at the start: fragments would cost more than that.
export XLA_PYTHON_CLIENT_MEM_FRACTION=${XLA_PYTHON_CLIENT_MEM_FRACTION:-0.92}
command=("${PYTHON:-python3}" -m jaxcrypt.train --device gpu "$@")
if [ "${DRY_RUN:-0}" = 1 ]; then
  printf '%q ' "${command[@]}"; echo
else
  exec "${command[@]}"
fi
