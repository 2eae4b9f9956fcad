#!/usr/bin/env bash
# Print the folder where tests write: memory where there is much of it, else the usual one. A store
# waits for the disk at every write, which takes its tests longer than all else.
set -euo pipefail
MEMORY=/dev/shm
LEAST_KB=4000000 # a run needs far less

free_kb=$(df --output=avail "$MEMORY" 2>/dev/null | tail -n 1 || true)
if [ -w "$MEMORY" ] && [ "${free_kb:-0}" -gt "$LEAST_KB" ] &&
  ! grep -q " $MEMORY tmpfs [^ ]*noexec" /proc/mounts; then
  echo "$MEMORY"
else
  echo "${TMPDIR:-/tmp}"
fi
