"""Results as notebooks show them: a small table in HTML, in which every value is escaped."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence


def small_table(title: str, headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table with a title as HTML without styles or scripts.

    >>> small_table("t", ["a"], [["<b>"]])
    '<table><caption>t</caption><tr><th>a</th></tr><tr><td>&lt;b&gt;</td></tr></table>'
    """
    head = "".join(f"<th>{html.escape(text)}</th>" for text in headings)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    return f"<table><caption>{html.escape(title)}</caption><tr>{head}</tr>{body}</table>"
