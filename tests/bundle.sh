#!/usr/bin/env bash
# Installs an offline bundle into a fresh environment without network, and reviews its demo county.
#   bash tests/bundle.sh [BUNDLE]      (default dist/bundle, which `make bundle` makes)
# Not part of the default run: it takes some minutes and needs the bundle.
set -euo pipefail

bundle=$(realpath "${1:-dist/bundle}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Root can take the network away altogether; elsewhere pip's --no-index and --isolated must do.
offline=()
if unshare --net true 2>/dev/null; then
  offline=(unshare --net)
else
  echo "test-bundle: the network stays on (unshare is not permitted)"
fi

# No setting of this machine may help: no index, no project on the path, no home.
clean=(env -i "PATH=$PATH" "HOME=$work" LANG=C.UTF-8 "PYTHON=${PYTHON:-}" PIP_CONFIG_FILE=/dev/null)
started=$SECONDS
cd "$work"
"${clean[@]}" "${offline[@]}" sh "$bundle/install.sh" "$work/venv"
echo "test-bundle: installed in $((SECONDS - started)) s, $(du -sm "$work/venv" | cut -f1) MB"

cp -r "$bundle/demo" demo
review() {
  local code=0
  "${clean[@]}" "${offline[@]}" "$work/venv/bin/geo-service" review demo "$@" || code=$?
  [ "$code" = 1 ] || { echo "test-bundle: review $* ended with $code, not 1" >&2; exit 1; }
}
started=$SECONDS
review --format json -o review.json
for format in xlsx docx gpkg; do
  review --format "$format" -o "review.$format"
  [ -s "review.$format" ]
done
"${clean[@]}" "${offline[@]}" "$work/venv/bin/geo-service" map demo --standalone -o map.html
"$work/venv/bin/python" - << 'CHECK'
import json
from pathlib import Path

import geo_service
from geo_service.native import load

verdicts = json.loads(Path("review.json").read_bytes())["verdicts"]
assert sum(verdicts.values()) == 48, verdicts
assert "venv" in str(Path(geo_service.__file__)), geo_service.__file__
assert load() is not None, "the compiled kernel does not load"
print("test-bundle: verdicts", verdicts)
CHECK
echo "test-bundle: four reviews and a map in $((SECONDS - started)) s"

# A file that was changed on the way must stop the installer.
changed=$work/changed
cp -rs "$bundle" "$changed"
rm "$changed/requirements.txt"
{ cat "$bundle/requirements.txt"; echo "# changed"; } > "$changed/requirements.txt"
if "${clean[@]}" sh "$changed/install.sh" "$work/never" > /dev/null 2>&1; then
  echo "test-bundle: a changed file was installed" >&2
  exit 1
fi
echo "test-bundle: ok"
