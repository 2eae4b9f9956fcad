"""What a file holds never chooses what is opened, nor how long or how much is worked on it."""

from __future__ import annotations

import codecs
import http.server
import io
import json
import socketserver
import struct
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pytest

from geo_service import gdal
from geo_service.errors import SourceError
from geo_service.ingest import apart
from geo_service.ingest.limits import Limits
from geo_service.ingest.options import ImportOptions
from geo_service.ingest.run import Imported, read_source
from geo_service.isolation import Isolated, ProcessLimits
from geo_service.plan import Plan
from geo_service.schema import SCHEMAS
from geo_service.workspace.opening import open_plan
from geo_service.workspace.reading import LayerFile, read_layer
from tests.county import County
from tests.ingest.made import endless_geopackage, parcels, recipe

Read = Callable[..., Imported]
SECRET = "秘密企业"  # noqa: S105 - a name in a file


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return open_plan(County().write(tmp_path_factory.mktemp("county") / "county"))


@pytest.fixture(params=["here", "apart"])
def read(plan: Plan, request: pytest.FixtureRequest) -> Read:
    """Read a file in this process, where GDAL knows every driver, and as a service does."""

    def read_(path: Path, layer: str = "enterprises", **limits: float) -> Imported:
        options = ImportOptions(crs="EPSG:4490", limits=Limits(**limits))
        if request.param == "here":
            return read_source(path, layer, plan=plan, options=options)
        with apart.start() as process:
            return read_source(path, layer, plan=plan, options=options, process=process)

    return read_


@pytest.fixture
def read_apart(plan: Plan) -> Read:
    def read_(path: Path, layer: str = "enterprises", **limits: float) -> Imported:
        options = ImportOptions(limits=Limits(**limits))
        with apart.start() as process:
            return read_source(path, layer, plan=plan, options=options, process=process)

    return read_


# ---- recipes ---------------------------------------------------------------------------------


def as_kml(folder: Path, text: str) -> Path:
    path = folder / "a.kml"
    path.write_text(text, encoding="utf-8")
    return path


def as_late_kml(folder: Path, text: str) -> Path:
    path = folder / "late.kml"
    path.write_text(f"<!-- {'x' * 900} <kml > -->{text}", encoding="utf-8")
    return path


def as_geojson(folder: Path, text: str) -> Path:
    document = {"type": "FeatureCollection", "features": [], "name": "x"}
    path = folder / "a.geojson"
    quoted = json.dumps({"note": 0, **document})[1:]
    path.write_text("{" + f'"recipe": "{text.replace(chr(34), chr(39))}", ' + quoted)
    return path


def as_dxf(folder: Path, text: str) -> Path:
    path = folder / "a.dxf"
    path.write_text(f"999\n{text}\n0\nSECTION\n2\nENTITIES\n0\nENDSEC\n0\nEOF\n")
    return path


def in_a_zip(folder: Path, text: str) -> Path:
    path = folder / "a.zip"
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("doc.kml", text)
    return path


@pytest.mark.parametrize("write", [as_kml, as_late_kml, as_geojson, as_dxf, in_a_zip])
def test_a_file_that_is_a_recipe_opens_nothing_else(
    read: Read, tmp_path: Path, write: Callable[[Path, str], Path]
) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text(f"enterprise_id,year,name\nE1,2024,{SECRET}\n", encoding="utf-8")
    with pytest.raises(SourceError) as caught:
        read(write(tmp_path, recipe(str(secret))))
    assert SECRET not in str(caught.value)
    assert "E1" not in str(caught.value)


class _Counting(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.send_error(404)

    do_HEAD = do_GET  # noqa: N815 - the library's name

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def intranet() -> Iterator[tuple[str, list[str]]]:
    """Serve on a loopback port, and give its address and what is asked of it."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Counting) as server:
        asked: list[str] = []
        server.asked = asked
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", asked
        finally:
            server.shutdown()


@pytest.mark.parametrize("kind", ["link", "url"])
@pytest.mark.parametrize("escaped", [False, True])
def test_a_crs_that_is_an_address_is_not_fetched(
    read_apart: Read,
    tmp_path: Path,
    intranet: tuple[str, list[str]],
    kind: str,
    escaped: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    address, asked = intranet
    document = json.loads(parcels("EPSG:4490").to_json())
    properties = {"href": f"{address}/crs", "url": f"{address}/crs", "type": "proj4"}
    document["crs"] = {"type": kind, "properties": properties}
    text = json.dumps(document)
    if escaped:
        text = text.replace('"crs"', '"\\u0063rs"')
    (tmp_path / "a.geojson").write_text(text)
    with pytest.raises(SourceError) as caught:
        read_apart(tmp_path / "a.geojson", "facilities")
    assert not asked
    assert "kind" in str(caught.value)  # what is missing for the layer, not what the address said


@pytest.mark.parametrize(
    "source", ["/vsicurl_streaming/{}/a.csv", "/vsicurl/{}/a.geojson", "{}/a.geojson", "WFS:{}/"]
)
def test_a_recipe_with_an_address_asks_nobody(
    read: Read, tmp_path: Path, intranet: tuple[str, list[str]], source: str
) -> None:
    address, asked = intranet
    with pytest.raises(SourceError):
        read(as_kml(tmp_path, recipe(source.format(address))))
    assert not asked


def test_a_network_that_a_proxy_should_be_passed_by_is_not_reached() -> None:
    environment = {"NO_PROXY": "*", "no_proxy": "127.0.0.1", "GDAL_HTTP_PROXY": "proxy:3128"}
    gdal.restrict_drivers(environment)
    assert "NO_PROXY" not in environment
    assert "no_proxy" not in environment
    assert environment["GDAL_HTTP_PROXY"] == "127.0.0.1:9"


def test_a_process_of_its_own_has_the_known_drivers_and_no_other() -> None:
    limits = ProcessLimits(
        memory_bytes=2 * 10**9, seconds=60, file_bytes=10**6, message_bytes=10**6
    )
    with Isolated(["pyogrio"]) as process:
        process.begin("tests.ingest.work:drivers", {}, limits)
        registered = set(json.loads(process.receive(lambda: None)))
    known = frozenset().union(*gdal.DRIVERS.values())
    assert registered <= {*known, "MEM", "Memory"}
    assert known & set(pyogrio.list_drivers()) <= registered


@pytest.mark.parametrize("name", ["parks.geojson", "parks.kml", "parks.vrt", "parks.json"])
def test_a_workspaces_own_layer_is_no_recipe_either(tmp_path: Path, name: str) -> None:
    secret = tmp_path / "secret.geojson"
    parcels("EPSG:4490").to_file(secret)
    path = tmp_path / name
    path.write_text(recipe(str(secret)).replace("<OGR", "<OGR", 1))
    source = LayerFile(name="parks", path=path, shown=name)
    frame, faults = read_layer(source, SCHEMAS["parks"])
    assert frame is None
    assert [fault.file for fault in faults] == [name]


def test_a_workspaces_own_layer_is_of_the_format_that_its_ending_says(tmp_path: Path) -> None:
    parcels("EPSG:4490").to_file(tmp_path / "a.gpkg")
    (tmp_path / "a.gpkg").rename(tmp_path / "a.geojson")
    source = LayerFile(name="parcels", path=tmp_path / "a.geojson", shown="a.geojson")
    assert read_layer(source, SCHEMAS["parcels"])[0] is None


# ---- without end -----------------------------------------------------------------------------


@pytest.mark.slow
def test_a_view_without_end_is_stopped(read_apart: Read, tmp_path: Path) -> None:
    path = endless_geopackage(tmp_path / "a.gpkg")
    with pytest.raises(SourceError, match="was not read within 2 s"):
        read_apart(path, "parcels", least_seconds=2.0, bytes_a_second=1e12)


@pytest.mark.slow
def test_a_view_without_end_can_be_cancelled(plan: Plan, tmp_path: Path) -> None:
    class Stop(Exception):  # noqa: N818 - not an error: the test asks for it
        pass

    asked = 0

    def progress(_: int, __: int, ___: str) -> None:
        nonlocal asked
        asked += 1
        if asked > 20:
            raise Stop

    path = endless_geopackage(tmp_path / "a.gpkg")
    with pytest.raises(Stop), apart.start() as process:
        read_source(path, "parcels", plan=plan, progress=progress, process=process)


# ---- bombs -----------------------------------------------------------------------------------


def test_a_dictionary_that_becomes_gigabytes_is_refused(read_apart: Read, tmp_path: Path) -> None:
    # 2,000 rows of one text of 4 MB: 8 GB as texts, some kilobytes as a packed dictionary.
    rows = pa.DictionaryArray.from_arrays(
        pa.array([0] * 2_000, type=pa.int32()), pa.array(["x" * 4_000_000])
    )
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"enterprise_id": rows}), path, compression="zstd")
    assert path.stat().st_size < 100_000
    with pytest.raises(SourceError, match=r"bytes of memory|rows that take|goes past a limit"):
        read_apart(path, memory_bytes=1_500_000_000, batch_bytes=100_000_000)


def workbook(path: Path, name: str, texts: str) -> Path:
    """Write a workbook whose shared texts lie in a part of that name."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["enterprise_id", "year", "name"])
    sheet.append(["E1", 2024, "x"])
    stream = io.BytesIO()
    book.save(stream)
    with zipfile.ZipFile(stream) as made:
        parts = {part: made.read(part) for part in made.namelist()}
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    listed = f'<Override PartName="/xl/{name}" ContentType="{kind}"/></Types>'.encode()
    types = parts["[Content_Types].xml"]
    assert b"</Types>" in types
    parts["[Content_Types].xml"] = types.replace(b"</Types>", listed)
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    parts[f"xl/{name}"] = f'{texts}<sst xmlns="{space}"><si><t>a</t></si></sst>'.encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for part, content in parts.items():
            packed.writestr(part, content)
    return path


@pytest.mark.parametrize("name", ["sharedStrings.xml", "texts.png", "texts"])
def test_a_part_of_a_workbook_is_looked_at_whatever_its_name(
    read: Read, tmp_path: Path, name: str
) -> None:
    with pytest.raises(SourceError, match="entities"):
        read(workbook(tmp_path / "a.xlsx", name, '<!DOCTYPE x [<!ENTITY a "b">]>'))
    with pytest.raises(SourceError, match="bytes"):
        read(workbook(tmp_path / "b.xlsx", name, f"<!--{'x' * 200_000}-->"), text_bytes=150_000)


def test_a_ratio_hidden_by_a_claimed_size_is_seen(read: Read, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("a.csv", b"0" * 60_000_000)
        packed = made.infolist()[0].compress_size
    content = path.read_bytes()
    assert content.count(struct.pack("<I", packed)) == 2
    path.write_bytes(content.replace(struct.pack("<I", packed), struct.pack("<I", 50_000_000)))
    with pytest.raises(SourceError, match="times when unpacked"):
        read(path)


# ---- encodings -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "encoding",
    [
        *("hex", "zlib", "bz2", "base64", "rot13", "uu", "quopri"),
        *("idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "utf-7"),
        *("mbcs", "oem", "none such", "x" * 5_000, "utf-8\x00", "..", ""),
    ],
)
@pytest.mark.parametrize("name", ["a.csv", "a.geojson", "a.txt"])
def test_what_is_no_encoding_of_texts_is_refused(
    plan: Plan, tmp_path: Path, encoding: str, name: str
) -> None:
    contents = {
        "a.csv": "enterprise_id,year,name\nE1,2024,x\n",
        "a.geojson": parcels("EPSG:4490").to_json(),
        "a.txt": "[地块坐标]\n4,1,P1,甲,面,,工业,0601,@\n",
    }
    (tmp_path / name).write_text(contents[name], encoding="utf-8")
    options = ImportOptions(encoding=encoding)
    with pytest.raises(SourceError, match="the encoding"):
        read_source(tmp_path / name, "enterprises", plan=plan, options=options)


@pytest.mark.parametrize("encoding", ["big5", "GBK", "utf_16", "windows-1252", "ISO-8859-15"])
def test_an_encoding_of_texts_is_taken(plan: Plan, tmp_path: Path, encoding: str) -> None:
    text = "enterprise_id,year,name\nE1,2024,abc\n"
    (tmp_path / "a.csv").write_text(text, encoding=encoding)
    options = ImportOptions(encoding=encoding)
    found = read_source(tmp_path / "a.csv", "enterprises", plan=plan, options=options)
    assert found.frame["name"].tolist() == ["abc"]


@pytest.mark.parametrize("mark", [codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE])
@pytest.mark.parametrize("rest", ["", "\r\n", " \n "])
@pytest.mark.parametrize("name", ["a.csv", "a.json", "a.kml", "a.txt"])
def test_a_byte_order_mark_alone_is_an_empty_file(
    plan: Plan, tmp_path: Path, mark: bytes, rest: str, name: str
) -> None:
    encodings = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le"}
    (tmp_path / name).write_bytes(mark + rest.encode(encodings.get(mark, "utf-16-be")))
    with pytest.raises(SourceError, match="an empty file"):
        read_source(tmp_path / name, "enterprises", plan=plan)
