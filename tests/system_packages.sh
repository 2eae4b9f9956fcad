#!/usr/bin/env bash
# Make sure that the programs which tests start are there. On Debian, as root, a missing one is
# installed; otherwise this says what to install. Only with CI=true is a missing one an error.
set -euo pipefail

# One line each: the command or file to look for, and the Debian packages that bring it. A server of
# PostgreSQL alone is not enough: its extension's own file is looked for.
NEEDED=(
  "chromium chromium"
  "ogr2ogr gdal-bin"
  "/usr/share/postgresql/15/extension/postgis.control postgresql-15-postgis-3"
)

missing=()
for line in "${NEEDED[@]}"; do
  read -r sought packages <<<"$line"
  command -v "$sought" >/dev/null || [ -f "$sought" ] || read -ra missing <<<"${missing[*]-} $packages"
done
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "test: installing ${missing[*]} (system packages)"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
else
  echo "test: not installed: ${missing[*]}. Tests that need them are skipped." >&2
  echo "test: on Debian: sudo apt-get install --no-install-recommends ${missing[*]}" >&2
  [ "${CI:-}" != true ]
fi
