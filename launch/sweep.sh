#!/usr/bin/env bash
# Trains a config with every combination of some settings, one run after the other, and prints them as a table.
#   launch/sweep.sh --config configs/X.py --workdir runs/sweep [--config.a.b=c …] -- optimizer.lr=1e-3,3e-4 train.seed=0,1
# Each run has a folder of its own below --workdir, and goes on where it was stopped when the sweep is started
# again. PYTHON names the interpreter, TRAIN the module to run; DRY_RUN=1 prints the commands.
set -euo pipefail
arguments=() workdir=
while [ $# -gt 0 ] && [ "$1" != -- ]; do
  case $1 in
    --workdir) workdir=$2; shift ;;
    --workdir=*) workdir=${1#*=} ;;
    *) arguments+=("$1") ;;
  esac
  shift
done
[ -n "$workdir" ] || { echo "$0: --workdir FOLDER is needed" >&2; exit 2; }
[ $# -gt 1 ] || { echo "$0: say what to vary: … -- optimizer.lr=1e-3,3e-4" >&2; exit 2; }
shift

combinations=("")
for setting in "$@"; do
  name=${setting%%=*} next=()
  IFS=, read -ra values <<<"${setting#*=}"
  for combination in "${combinations[@]}"; do
    for value in "${values[@]}"; do next+=("${combination:+$combination }$name=$value"); done
  done
  combinations=("${next[@]}")
done

# shellcheck disable=SC2206  # TRAIN may hold a module and its first argument
train=("${PYTHON:-python3}" -m ${TRAIN:-jaxcrypt.train})
for combination in "${combinations[@]}"; do
  own=()
  for setting in $combination; do own+=("--config.$setting"); done
  command=("${train[@]}" "${arguments[@]}" --workdir "$workdir/${combination// /,}" "${own[@]}")
  if [ "${DRY_RUN:-0}" = 1 ]; then
    printf '%q ' "${command[@]}"; echo
  else
    "${command[@]}"
  fi
done
[ "${DRY_RUN:-0}" = 1 ] || "${train[@]}" --table "$workdir"
