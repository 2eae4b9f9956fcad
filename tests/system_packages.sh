#!/usr/bin/env bash
# Make sure that the programs which tests start are there. On Debian, as root, a missing one is
# installed; otherwise this says what to install. Only with CI=true is a missing one an error.
set -euo pipefail

# One line each: the command or file to look for, the Debian package that brings it, and a command
# that serves as well, only more slowly, where nothing may be installed. A server of PostgreSQL alone
# is not enough: its extension's own file is looked for.
NEEDED=(
  "chromium-headless-shell chromium-headless-shell chromium"
  "ogr2ogr gdal-bin"
  "/usr/share/postgresql/15/extension/postgis.control postgresql-15-postgis-3"
)

is_there() {
  command -v "$1" >/dev/null || [ -f "$1" ]
}
may_install() {
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null
}

install() {
  apt-get "${QUICK[@]}" update -qq && DEBIAN_FRONTEND=noninteractive \
    apt-get "${QUICK[@]}" install -qq -y --no-install-recommends "$@" >/dev/null
}
QUICK=(-o Acquire::Retries=0 -o Acquire::http::Timeout=20)

missing=() better=()
for line in "${NEEDED[@]}"; do
  read -r sought package instead <<<"$line"
  is_there "$sought" && continue
  if [ -n "$instead" ] && is_there "$instead"; then better+=("$package"); else missing+=("$package"); fi
done

if [ ${#better[@]} -gt 0 ] && may_install; then
  echo "test: installing ${better[*]} (system packages)"
  install "${better[@]}" || echo "test: without ${better[*]} the tests take longer" >&2
fi
[ ${#missing[@]} -gt 0 ] || exit 0

if may_install; then
  echo "test: installing ${missing[*]} (system packages)"
  install "${missing[@]}"
else
  echo "test: not installed: ${missing[*]}. Tests that need them are skipped." >&2
  echo "test: on Debian: sudo apt-get install --no-install-recommends ${missing[*]}" >&2
  [ "${CI:-}" != true ]
fi
