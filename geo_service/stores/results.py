"""Convert rows of the catalogue's tables of saved results; `entries` says what applies here too."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson
import sqlalchemy as sa

from geo_service.errors import ConflictError, NotFoundError, StaleError
from geo_service.stores.base import REVIEW, Outline, Saved
from geo_service.stores.entries import check_newest, counting
from geo_service.stores.seals import SEAL, DamageError, is_sound, seal_of
from geo_service.stores.tables import documents, result_layers, results
from geo_service.wording import said

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from geo_service.stores.base import Revision

USED = sa.select(result_layers.c.layer, result_layers.c.version).distinct()
"""Selects the versions of layers that saved results were made from."""
_SEALED = ("kind", "id", "made_at", "plan_version", "rulebook_version", "software", "size")


def find_saved(connection: sa.Connection, kind: str, identity: str) -> Saved | None:
    """Return a saved result; None if there is none."""
    query = sa.select(results).where(results.c.kind == kind, results.c.id == identity)
    row = connection.execute(query).first()
    return None if row is None else saved_of(connection, row)


def saved_of(connection: sa.Connection, row: sa.Row[Any]) -> Saved:
    """Return a row as a saved result; raises DamageError if it was altered."""
    own = (result_layers.c.kind == row.kind) & (result_layers.c.id == row.id)
    found = connection.execute(
        sa.select(result_layers.c.layer, result_layers.c.version)
        .where(own)
        .order_by(result_layers.c.layer)
    )
    layers = {layer: version for layer, version in found}  # noqa: C416 - rows are no pairs to mypy
    values = {name: getattr(row, name) for name in _SEALED}
    if not is_sound({**values, "layers": layers}, row.seal):
        raise DamageError(SEAL, version=str(row.id))
    return Saved(
        kind=row.kind,
        id=row.id,
        made_at=row.made_at,
        plan_version=row.plan_version,
        layer_versions=layers,
        rulebook_version=row.rulebook_version,
        software=row.software,
        recipe=orjson.loads(zlib.decompress(row.recipe)),
        is_pinned=row.is_pinned,
        is_held=row.is_held,
    )


def outline_of(row: Any) -> Outline:  # noqa: ANN401 - a row of some columns
    """Return a row as its outline for lists."""
    return Outline(
        kind=row.kind,
        id=row.id,
        made_at=row.made_at,
        plan_version=row.plan_version,
        size=row.size,
        is_pinned=row.is_pinned,
        is_held=row.is_held,
    )


def packed_of(content: bytes | Iterable[bytes]) -> bytes:
    """Return a document, whole or in pieces, compressed; never more than a piece is held."""
    if isinstance(content, bytes):
        return zlib.compress(content)
    packing = zlib.compressobj()
    return b"".join([*map(packing.compress, content), packing.flush()])


def insert_saved(connection: sa.Connection, saved: Saved, packed: Mapping[str, bytes]) -> None:
    """Add a result and its documents, which are compressed with zlib."""
    own = {"kind": saved.kind, "id": saved.id}
    recipe = zlib.compress(orjson.dumps(dict(saved.recipe)))
    values = {
        **own,
        "made_at": saved.made_at,
        "plan_version": saved.plan_version,
        "rulebook_version": saved.rulebook_version,
        "software": saved.software,
        "size": len(recipe) + sum(map(len, packed.values())),
    }
    seal = seal_of({**values, "layers": dict(saved.layer_versions)})
    more = {"recipe": recipe, "is_pinned": saved.is_pinned, "seal": seal, "is_held": saved.is_held}
    connection.execute(sa.insert(results).values(**values, **more))
    layers = [
        {**own, "layer": layer, "version": version}
        for layer, version in saved.layer_versions.items()
    ]
    if layers:
        connection.execute(sa.insert(result_layers), layers)
    texts = [{**own, "name": name, "content": content} for name, content in packed.items()]
    if texts:
        connection.execute(sa.insert(documents), texts)


def recipe_tag(recipe: Mapping[str, Any]) -> str:
    """Return what tells a state of a saved result from others: a digest of its recipe."""
    return hashlib.sha256(orjson.dumps(dict(recipe), option=orjson.OPT_SORT_KEYS)).hexdigest()[:20]


def replace_saved(connection: sa.Connection, revision: Revision) -> None:
    """Put a new state of a result in the place of the expected one, within a transaction.

    Raises NotFoundError if there is no such result, StaleError if it has another state by now.
    """
    saved = revision.saved
    now = find_saved(connection, saved.kind, saved.id)
    if now is None:
        raise NotFoundError(said(f"problem.no_saved_{saved.kind}", name=repr(saved.id)))
    if recipe_tag(now.recipe) != revision.expected:
        raise StaleError(said("problem.stale", name=repr(saved.id)))
    is_own = (documents.c.kind == saved.kind) & (documents.c.id == saved.id)
    rows = connection.execute(sa.select(documents.c.name, documents.c.content).where(is_own))
    packed = {row.name: row.content for row in rows}
    packed |= {name: zlib.compress(content) for name, content in revision.documents.items()}
    drop_saved(connection, [(saved.kind, saved.id)], but_pinned=False)
    insert_saved(connection, replace(saved, is_pinned=now.is_pinned), packed)


def hold_review(
    connection: sa.Connection,
    review_id: str,
    is_held: bool,  # noqa: FBT001 - a column's value
    against: Mapping[str, str] | None,
) -> None:
    """Hold a saved review, which nothing drops then, or let it go, within a transaction.

    NotFoundError if it is not saved; ConflictError if a layer has another version in force than
    in `against`.
    """
    own = (results.c.kind == REVIEW) & (results.c.id == review_id)
    if not connection.execute(sa.update(results).where(own).values(is_held=is_held)).rowcount:
        raise NotFoundError(said("problem.no_saved_review", name=repr(review_id)))
    if against is not None:
        newest = counting(connection)
        check_newest(newest, {name: against[name] for name in newest if name in against})


def drop_saved(
    connection: sa.Connection, pairs: Iterable[tuple[str, str]], *, but_pinned: bool
) -> int:
    """Drop results and the rows that depend on them; return how many results were dropped.

    One that an act rests on stays: ConflictError, or with `but_pinned` it is passed over.
    """
    count = 0
    for kind, identity in pairs:
        own = (results.c.kind == kind) & (results.c.id == identity)
        if but_pinned:
            own &= sa.not_(results.c.is_pinned)
        elif connection.execute(sa.select(results.c.is_held).where(own)).scalar():
            raise ConflictError(said("problem.held", name=repr(identity)))
        gone = sa.delete(results).where(own, sa.not_(results.c.is_held))
        count += connection.execute(gone).rowcount
    return count
