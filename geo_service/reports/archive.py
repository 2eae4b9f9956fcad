"""Zip files that are the same, byte for byte, whenever the same content is packed.

XLSX and DOCX are zip files of XML; their libraries stamp each member with the time of
day. The order and the content of members are kept.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from geo_service.reports.sheet_rows import SheetRows

_EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The first moment that a zip file can name."""
_END_OF_ROWS = b"</sheetData>"


_LARGE = 1 << 30
"""Bytes of a member from which on the file gets sizes of 64 bits."""


def pack_again(content: bytes, rows: Mapping[str, SheetRows] = MappingProxyType({})) -> bytes:
    """Return a zip file with the times and systems of its members set to fixed values.

    `rows` go to the end of those of a workbook's sheet, by the sheet's member.
    """
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as source,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as target,
    ):
        for name in source.namelist():
            member = zipfile.ZipInfo(name, _EARLIEST)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.create_system = 0
            own = rows.get(name)
            if own is None:
                target.writestr(member, source.read(name))
                continue
            before, end, after = source.read(name).rpartition(_END_OF_ROWS)
            with target.open(member, "w", force_zip64=own.bytes > _LARGE) as packing:
                packing.write(before)
                for piece in own.pieces():
                    packing.write(piece)
                packing.write(end + after)
    return packed.getvalue()
