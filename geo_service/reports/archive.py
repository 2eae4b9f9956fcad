"""Zip files that are the same, byte for byte, whenever the same content is packed.

XLSX and DOCX are zip files of XML; their libraries stamp each member with the time of
day. The order and the content of members are kept.
"""

from __future__ import annotations

import io
import zipfile

_EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The first moment that a zip file can name."""


def pack_again(content: bytes) -> bytes:
    """Return a zip file with the times and systems of its members set to fixed values."""
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as source,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as target,
    ):
        for name in source.namelist():
            member = zipfile.ZipInfo(name, _EARLIEST)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.create_system = 0
            target.writestr(member, source.read(name))
    return packed.getvalue()
