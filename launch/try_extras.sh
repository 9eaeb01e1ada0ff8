#!/usr/bin/env bash
# Tries what each extra promises in an environment of its own, installed as README says. Takes a while, and the
# network; no part of the tests.
#   launch/try_extras.sh [EXTRA…]      (all of: none eval train photo bench detect network demo bulk)
# PYTHON names the interpreter; PHOTOS a folder of pictures of 64×64 and more (else some are made).
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export JAX_PLATFORMS=cpu
failed=()

make_photos() {  # with Pillow, which the core install has
  "$1" - "$work/photos" <<'PY'
import pathlib, sys
import numpy as np
from PIL import Image

folder = pathlib.Path(sys.argv[1])
folder.mkdir(exist_ok=True)
y, x = np.mgrid[:96, :96]
for i in range(6):
    waves = np.stack([np.sin(x / (3 + i) + c * y / 7) for c in range(3)], axis=-1)
    Image.fromarray((128 + 100 * waves).astype(np.uint8)).save(folder / f"{i}.png")
PY
}

promises() {  # what works with an extra: one command a line
  local data=${PHOTOS:-$work/photos}
  case $1 in
    none)
      echo "-m jaxcrypt.keygen --key $2/key"
      echo "-m jaxcrypt.encrypt $data --key-file $2/key -o $2/sealed"
      echo "-m jaxcrypt.decrypt $2/sealed --key-file $2/key -o $2/back"
      echo "-m jaxcrypt.inspect --help"
      ;;
    photo) echo "-c from_skimage=__import__('skimage.data').data.astronaut()" ;;
    eval)
      echo "-m jaxcrypt.evaluate ciphers --data $data --crop 64 --limit 2 --output $2/out"
      echo "-m jaxcrypt.evaluate damage --data $data --crop 64 --limit 2 --output $2/out"
      echo "-m jaxcrypt.bench speed --quick"
      ;;
    train)
      echo "-m jaxcrypt.evaluate attacks --quick --data $data --output $2/out"
      echo "-m jaxcrypt.train --help"
      echo "-m jaxcrypt.export --help"
      ;;
    detect)
      echo "-m jaxcrypt.evaluate hiding --system stego --data $data --known $data --crop 64 --limit 8 --detector rich --damage none --output $2/out"
      ;;
    network)
      echo "-m jaxcrypt.bench network load --senders 2 --seconds 2"
      ;;
    demo) echo "-c __import__('jaxcrypt.demo.page').demo.page.build()" ;;
    bulk)
      echo "-m jaxcrypt.keygen --key $2/key"
      echo "$here/launch/bulk.py encrypt --input $data --output $2/out --key-file $2/key"
      ;;
    bench) echo "-m jaxcrypt.bench step --config $here/configs/autoencoder.py --rounds 1 --seconds 0.1" ;;
    *) echo "jaxcrypt: no promises are known of the extra $1" >&2; return 1 ;;
  esac
}

try() {
  local extra=$1 venv=$work/$1
  "${PYTHON:-python3}" -m venv "$venv"
  local what=$here
  [ "$extra" = none ] || what="${here}[$extra]"
  [ "$extra" != bench ] || what="${here}[train,bench]"  # a step is trained
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$what"
  make_photos "$venv/bin/python"
  local line
  while IFS= read -r line; do
    # shellcheck disable=SC2086  (words, on purpose)
    if (cd "$work" && "$venv/bin/python" $line >"$venv/log" 2>&1 </dev/null); then
      echo "$extra: ok: python $line"
    else
      echo "$extra: FAILED: python $line"
      tail -n 5 "$venv/log"
      failed+=("$extra")
    fi
  done < <(promises "$extra" "$venv")
  rm -rf "$venv"
}

[ $# -gt 0 ] || set -- none eval train photo bench detect network demo bulk
for extra in "$@"; do try "$extra"; done
[ ${#failed[@]} -eq 0 ] || { echo "failed: ${failed[*]}"; exit 1; }
