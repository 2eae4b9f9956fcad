"""Texts in the three languages, and names that conversion must not touch.

Texts are written once in simplified Chinese and English (`data/messages.toml`);
traditional Chinese is derived from the simplified with OpenCC. A text is a template of
ours filled with values: values are never read as templates, whatever they contain.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from geo_service.data import data_file
from geo_service.model import Message

if TYPE_CHECKING:
    from opencc import OpenCC


class Language(StrEnum):
    """The languages of every screen, document and message."""

    ZH_HANS = "zh-Hans"
    ZH_HANT = "zh-Hant"
    EN = "en"


_TRADITIONAL_TAGS = ("zh-hant", "zh-tw", "zh-hk", "zh-mo")


def choose_language(accepted: str | None) -> Language:
    """Return the language that an Accept-Language header prefers.

    >>> choose_language("en-GB,en;q=0.9,zh;q=0.5").value
    'en'
    >>> choose_language("zh-TW").value, choose_language("fr").value, choose_language(None).value
    ('zh-Hant', 'zh-Hans', 'zh-Hans')
    """
    wanted: list[tuple[float, int, Language]] = []
    for position, part in enumerate((accepted or "")[:1000].split(",")):
        tag, _, quality = part.strip().lower().partition(";q=")
        try:
            weight = float(quality) if quality else 1.0
        except ValueError:
            continue
        language = _language_of(tag)
        if language is not None and weight > 0:
            wanted.append((-weight, position, language))
    return min(wanted)[2] if wanted else Language.ZH_HANS


def _language_of(tag: str) -> Language | None:
    if tag.startswith(_TRADITIONAL_TAGS):
        return Language.ZH_HANT
    if tag == "zh" or tag.startswith("zh-"):
        return Language.ZH_HANS
    if tag == "en" or tag.startswith("en-"):
        return Language.EN
    return None


@cache
def catalogue() -> Mapping[str, Mapping[str, str]]:
    """Return every text by its dotted key, as `{"zh": ..., "en": ...}`."""
    tables = tomllib.loads(data_file("messages.toml").read_text(encoding="utf-8"))
    return {
        f"{section}.{key}": texts
        for section, entries in tables.items()
        for key, texts in entries.items()
    }


@cache
def _converter(name: str) -> OpenCC:
    from opencc import OpenCC  # noqa: PLC0415 - only traditional Chinese needs it

    return OpenCC(name)


def to_simplified(text: str) -> str:
    """Return a text with traditional characters made simplified, for matching names.

    >>> to_simplified("雲陽縣")
    '云阳县'
    """
    return str(_converter("t2s").convert(text))


@dataclass(frozen=True)
class Translator:
    """Renders messages in one language; `names_hant` holds names with a set traditional form."""

    language: Language = Language.ZH_HANS
    names_hant: Mapping[str, str] = field(default_factory=dict)

    def render(self, message: Message) -> str:
        """Return a message's text, its values filled in as they are.

        A value may itself be a message. An unknown key is a fault of ours and raises.
        """
        texts = catalogue()[message.key]
        values = {name: self._shown(value) for name, value in message.values.items()}
        if self.language is Language.EN:
            return texts["en"].format_map(values)
        return self.convert(texts["zh"].format_map(values))

    def text(self, key: str, **values: Any) -> str:  # noqa: ANN401 - whatever a template shows
        """Return the text of a key with values."""
        return self.render(Message(key, values))

    def convert(self, text: str) -> str:
        """Return a simplified Chinese text in this language's script; English stays.

        >>> Translator(Language.ZH_HANT, {"后叶镇": "后葉鎮"}).convert("后叶镇在云阳县之后")
        '后葉鎮在雲陽縣之後'
        """
        if self.language is not Language.ZH_HANT:
            return text
        if self._fixed_names is None:
            return str(_converter("s2t").convert(text))
        parts = self._fixed_names.split(text)
        return "".join(
            self.names_hant.get(part) or str(_converter("s2t").convert(part)) for part in parts
        )

    def pick(self, texts: Mapping[str, str]) -> str:
        """Return the text of a `{language: text}` table in this language, else the simplified one.

        >>> Translator(Language.EN).pick({"zh-Hans": "云阳县", "en": "Yunyang County"})
        'Yunyang County'
        """
        if self.language.value in texts:
            return texts[self.language.value]
        simplified = texts.get("zh-Hans") or next(iter(texts.values()), "")
        return self.convert(simplified)

    @cached_property
    def _fixed_names(self) -> re.Pattern[str] | None:
        if not self.names_hant:
            return None
        names = sorted(self.names_hant, key=len, reverse=True)
        return re.compile("(" + "|".join(re.escape(name) for name in names) + ")")

    def _shown(self, value: object) -> object:
        if isinstance(value, Message):
            return self.render(value)
        if isinstance(value, (list, tuple)):
            joiner = ", " if self.language is Language.EN else "、"
            return joiner.join(str(self._shown(item)) for item in value)
        return value
