"""Texts are read in the encoding that their bytes show, whatever a label says of them."""

from __future__ import annotations

import codecs
import sqlite3
import struct
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import pytest

from geo_service.errors import SourceError
from geo_service.ingest.formats.encodings import encoding_named
from geo_service.ingest.formats.letters import Label, settle_encoding, wide_encoding
from geo_service.ingest.mojibake import misread
from geo_service.ingest.run import Imported
from tests.county import box
from tests.ingest.made import parcels, shapefile

NAMES = ["黄岭片区", "人和片区", "水口片区"]
MARK_AT = 29
"""Where a DBF says its code page."""
Read = Callable[..., Imported]


def labelled(
    folder: Path, encoding: str, *, cpg: str | None = None, mark: int = 0, ids: list[str] = NAMES
) -> Path:
    """Write a shapefile whose ids are names, with a .cpg and a mark that say anything."""
    path = shapefile(parcels(宗地编号=ids), folder / "a.shp", encoding=encoding)
    dbf = path.with_suffix(".dbf")
    content = bytearray(dbf.read_bytes())
    content[MARK_AT] = mark
    dbf.write_bytes(bytes(content))
    if cpg is not None:
        path.with_suffix(".cpg").write_text(cpg, encoding="ascii")
    return path


@pytest.mark.parametrize(
    ("encoding", "cpg", "mark", "note"),
    [
        ("UTF-8", "GBK", 0, "wrong"),
        ("UTF-8", "936", 0, "wrong"),
        ("UTF-8", "ISO-8859-1", 0, "wrong"),
        ("UTF-8", None, 0x4D, "wrong"),
        ("UTF-8", None, 0x57, "wrong"),
        ("UTF-8", "OEM", 0, "unknown"),
        ("UTF-8", "UTF-8", 0x4D, "declared"),
        ("GBK", "1252", 0, "wrong"),
        ("GBK", "ISO 88591", 0, "wrong"),
        ("GBK", "UTF-8", 0, "wrong"),
        ("GBK", "OEM", 0, "unknown"),
        ("GBK", "ANSI", 0, "unknown"),
        ("GBK", "Big5", 0, "wrong"),
        ("GBK", None, 0x57, "wrong"),
        ("GBK", None, 0x03, "wrong"),
        ("GBK", "", 0x4D, "declared"),
        ("GBK", "ANSI 936", 0, "declared"),
        ("GBK", None, 0, "guessed"),
    ],
)
def test_bytes_come_before_labels(
    read: Read, tmp_path: Path, encoding: str, cpg: str | None, mark: int, note: str
) -> None:
    found = read(labelled(tmp_path, encoding, cpg=cpg, mark=mark))
    assert found.frame["parcel_id"].tolist() == NAMES
    assert found.notes[0].key == f"import.encoding_{note}"
    assert found.source.encoding == ("UTF-8" if encoding == "UTF-8" else "GB18030")


def test_western_texts_stay_as_their_label_says(read: Read, tmp_path: Path) -> None:
    # é before a blank is no form of GBK; ü before l would be one, of a rare character.
    names = ["Café 1", "Müller", "Größe"]
    path = shapefile(
        parcels(宗地编号=names).rename(columns=ASCII), tmp_path / "a.shp", encoding="cp1252"
    )
    path.with_suffix(".cpg").write_text("1252")
    assert read(path).frame["parcel_id"].tolist() == names


ASCII = {"宗地编号": "parcel_id", "地类编码": "land_use", "面积(亩)": "mj", "状态": "status"}


def test_two_common_characters_that_are_valid_utf8_stay_chinese(read: Read, tmp_path: Path) -> None:
    # 学校 in GBK is D1 A7 D0 A3, which is valid UTF-8 for two Cyrillic letters.
    frame = parcels(宗地编号=["学校1", "学校2", "学校3"], 状态=None).rename(columns=ASCII)
    found = read(shapefile(frame, tmp_path / "a.shp", encoding="GBK"))
    assert found.frame["parcel_id"].tolist() == ["学校1", "学校2", "学校3"]


@pytest.mark.parametrize("encoding", ["UTF-8", "GBK"])
def test_letters_far_below_decide(read: Read, tmp_path: Path, encoding: str) -> None:
    # The first 5,000 rows of the sample are ASCII; the Chinese name is in the last row.
    count = 6_000
    frame = gpd.GeoDataFrame(
        {"parcel_id": [f"A{n}" for n in range(count - 1)] + ["黄岭"]},
        geometry=[box(n % 100 * 10, n // 100 * 10, 5, 5) for n in range(count)],
        crs="EPSG:4545",
    )
    found = read(shapefile(frame, tmp_path / "a.shp", encoding=encoding))
    assert found.frame["parcel_id"].iloc[-1] == "黄岭"


@pytest.mark.parametrize("declared", [None, "BIG5", "CP1252"])
def test_traditional_texts_are_big5(declared: str | None) -> None:
    texts = [name.encode("big5") for name in ("黃嶺工業區", "人和工業區", "雲陽縣工業園區")]
    label = None if declared is None else Label(where="cpg", written="?", encoding=declared)
    assert settle_encoding(texts, label)[0] == "BIG5"


# ---- other texts -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declared", "encoding"),
    [("GBK", "UTF-8"), ("UTF-8", "GBK"), ("ISO-8859-1", "GBK"), ("ansi", "GBK"), ("x-y", "UTF-8")],
)
def test_the_heading_of_xml_does_not_overrule_its_bytes(
    read: Read, tmp_path: Path, declared: str, encoding: str
) -> None:
    parcels("EPSG:4490").to_file(tmp_path / "a.kml", driver="LIBKML")
    text = (tmp_path / "a.kml").read_text(encoding="utf-8")
    other = text.replace('encoding="UTF-8"', f'encoding="{declared}"')
    (tmp_path / "a.kml").write_bytes(other.encode(encoding))
    found = read(tmp_path / "a.kml", crs="EPSG:4490")
    assert found.frame["status"].tolist() == ["idle", "built", "vacant"]
    assert found.notes[0].key in {"import.encoding_wrong", "import.encoding_unknown"}


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_without_a_mark_is_read(read: Read, tmp_path: Path, encoding: str) -> None:
    text = "enterprise_id,年度,企业名称\r\nE1,2025,黄岭公司\r\nE2,2025,人和公司\r\n"
    (tmp_path / "a.csv").write_bytes(text.encode(encoding))
    found = read(tmp_path / "a.csv", "enterprises")
    assert found.frame["name"].tolist() == ["黄岭公司", "人和公司"]
    assert found.source.encoding == encoding.upper()


def test_a_mark_of_utf8_before_gbk_is_told_and_not_followed(read: Read, tmp_path: Path) -> None:
    text = "企业编号,年度,企业名称\r\nE1,2025,黄岭公司\r\n"
    (tmp_path / "a.csv").write_bytes(codecs.BOM_UTF8 + text.encode("gbk"))
    found = read(tmp_path / "a.csv", "enterprises")
    assert found.frame["name"].tolist() == ["黄岭公司"]
    assert found.notes[0].key == "import.encoding_wrong"


def test_bytes_with_zeros_that_are_no_text_are_not_utf16() -> None:
    assert wide_encoding(struct.pack("<8I", *range(8))) is None
    assert wide_encoding("编号,1\n".encode("utf-16-le")) == "UTF-16-LE"


def test_one_damaged_text_does_not_decide_for_all() -> None:
    texts = [f"黄岭{n}号".encode() for n in range(20)] + [b"\xff\xfe\xfd"]
    label = Label(where="cpg", written="GBK", encoding="GB18030")
    assert settle_encoding(texts, label)[0] == "UTF-8"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [("m²", "UTF-8"), ("25°C", "UTF-8"), ("Café", "UTF-8"), ("云阳", "UTF-8")],
)
def test_units_and_words_show_utf8_under_a_label_of_gbk(text: str, encoding: str) -> None:
    label = Label(where="mark", written="0x4D", encoding="GB18030")
    assert settle_encoding([text.encode()], label)[0] == encoding


@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        ("ANSI 936", "GB18030"),
        ("cp936", "GB18030"),
        ("GB2312-80", None),
        ("windows-936", "GB18030"),
        ("LDID/77", "GB18030"),
        ("ISO 88591", "ISO8859-1"),
        ("88591", "ISO8859-1"),
        ("ANSI 1252", "CP1252"),
        ("OEM 437", "CP437"),
        ("65001", "UTF-8"),
        ("rot13", None),
        ("system", None),
    ],
)
def test_names_of_encodings(name: str, encoding: str | None) -> None:
    assert encoding_named(name) == encoding


def test_bytes_that_fit_no_encoding_refuse_their_row(read: Read, tmp_path: Path) -> None:
    path = labelled(tmp_path, "GBK")
    dbf = path.with_suffix(".dbf")
    dbf.write_bytes(
        dbf.read_bytes().replace("人和".encode("gbk"), "人".encode("gbk") + b"\xff\xff")
    )
    found = read(path)
    assert found.frame["parcel_id"].tolist() == ["黄岭片区", "水口片区"]
    assert [item.reason.key for item in found.ledger.refused] == ["import.lost_letters"]


def test_texts_of_a_geopackage_that_are_no_utf8_are_read_and_told(
    read: Read, tmp_path: Path
) -> None:
    path = tmp_path / "a.gpkg"
    parcels("EPSG:4490").to_file(path)
    with sqlite3.connect(path) as base:
        for (name,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
            base.execute(f'DROP TRIGGER "{name}"')
        written = "闲置".encode("gbk")
        base.execute("UPDATE a SET 状态 = CAST(? AS TEXT) WHERE fid = 1", (written,))
    base.close()
    found = read(path)
    assert found.frame["status"].tolist() == ["idle", "built", "vacant"]
    assert found.ledger.repair_counts["encoding"] == 1


# ---- what was read wrongly before the file was written -----------------------------------------


@pytest.mark.parametrize("right", ["utf-8", "gbk"])
@pytest.mark.parametrize("wrong", ["gb18030", "cp1252", "latin-1"])
def test_a_text_that_was_read_wrongly_is_recognised(right: str, wrong: str) -> None:
    content = "黄岭片区".encode(right)
    try:
        text = content.decode(wrong)
    except UnicodeDecodeError:
        pytest.skip("not every byte has a character")
    assert misread(text) == (None if (right, wrong) == ("gbk", "gb18030") else "黄岭片区")


@pytest.mark.parametrize(
    "text",
    ["黄岭片区", "云阳县（双江）", "Café", "108°33′", "m²", "喆镕科技", "", "A-1", "学校", "①号"],
)
def test_plain_texts_are_in_order(text: str) -> None:
    assert misread(text) is None


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("é»„å²\xadç‰‡åŒº", "黄岭片区"),  # a byte that is a letter without a width
        ("&#40644;&#x5cad;", "黄岭"),
        ("%E9%BB%84%E5%B2%AD片区", "黄岭片区"),
        ("\\u9ec4\\u5cad", "黄岭"),
        ("\\ud83d 100%25 &#65;", None),
        ("%FF%FE%FD", None),
        ("A&B?", None),
    ],
)
def test_codes_of_letters_are_no_text(text: str, right: str | None) -> None:
    assert misread(text) == right


def test_a_letter_without_a_width_hides_no_wrong_encoding(read: Read, tmp_path: Path) -> None:
    wrong = "黄岭片区".encode().decode("cp1252")
    assert "\xad" in wrong
    lines = ["企业编号,年度,企业名称", f"E1,2025,{wrong}", "E2,2025,?????", "E3,2025,云阳公司"]
    (tmp_path / "a.csv").write_text("\n".join(lines), encoding="utf-8")
    found = read(tmp_path / "a.csv", "enterprises")
    assert found.frame["enterprise_id"].tolist() == ["E3"]
    reasons = [item.reason.key for item in found.ledger.refused]
    assert reasons == ["import.misread", "import.lost_letters"]


@pytest.mark.parametrize("text", ["黄\ufffd片区", "锟斤拷片区", "????", "云??"])
def test_lost_letters_have_no_right_reading(text: str) -> None:
    assert misread(text) == ""


def test_what_was_read_wrongly_is_refused_and_says_what_it_is(read: Read, tmp_path: Path) -> None:
    wrong = "黄岭公司".encode().decode("gb18030")
    lines = ["企业编号,年度,企业名称", f"E1,2025,{wrong}", "E2,2025,人和公司"]
    (tmp_path / "a.csv").write_text("\n".join(lines), encoding="utf-8")
    found = read(tmp_path / "a.csv", "enterprises")
    assert found.frame["enterprise_id"].tolist() == ["E2"]
    (refusal,) = found.ledger.refused
    assert (refusal.reason.key, refusal.reason.values["right"]) == ("import.misread", "黄岭公司")


def test_a_wrong_encoding_that_was_given_publishes_nothing(read: Read, tmp_path: Path) -> None:
    text = "enterprise_id,year,name\nE1,2025,黄岭公司\n"
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    with pytest.raises(SourceError, match="原文应是黄岭公司"):
        read(tmp_path / "a.csv", "enterprises", encoding="GBK")


def test_a_mark_that_was_written_twice_is_no_part_of_a_heading(read: Read, tmp_path: Path) -> None:
    text = "设施编号,类型,x,y\nF1,港口,500100,3420100\n"
    (tmp_path / "a.csv").write_bytes(codecs.BOM_UTF8 * 2 + text.encode())
    assert read(tmp_path / "a.csv", "facilities").frame["facility_id"].tolist() == ["F1"]


def test_a_damaged_line_is_named_and_does_not_hide_the_encoding(read: Read, tmp_path: Path) -> None:
    lines = ["设施编号,名称,类型,x,y", "F1,码头,港口,500100,3420100", "F2,站,港口,500200,3420100"]
    content = "\n".join(lines).encode("gbk").replace("站".encode("gbk"), b"\xd5")
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(SourceError) as caught:
        read(tmp_path / "a.csv", "facilities")
    values = caught.value.faults[0].found.values
    assert (values["encoding"], values["row"]) == ("GB18030", 3)


def test_letters_without_a_width_leave_no_blank(read: Read, tmp_path: Path) -> None:
    text = "设施编号,类型,x,y\nF\u200b1,港\ufeff口,500100,3420100\n"
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    found = read(tmp_path / "a.csv", "facilities").frame
    assert found[["facility_id", "kind"]].to_numpy().tolist() == [["F1", "port"]]
