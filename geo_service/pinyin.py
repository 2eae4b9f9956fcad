"""Chinese words as they are typed in pinyin: all syllables, and the first letter of each.

Without tones and spaces, in lower case; other letters and digits stay as they are. Characters with
several readings take the one of the word that they stand in.
"""

from __future__ import annotations

import re
from functools import lru_cache

_CHINESE = re.compile(r"[\u3400-\u9fff]+")
_REMEMBERED = 50_000


def spelled(text: str) -> tuple[str, str] | None:
    """Return a text in full pinyin and by first letters; None if it has no Chinese.

    >>> spelled("服装2厂")
    ('fuzhuang2chang', 'fz2c')
    >>> spelled("YY-B-01") is None
    True
    """
    if not _CHINESE.search(text):
        return None
    lowered = text.lower()
    full = _CHINESE.sub(lambda found: _syllables(found[0])[0], lowered)
    first = _CHINESE.sub(lambda found: _syllables(found[0])[1], lowered)
    return full, first


@lru_cache(_REMEMBERED)
def _syllables(word: str) -> tuple[str, str]:
    # Its dictionaries take a third of a second: only who searches waits for them.
    from pypinyin import lazy_pinyin  # noqa: PLC0415 - as said

    syllables = lazy_pinyin(word, errors="ignore", v_to_u=False)
    return "".join(syllables), "".join(syllable[0] for syllable in syllables)
