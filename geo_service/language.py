"""Texts in three languages, and names that conversion between scripts must not touch.

Texts are written once in simplified Chinese and English (`data/messages.toml`);
traditional Chinese is derived from the simplified with OpenCC. A text is one of our
templates filled with values; values are never read as templates, whatever they contain.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache, cached_property
from string import Formatter
from typing import TYPE_CHECKING, Any

from geo_service.data import data_file
from geo_service.model import Message, Quantity
from geo_service.units import M2_PER_HA, M2_PER_MU

if TYPE_CHECKING:
    from opencc import OpenCC


class Language(StrEnum):
    """The languages of every screen, document and message."""

    ZH_HANS = "zh-Hans"
    ZH_HANT = "zh-Hant"
    EN = "en"


_TRADITIONAL_TAGS = ("zh-hant", "zh-tw", "zh-hk", "zh-mo")


def choose_language(accepted: str | None, default: Language = Language.ZH_HANS) -> Language:
    """Return the language that an Accept-Language header prefers; `default` if it names none.

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
    return min(wanted)[2] if wanted else default


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
    """Return a text with traditional characters simplified, for matching names.

    >>> to_simplified("雲陽縣")
    '云阳县'
    """
    return str(_converter("t2s").convert(text))


_FIRST_WIDE = "\u201c"
"""The first of the characters that are wide, a quotation mark."""
_WIDE = re.compile(r"[\u3000-\u30ff\u4e00-\u9fff\uff00-\uffef“”]")
_WIDE_MARK = re.compile(r"[\u3000-\u303f\uff00-\uff0f\uff1a-\uff1f“”]")


@cache
def _parts(template: str) -> tuple[tuple[str, str | None, str], ...]:
    return tuple((text, name, form or "") for text, name, form, _ in Formatter().parse(template))


def _fill_chinese(template: str, values: Mapping[str, object]) -> str:
    """Fill a template; spaces around a value are dropped where Chinese meets Chinese.

    >>> _fill_chinese("{name} 距 {river} {far}", {"name": "A", "river": "长江", "far": "9 m"})
    'A 距长江 9 m'
    """
    filled = ""
    is_after_value = False
    for text, name, form in _parts(template):
        if is_after_value and text.startswith(" ") and _is_tight(filled[-1:], text[1:2]):
            text = text[1:]  # noqa: PLW2901 - the same text without its space
        filled += text
        is_after_value = name is not None
        if name is not None:
            shown = format(values[name], form)
            if filled.endswith(" ") and _is_tight(shown[:1], filled[-2:-1]):
                filled = filled[:-1]
            filled += shown
    return filled


_QUOTING = ("problem.", "fault.", "refusal.", "import.")
"""The sections of messages whose values may be shown as Python writes a text."""
_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")


def _in_chinese_quotes(value: object) -> object:
    """Return a value with the quotation marks of Chinese if it stands in those of Python.

    >>> _in_chinese_quotes("'服装'"), _in_chinese_quotes("服装")
    ('“服装”', '服装')
    """
    found = _QUOTED.fullmatch(value) if isinstance(value, str) else None
    return value if found is None else f"“{found[1] or found[2] or ''}”"


def _is_tight(edge: str, beside: str) -> bool:
    """Whether no space belongs between the edge of a value and the character beside it."""
    both = bool(_WIDE.match(edge) and _WIDE.match(beside))
    return both or bool(_WIDE_MARK.match(edge))


_TRADITIONAL = "s2tw"
"""OpenCC's conversion: characters as used in Taiwan, words as used on the mainland."""
_CORRECTIONS = (
    *(("汙", "污"), ("準入", "准入"), ("箇", "個"), ("“", "「"), ("”", "」")),
    *(("菜單", "選單"), ("默認", "預設")),
)
"""OpenCC's results and their corrections: 污 as in Taiwan's own laws, 不准入 as not admitted,
5 個中小企業, which is not 箇中 (among them), the quotation marks of Taiwan, and its words for a
menu and a default."""


def _to_traditional(text: str) -> str:
    made = str(_converter(_TRADITIONAL).convert(text))
    for given, meant in _CORRECTIONS:
        made = made.replace(given, meant)
    return made


@dataclass(frozen=True)
class _Form:
    """How a unit is written: its factor, its word and its number of decimals."""

    factor: float = 1.0
    word: str = ""
    decimals: int | None = None
    """None for four significant digits, but never fewer than the whole number has."""
    is_padded: bool = False


_FORMS = {
    "share": _Form(100, "%", 1, is_padded=True),
    "share_change": _Form(100, " percentage points", 1, is_padded=True),
    "m²": _Form(1, " m²", 1),
    "m": _Form(1, " m", 2),
    "ha": _Form(1, " ha", 2),
    "CNY": _Form(1, " CNY", 0),
    "CNY/mu": _Form(1, " CNY/mu", 0),
    "min": _Form(1, " min", 1),
    "km": _Form(1, " km", 2),
    "°": _Form(1, "°", 1),
    "%": _Form(1, "%", 1),
    "1": _Form(1, "", 2),
    "parks": _Form(1, " parks", 0),
    "enterprises": _Form(1, " enterprises", 0),
    "grade": _Form(),
}
_FORMS_CHINESE = {
    **_FORMS,
    "share_change": _Form(100, " 个百分点", 1, is_padded=True),
    "ha": _Form(1, " 公顷", 2),
    "CNY": _Form(1e-4, " 万元"),
    "CNY/mu": _Form(1e-4, " 万元/亩"),
    "min": _Form(1, " 分钟", 1),
    "parks": _Form(1, " 个", 0),
    "enterprises": _Form(1, " 家", 0),
}
_SIGNIFICANT = 4
_MOST_DECIMALS = 12
_LARGE_M2 = 10_000


def _figure(value: float, form: _Form, more: int = 0) -> str:
    """Return a number without exponent or trailing zeros; `more` adds decimals."""
    scaled = value * form.factor
    decimals = form.decimals
    if decimals is None:
        digits = math.floor(math.log10(abs(scaled))) + 1 if scaled else 1
        decimals = max(0, _SIGNIFICANT - digits)
    decimals = min(decimals + more, _MOST_DECIMALS)
    text = f"{scaled:,.{decimals}f}"
    return text if form.is_padded or not decimals else text.rstrip("0").rstrip(".")


@dataclass(frozen=True)
class Translator:
    """Renders messages in one language; `names_hant` lists names with a fixed traditional form."""

    language: Language = Language.ZH_HANS
    names_hant: Mapping[str, str] = field(default_factory=dict)

    def render(self, message: Message) -> str:
        """Return a message's text with its values filled in unchanged.

        A value may itself be a message. An unknown key is our own mistake and raises KeyError.
        """
        values = {name: self.shown(value) for name, value in message.values.items()}
        return self.filled(message.key, values)

    def filled(self, key: str, values: Mapping[str, object]) -> str:
        """Return the text of a key with values as `shown` returns them."""
        texts = catalogue()[key]
        if self.language is Language.EN:
            return texts["en"].format_map(values)
        if key.startswith(_QUOTING):
            values = {name: _in_chinese_quotes(value) for name, value in values.items()}
        return self.convert(_fill_chinese(texts["zh"], values))

    def names_in(self, key: str) -> frozenset[str]:
        """Return the names of the values that the text of a key shows."""
        text = catalogue()[key]["en" if self.language is Language.EN else "zh"]
        return frozenset(name for _, name, _ in _parts(text) if name is not None)

    def render_any(self, text: Message | str) -> str:
        """Return a message's text; a name or a value stays as it is."""
        return self.render(text) if isinstance(text, Message) else text

    def text(self, key: str, **values: Any) -> str:  # noqa: ANN401 - whatever a template shows
        """Return the text of a key, filled with values."""
        if values:
            return self.render(Message(key, values))
        if key not in self._bare_texts:
            self._bare_texts[key] = self.render(Message(key, values))
        return self._bare_texts[key]

    @cached_property
    def _bare_texts(self) -> dict[str, str]:
        """Texts without values, since tables ask for the same ones row by row."""
        return {}

    def listed(self, items: Iterable[object]) -> str:
        """Return items in a row, separated as in this language.

        >>> Translator().listed(["甲", "乙"])
        '甲、乙'
        """
        joiner = ", " if self.language is Language.EN else "、"
        return joiner.join(str(self.shown(item)) for item in items)

    def convert(self, text: str) -> str:
        """Return a simplified Chinese text in this language's script; English is not changed.

        >>> Translator(Language.ZH_HANT, {"后叶镇": "后葉鎮"}).convert("后叶镇在云阳县之后")
        '后葉鎮在雲陽縣之後'
        """
        if self.language is not Language.ZH_HANT:
            return text
        if self._fixed_names is None:
            return _to_traditional(text)
        parts = self._fixed_names.split(text)
        return "".join(self.names_hant.get(part) or _to_traditional(part) for part in parts)

    def pick(self, texts: Mapping[Any, str]) -> str:
        """Return the text of a `{language: text}` table in this language, else simplified Chinese.

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

    def quantity(self, quantity: Quantity) -> str:
        """Return a value with its unit, as written in this language.

        >>> Translator().quantity(Quantity(1_777_777.8, "CNY/mu"))
        '177.8 万元/亩'
        >>> Translator(Language.EN).quantity(Quantity(1_777_777.8, "CNY/mu"))
        '1,777,778 CNY/mu'
        >>> Translator().quantity(Quantity(0.6996, "share", beside=0.7))
        '69.96%'
        """
        value, unit = quantity.value, quantity.unit
        form = self._form(unit)
        text = _figure(value, form)
        if quantity.beside is not None and quantity.beside != value:
            more = 0
            while text == _figure(quantity.beside, form, more) and more < _MOST_DECIMALS:
                more += 1
                text = _figure(value, form, more)
        text += form.word
        if unit != "m²" or round(value, 1) < _LARGE_M2:
            return text
        if self.language is Language.EN:
            return f"{text} ({value / M2_PER_HA:,.2f} ha)"
        return f"{text}（合 {value / M2_PER_MU:,.1f} 亩）"

    def unit(self, unit: str) -> tuple[float, str]:
        """Return the factor and the word with which this language writes a unit.

        >>> Translator().unit("CNY/mu")
        (0.0001, ' 万元/亩')
        """
        form = self._form(unit)
        return form.factor, self.convert(form.word)

    def _form(self, unit: str | None) -> _Form:
        forms = _FORMS if self.language is Language.EN else _FORMS_CHINESE
        return forms.get(unit or "") or _Form(word=f" {unit}" if unit else "")

    def shown(self, value: object) -> object:
        """Return a value as a template shows it: texts of messages, figures with their units."""
        if type(value) is str or type(value) is float:
            return value  # most values
        if isinstance(value, Message):
            return self.render(value)
        if isinstance(value, Quantity):
            return self.quantity(value)
        if isinstance(value, (list, tuple)):
            return self.listed(value)
        return value


ENGLISH = Translator(Language.EN)
"""Renders what logs and programs read."""
