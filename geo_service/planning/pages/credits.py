"""What the product is made of: its version, and other people's work with its licence."""

from __future__ import annotations

import re
from functools import cache
from importlib.metadata import PackageNotFoundError, metadata, requires
from typing import TYPE_CHECKING

import geo_service
from geo_service.maps import assets

if TYPE_CHECKING:
    from geo_service.reports.document import Document

_DISTRIBUTION = "geo-service"
_CLASSIFIER = "License :: OSI Approved :: "
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_LONGEST = 60
"""A longer licence field holds the licence itself, not its name."""


@cache
def credits_document() -> Document:
    """Return the version, the files shipped for pages and the libraries, with licences.

    The texts of the licences of shipped files come with them; those of the libraries
    stand in their own packages.
    """
    shipped = [
        {
            "name": package.name,
            "version": package.version,
            "licence": package.licence,
            "texts": [
                (assets.directory() / name).read_text(encoding="utf-8")
                for name in package.licence_files
            ],
        }
        for package in assets.packages()
    ]
    return {
        "version": geo_service.__version__,
        "assets": shipped,
        "libraries": [_library(name) for name in _library_names()],
    }


def _library_names() -> list[str]:
    """Return the names of the libraries that the product needs to run."""
    try:
        wanted = requires(_DISTRIBUTION) or []
    except PackageNotFoundError:  # run from a folder that was never installed
        return []
    found = [_NAME.match(line) for line in wanted if "extra ==" not in line]
    return sorted({match.group() for match in found if match}, key=str.lower)


def _library(name: str) -> Document:
    try:
        about = metadata(name)
    except PackageNotFoundError:
        return {"name": name, "version": None, "licence": None}
    licence = next(
        (about[field] for field in ("License-Expression", "License") if field in about), ""
    )
    if not licence or len(licence) > _LONGEST or "\n" in licence:
        named = [
            line.removeprefix(_CLASSIFIER)
            for line in about.get_all("Classifier") or []
            if line.startswith(_CLASSIFIER)
        ]
        licence = ", ".join(named) or licence.strip().partition("\n")[0][:_LONGEST]
    return {"name": about["Name"], "version": about["Version"], "licence": licence or None}
