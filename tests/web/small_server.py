"""The service as a process of its own, with limits that a test can reach in seconds.

`python -m tests.web.small_server WORKSPACE LIMITS`, where LIMITS is JSON: `connections` and
`shares` name limits, `access` what else a policy has, `files` is how many the process may open,
`held` how many of them it wastes, `bytes` the largest import.
"""

from __future__ import annotations

import json
import os
import resource
import sys

from geo_service.web.app import MAX_IMPORT_BYTES, ServicePolicy, serve
from geo_service.web.connections import ConnectionLimits
from geo_service.web.shares import ShareLimits


def main() -> None:
    """Serve until told to stop."""
    workspace, text = sys.argv[1:]
    asked = json.loads(text)
    if files := asked.get("files"):
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    held = [os.dup(2) for _ in range(asked.get("held", 0))]
    access = ServicePolicy(
        connections=ConnectionLimits(**asked.get("connections", {})),
        shares=ShareLimits(**asked.get("shares", {})),
        **asked.get("access", {}),
    )
    serve(
        workspace,
        host="127.0.0.1",
        port=0,
        max_import_bytes=asked.get("bytes", MAX_IMPORT_BYTES),
        access=access,
        say=lambda line: print(line, file=sys.stderr, flush=True),  # noqa: T201 - as the command
    )
    for file in held:
        os.close(file)


if __name__ == "__main__":
    main()
