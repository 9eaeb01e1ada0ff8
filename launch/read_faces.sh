#!/usr/bin/env bash
# Generated faces that were made here are read back in other ways: in batches of 1, 7 and 64, on one and on two
# threads, without AVX-512, and on a GPU where DEVICE names one. Every way must find the same bits.
#   launch/read_faces.sh DATA [COUNT]
# DATA is a folder of real faces, PYTHON the interpreter, OUT the folder for the results.
set -euo pipefail
data=$1 count=${2:-2000} python=${PYTHON:-python} out=${OUT:-$(mktemp -d)}

"$python" -m jaxcrypt.generate --weights dcgan-light --count "$count" --seed 11 -o "$out/faces.png" --force

read_faces() { # NAME BATCH THREADS FLAGS
  local bound=()
  if command -v taskset > /dev/null; then bound=(taskset -c "0-$(($3 - 1))"); fi
  XLA_FLAGS=$4 "${bound[@]}" "$python" -m jaxcrypt.evaluate faces --system dcgan --data "$data" --limit 100 \
    --made "$out/faces.png" --count "$count" --seed 11 --way none --batch "$2" --device "${DEVICE:-cpu}" \
    --output "$out/$1" > "$out/$1.txt"
  echo "$1: $(grep '^| nothing' "$out/$1.txt" || tail -n 4 "$out/$1.txt")"
}

read_faces batch-1 1 2 ""
read_faces batch-7 7 2 ""
read_faces batch-64 64 2 ""
read_faces one-thread 64 1 ""
read_faces avx2 64 2 --xla_cpu_max_isa=AVX2
read_faces avx2-one-thread-batch-7 7 1 --xla_cpu_max_isa=AVX2
