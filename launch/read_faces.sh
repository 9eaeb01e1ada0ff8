#!/usr/bin/env bash
# Messages in generated faces, each found again by itself, read in other ways than they were made: in batches of
# 1, 7 and 64, on one and on two threads, without AVX-512, and by another device. Every way must find every one.
#   launch/read_faces.sh DATA [COUNT]
# DATA is a folder of pictures. MADE_ON is the device that makes the faces (cpu), READ_ON those that read them (cpu;
# "cpu gpu"); JOBS readers of PART messages run side by side, two cores each from FIRST_CORE on. PYTHON is the
# interpreter, OUT the folder for the results; a sheet that is already there, faces.png, is read and not made again.
set -euo pipefail
export data=$1 count=${2:-2000} part=${PART:-500} python=${PYTHON:-python} out=${OUT:-$(mktemp -d)}
suite() { "$python" -m jaxcrypt.evaluate faces --system dcgan --data "$data" --limit 100 --count 0 --seed 11 "$@"; }
export -f suite

if [ ! -s "$out/faces.png" ]; then
  suite --decodings "$count" --keep "$out/faces.part.png" --device "${MADE_ON:-cpu}" --output "$out/made" > /dev/null
  mv "$out/faces.part.png" "$out/faces.png"
fi

read_part() { # NAME BATCH THREADS DEVICE FLAGS FIRST
  local bound=() from=$((${FIRST_CORE:-0} + 2 * ${SLOT:-0})) size=$((count - $6 < part ? count - $6 : part))
  if [ "$4" = cpu ] && command -v taskset > /dev/null; then bound=(taskset -c "$from-$((from + $3 - 1))"); fi
  XLA_FLAGS=${5//-none/} "${bound[@]}" bash -c 'suite "$@"' - --decodings "$size" --first "$6" --batch "$2" \
    --made "$out/faces.png" --device "$4" --output "$out/$1-$6" > "$out/$1-$6.txt" 2>&1 || echo "$1-$6: failed"
}
export -f read_part

ways() {
  for first in $(seq 0 "$part" $((count - 1))); do
    for device in ${READ_ON:-cpu}; do
      if [ "$device" = cpu ]; then
        echo "batch-64 64 2 cpu -none $first" && echo "batch-1 1 2 cpu -none $first" && echo "batch-7 7 2 cpu -none $first"
        echo "one-thread 64 1 cpu -none $first" && echo "avx2 64 2 cpu --xla_cpu_max_isa=AVX2 $first"
        echo "avx2-one-thread-batch-7 7 1 cpu --xla_cpu_max_isa=AVX2 $first"
      else
        for batch in 64 7 1; do echo "$device-batch-$batch $batch 2 $device -none $first"; done
      fi
    done
  done
}
ways | xargs -P "${JOBS:-1}" --process-slot-var=SLOT -L 1 bash -c 'read_part "$@"' -

"$python" - "$out" <<'SUM'
import json, pathlib, sys
ways = {}
for path in sorted(pathlib.Path(sys.argv[1]).glob("*/faces.json")):
    facts = json.loads(path.read_text()).get("decoded")
    if facts:
        sums = ways.setdefault(path.parent.name.rpartition("-")[0], dict.fromkeys(("right", "messages", "mended", "coded"), 0))
        for name in sums:
            sums[name] += facts[name]
for name, sums in sorted(ways.items()):
    print("{}: {right} of {messages} found; {mended} of {coded} bytes wrong before correction".format(name, **sums))
SUM
