"""Open a workspace's store: the embedded one in its folder, or a shared one by its address."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from geo_service.stores.base import CATALOGUE, CREATED_MARK

if TYPE_CHECKING:
    from geo_service.stores.base import Store

STORE_FOLDER = "store"
EMBEDDED = "local"
"""The address that means the embedded store."""


def open_store(folder: Path, county_code: str, address: str | None = None) -> Store:
    """Return a workspace's store.

    Parameters
    ----------
    folder
        The workspace's folder.
    county
        The county's code: each store belongs to one county.
    address
        `postgresql://USER@HOST/DATABASE`, or None (or "local") for the embedded store.

    Raises
    ------
    StoreError
        The address is wrong, the server cannot be reached, or the store belongs to another
        county or was made by a newer release.
    """
    if address is None or address == EMBEDDED:
        from geo_service.stores.local import LocalStore  # noqa: PLC0415 - its libraries are heavy

        return LocalStore(folder / STORE_FOLDER, county_code)
    from geo_service.stores.postgis import PostgisStore  # noqa: PLC0415 - only where it is used

    return PostgisStore(address, county_code)


def is_empty(folder: Path, address: str | None = None) -> bool:
    """Return whether a workspace's store is certainly empty: embedded and not made yet."""
    is_embedded = address is None or address == EMBEDDED
    files = (folder / STORE_FOLDER / name for name in (CATALOGUE, CREATED_MARK))
    return is_embedded and not any(file.exists() for file in files)


def has_password(address: str) -> bool:
    """Return whether an address contains a password, which must not be in `workspace.toml`."""
    return address != EMBEDDED and without_password(address) != address


def without_password(address: str) -> str:
    """Return an address without its password; unchanged if it cannot be parsed."""
    import sqlalchemy as sa  # noqa: PLC0415 - only where an address is used

    try:
        url = sa.make_url(address)
    except sa.exc.ArgumentError:
        return address
    if not url.password and "password" not in url.query:
        return address
    plain = url.difference_update_query(["password"])._replace(password=None)
    return plain.render_as_string(hide_password=False)
