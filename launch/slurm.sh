#!/usr/bin/env bash
# Trains under SLURM, one process for each node, with requeueing: a run that meets its time limit is told two
# minutes before, saves, and goes on from there when it is started again.
#   sbatch --nodes=4 --gpus-per-node=8 launch/slurm.sh --config configs/X.py --workdir W
# One process drives all GPUs of its node. --restart counts once: not where the job is requeued.
# VENV names the virtual environment; DRY_RUN=1 prints the command.
#SBATCH --job-name=jaxcrypt
#SBATCH --ntasks-per-node=1
#SBATCH --signal=TERM@120
#SBATCH --requeue
#SBATCH --open-mode=append
set -euo pipefail
arguments=()
for argument in "$@"; do
  [ "$argument" = --restart ] && [ "${SLURM_RESTART_COUNT:-0}" -gt 0 ] || arguments+=("$argument")
done
# --distributed finds coordinator, process count and index in SLURM's environment.
command=(srun --kill-on-bad-exit=1 "${VENV:-.venv}/bin/python" -m jaxcrypt.train --distributed "${arguments[@]}")
if [ "${DRY_RUN:-0}" = 1 ]; then
  printf '%q ' "${command[@]}"; echo
  exit
fi
status=0
"${command[@]}" || status=$?
# 143: stopped by SIGTERM, and saved.
if [ "$status" -eq 143 ] && [ -n "${SLURM_JOB_ID:-}" ]; then
  scontrol requeue "$SLURM_JOB_ID"
  exit 0
fi
exit "$status"
