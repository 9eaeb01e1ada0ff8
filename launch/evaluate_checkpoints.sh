#!/usr/bin/env bash
# Follows a training run and evaluates each checkpoint as it appears: a job of its own, beside the run.
#   launch/evaluate_checkpoints.sh --workdir W          (here)
#   sbatch --gpus=1 launch/evaluate_checkpoints.sh --workdir W
# PYTHON names the interpreter; DRY_RUN=1 prints the command.
#SBATCH --job-name=jaxcrypt-evaluate
#SBATCH --ntasks=1
set -euo pipefail
command=("${PYTHON:-python3}" -m jaxcrypt.evaluate checkpoints --watch "$@")
if [ "${DRY_RUN:-0}" = 1 ]; then
  printf '%q ' "${command[@]}"; echo
else
  exec "${command[@]}"
fi
