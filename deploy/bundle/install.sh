#!/bin/sh
# Installs geo-service from this folder, without network: sh install.sh [FOLDER]
# FOLDER (default: venv beside this script) gets a Python environment; PYTHON names an interpreter.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
target=${1:-$here/venv}

echo "install: checking the files"
(cd "$here" && sha256sum --check --quiet SHA256SUMS)

usable() {
  "$1" -c 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
    2>/dev/null
}
found=
for python in ${PYTHON:-python3.13 python3.12 python3.11 python3}; do
  if usable "$python" && grep -q "^pythons:.* \?$("$python" -c \
    'import sys; print("%d[.]%d" % sys.version_info[:2])')\b" "$here/CONTENTS"; then
    found=$python
    break
  fi
done
if [ -z "$found" ]; then
  echo "install: found no Python with venv for which this folder has packages;" \
    "$(grep '^pythons:' "$here/CONTENTS")" >&2
  exit 2
fi

echo "install: into $target with $("$found" --version)"
"$found" -m venv "$target"
pip() {
  "$target/bin/python" -m pip --isolated --disable-pip-version-check install --quiet --no-index "$@"
}
pip --find-links "$here/wheels" --require-hashes --requirement "$here/requirements.txt"
pip --no-deps "$here"/geo_service-*.whl
if ! "$target/bin/python" -c 'import rasterio, pyogrio'; then
  echo "install: a library of the system is missing, see above (Debian: apt-get install libexpat1)" >&2
  exit 3
fi
echo "install: done. Try: $target/bin/geo-service review $here/demo"
