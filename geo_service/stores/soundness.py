"""Read all that a store holds, and say whether it is what was written.

Layers by their digests, documents by their checksums, audit and ledger by their chains.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from geo_service.errors import StoreError
from geo_service.stores.base import KEPT_KINDS
from geo_service.stores.frames import canonical, content_digest
from geo_service.wording import said

if TYPE_CHECKING:
    import pandas as pd

    from geo_service.stores.base import LayerVersion, Store
    from geo_service.stores.chain import Head

_EVERY = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """What a store holds, counted after all of it was read."""

    versions: int
    results: int
    accounts: int
    audit_lines: int
    audit_head: Head | None


def check_store(store: Store, *, only_newest: bool = False) -> Holdings:
    """Read a store, with `only_newest` just the versions in force, and count what it holds.

    Raises StoreError for the first thing that is not as it was written.
    """
    entries = list(store.newest().values()) if only_newest else store.entries()
    seen: set[tuple[str, str]] = set()
    for entry in reversed(entries):
        if (entry.layer, entry.digest) in seen:  # equal rows that were written once more
            store.read(entry.layer, str(entry.number))
        else:
            seen.add((entry.layer, entry.digest))
            sound_rows(store, entry)
    results = 0
    for kind in KEPT_KINDS:
        for saved in store.saved(kind, limit=_EVERY):
            results += 1
            if not only_newest:
                for name in store.document_names(kind, saved.id):
                    store.document(kind, saved.id, name)
    faults = [*store.audit.verify(), *store.ledger.verify()]
    if faults:
        told = said(f"audit.fault_{faults[0].kind}", number=faults[0].number)
        raise StoreError(told)
    head = store.audit.head()
    return Holdings(
        versions=len(entries),
        results=results,
        accounts=len(store.accounts.all()),
        audit_lines=0 if head is None else head.number,
        audit_head=head,
    )


def sound_rows(store: Store, entry: LayerVersion) -> pd.DataFrame:
    """Return the rows of a version; StoreError if they are not those that were published."""
    frame = canonical(store.read(entry.layer, entry.version), entry.layer)
    if content_digest(frame, entry.layer) != entry.digest:
        about = {"layer": repr(entry.layer), "version": entry.version}
        more = {"name": entry.layer, "store": store.shown, "reason": "digest"}
        raise StoreError(said("problem.damaged", **about, **more))
    return frame
