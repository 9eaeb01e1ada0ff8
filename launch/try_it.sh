#!/usr/bin/env bash
# Encrypts and decrypts a photo in a fresh virtual environment: yours, or the public-domain astronaut.
#   launch/try_it.sh [PHOTO]
# VENV names the environment (default .venv), PYTHON the interpreter, OUT the folder for the pictures.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
venv=${VENV:-$here/.venv}
out=${OUT:-$(mktemp -d)}

[ -x "$venv/bin/python" ] || "${PYTHON:-python3}" -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$here[photo]"

mkdir -p "$out/back"
photo=${1:-}
if [ -z "$photo" ]; then
  photo=$out/astronaut.png
  (cd "$out" && "$venv/bin/python" -c "import skimage, sys, pathlib, shutil
shutil.copy(pathlib.Path(skimage.__file__).parent / 'data' / 'astronaut.png', sys.argv[1])" "$photo")
fi
back=$out/back/$(basename "$photo")
set -x
"$venv/bin/jaxcrypt-keygen" --image "$out/key.png"
"$venv/bin/jaxcrypt-encrypt" "$photo" --key-image "$out/key.png" -o "$out/sealed.png"
"$venv/bin/jaxcrypt-decrypt" "$out/sealed.png" --key-image "$out/key.png" -o "$back"
cmp "$photo" "$back"
{ set +x; } 2>/dev/null
echo "The very file came back. Look at $out/sealed.png: that is your photo, encrypted."
