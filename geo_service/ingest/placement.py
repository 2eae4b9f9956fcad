"""Find out a file's CRS: as declared, worked out from the numbers, or asked for.

A declared CRS is trusted and checked against the county. Projected coordinates without a CRS
are tried in every CGCS2000 Gauss-Krueger zone near the county, in both axis orders. Degrees
that may be GCJ-02 or BD-09 cannot be recognised by their extent: they are compared with a
published layer, else the caller is asked. All findings are reported as evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyproj
import shapely

from geo_service.crs import STORAGE_CRS, WEB_CRS, is_storage_like
from geo_service.domain.extent import FAR_DEG, county_box
from geo_service.errors import Choice, ChoiceNeededError, Fault, SourceError
from geo_service.ingest.comparison import Fit, PlacementComparison, compare_with_plan
from geo_service.ingest.datums import old_datum, old_ellipsoid, towgs84
from geo_service.ingest.gcj import BD_09, GCJ_02, bd09_to_wgs84, gcj02_to_wgs84
from geo_service.ingest.options import AUTO
from geo_service.model import Message
from geo_service.wording import said

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from geo_service.ingest.sources import ImportSource
    from geo_service.plan import Plan

_NEAR_DEG = 0.2
_MOSTLY = 0.5
_NEARLY_ALL = 0.95
_MOST_POINTS = 20_000
_FULL_TURN_DEG = 180.0
_RIGHT_ANGLE_DEG = 90.0
_SHOWN_NAME = 120
_SHIFTS: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    GCJ_02: gcj02_to_wgs84,
    BD_09: bd09_to_wgs84,
}


@dataclass(frozen=True, kw_only=True)
class Placement:
    """How a file's coordinates become longitude and latitude in CGCS2000."""

    crs: pyproj.CRS
    label: str
    """The coordinates' CRS, as `--crs` names it."""
    declared: str | None = None
    shift: str | None = None
    """GCJ-02, BD-09 or None."""
    is_swapped: bool = False
    evidence: tuple[Message, ...] = ()
    is_remembered: bool = False
    """Whether the CRS was remembered from an earlier file of the same kind."""

    def to_degrees(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Convert coordinates (n, 2) from the file to CGCS2000 longitude and latitude."""
        return to_degrees(xy, self.crs, is_swapped=self.is_swapped, shift=self.shift)

    def place(self, shapes: NDArray[np.object_]) -> NDArray[np.object_]:
        """Convert shapes with finite coordinates to the storage CRS, without Z and M."""
        flat = shapely.force_2d(shapes)
        if not self.is_swapped and self.shift is None and is_storage_like(self.crs):
            return np.asarray(flat, dtype=object)
        return np.asarray(shapely.transform(flat, self.to_degrees), dtype=object)


def to_degrees(
    xy: NDArray[np.float64], crs: pyproj.CRS, *, is_swapped: bool = False, shift: str | None = None
) -> NDArray[np.float64]:
    """Convert coordinates (n, 2) from a CRS to CGCS2000 longitude and latitude."""
    found = xy[:, ::-1] if is_swapped else xy
    if not is_storage_like(crs):
        # The parameters lead to WGS 84, treated as CGCS2000; PROJ ignores them for other targets.
        target = WEB_CRS if towgs84(crs) is not None else STORAGE_CRS
        transformer = pyproj.Transformer.from_crs(crs, target, always_xy=True)
        found = np.column_stack(transformer.transform(found[:, 0], found[:, 1]))
    return _SHIFTS[shift](np.ascontiguousarray(found)) if shift else np.ascontiguousarray(found)


def sample_points(shapes: NDArray[np.object_]) -> NDArray[np.float64]:
    """Return up to 20,000 finite vertices, evenly sampled from shapes, as an array (n, 2)."""
    points = shapely.get_coordinates(shapes)
    points = points[np.isfinite(points).all(axis=1)]
    step = max(1, len(points) // _MOST_POINTS)
    return np.asarray(points[::step][:_MOST_POINTS], dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class Sample:
    """The data for working out the CRS: shapes of the first rows, and their ids if known."""

    shapes: NDArray[np.object_]
    ids: pd.Series[str] | None = None


def decide_placement(
    source: ImportSource,
    sample: Sample,
    *,
    plan: Plan,
    layer: str,
    crs_option: str = AUTO,
    remembered: str | None = None,
) -> Placement:
    """Return how to read a file's coordinates.

    `crs_option` is the caller's CRS for this file and overrides everything else. `remembered` was
    given for an earlier file of the same kind: it is used if this file declares no CRS, unless
    the numbers or a published layer contradict it.

    Raises
    ------
    SourceError
        The CRS cannot be used (Xi'an 80 or Beijing 54 without parameters, an unknown name),
        or the coordinates do not lie in the county under any reading.
    ChoiceNeededError
        Several readings are possible; the choices give the evidence for each.
    """
    decision = _Decision(source, sample, plan, layer)
    if not len(decision.points):
        return Placement(crs=pyproj.CRS(STORAGE_CRS), label=STORAGE_CRS)
    if crs_option in _SHIFTS:
        return decision.shifted(crs_option)
    if crs_option != AUTO:
        return decision.by_name(crs_option)
    if source.crs is not None:
        return decision.declared(source.crs)
    placement = decision.remembered(remembered) if remembered is not None else None
    if placement is None:
        is_degrees = are_degrees(decision.points)
        placement = decision.degrees() if is_degrees else decision.projected()
    return placement


def are_degrees(points: NDArray[np.float64]) -> bool:
    """Return whether numbers (n, 2) can be degrees: none is larger than those of the globe."""
    largest = np.abs(points).max(axis=0)
    return bool(largest.max() <= _FULL_TURN_DEG and largest.min() <= _RIGHT_ANGLE_DEG)


@dataclass(frozen=True)
class _AxisOrder:
    """In which order a file has its axes, and how much of the sample then lies in the county."""

    is_swapped: bool
    share: float

    def swap(self) -> list[Message]:
        """Say that the axes are swapped, where they are."""
        values = {"share": _percent(self.share)}
        return [Message("import.crs_swapped", values)] if self.is_swapped else []

    def evidence(self) -> list[Message]:
        """Say how much lies in the county, and whether it takes a swap."""
        return [*self.swap(), Message("import.crs_inside", {"share": _percent(self.share)})]


class _Decision:
    """Decides the placement of one file."""

    def __init__(self, source: ImportSource, sample: Sample, plan: Plan, layer: str) -> None:
        self._source = source
        self._sample = sample
        self._plan = plan
        self._layer = layer
        self.points = sample_points(sample.shapes)
        self._box = county_box(plan)
        self._declared = source.crs.to_string() if source.crs is not None else None
        self._before: tuple[Message, ...] = ()
        """Messages found before the placement itself; they come first in its evidence."""

    # ---- with a named CRS -----------------------------------------------------------------

    def by_name(self, name: str) -> Placement:
        """Return the placement in the caller's CRS, whatever the file declares."""
        crs = self._crs_by_name(name)
        evidence = [Message("import.crs_given", {"crs": _label(crs)})]
        if self._source.crs is not None and self._source.crs != crs:
            evidence.append(Message("import.crs_overruled", {"crs": self._declared}))
        return self._doubted(self._from_crs(crs, evidence))

    def _crs_by_name(self, name: str) -> pyproj.CRS:
        try:
            return pyproj.CRS.from_user_input(name)
        except pyproj.exceptions.CRSError:
            found = said("refusal.crs_name", name=repr(name[:60]))
            raise self._refused(found, said("refusal.crs_names")) from None

    def declared(self, crs: pyproj.CRS) -> Placement:
        """Return the placement in the file's CRS, checked against county and published layers."""
        evidence = [Message("import.crs_declared", {"crs": _label(crs)})]
        return self._doubted(self._from_crs(crs, evidence))

    def remembered(self, name: str) -> Placement | None:
        """Return the placement remembered from an earlier file; None if it does not fit."""
        evidence = Message("import.crs_remembered", {"crs": name[:_SHOWN_NAME]})
        try:
            if name in _SHIFTS:
                placement = self._shifted(name, evidence)
            else:
                placement = self._from_crs(self._crs_by_name(name), [evidence])
        except (SourceError, ChoiceNeededError):
            self._before = (Message("import.crs_not_remembered", {"crs": name[:_SHOWN_NAME]}),)
            return None
        best = self._best_of(placement)
        if best is None:
            return replace(placement, is_remembered=True)
        if best.label == (placement.shift or _PLAIN):
            confirmed = Message("import.crs_confirmed", best.values())
            return replace(_with_evidence(placement, confirmed), is_remembered=True)
        self._before = (Message("import.crs_not_remembered", {"crs": name[:_SHOWN_NAME]}),)
        return None

    def _from_crs(self, crs: pyproj.CRS, evidence: list[Message]) -> Placement:
        self._refuse_old_datum(crs)
        evidence += _parameters_of(crs)
        order = self._order(crs)
        evidence += order.evidence()
        return Placement(
            crs=crs,
            label=_label(crs),
            declared=self._declared,
            is_swapped=order.is_swapped,
            evidence=tuple(evidence),
        )

    def _doubted(self, placement: Placement) -> Placement:
        """Add a comparison's evidence for or against a CRS, which is trusted in either case."""
        best = self._best_of(placement)
        if best is None:
            return placement
        is_confirmed = best.label == (placement.shift or _PLAIN)
        key = "import.crs_confirmed" if is_confirmed else "import.crs_doubtful"
        return _with_evidence(placement, Message(key, best.values()))

    def _best_of(self, placement: Placement) -> Fit | None:
        return self._compare(placement.crs, is_swapped=placement.is_swapped).best

    def shifted(self, shift: str) -> Placement:
        """Return the placement in GCJ-02 or BD-09, as the caller says."""
        evidence = Message("import.crs_given", {"crs": shift})
        return self._doubted(self._shifted(shift, evidence))

    def _shifted(self, shift: str, first: Message) -> Placement:
        crs = self._source.crs
        if crs is None or not crs.is_geographic:
            crs = pyproj.CRS(STORAGE_CRS)
        if not are_degrees(self.points):
            raise self._refused(
                said("refusal.no_degrees", numbers=_shown(self.points[0])),
                said("refusal.degrees_for", shift=shift),
            )
        order = self._order(crs)
        evidence = [first, *order.evidence()]
        return Placement(
            crs=crs,
            label=shift,
            declared=self._declared,
            shift=shift,
            is_swapped=order.is_swapped,
            evidence=tuple(evidence),
        )

    def _refuse_old_datum(self, crs: pyproj.CRS) -> None:
        old = old_datum(crs)
        if old:
            found = said("refusal.old_datum", datum=old, crs=_label(crs))
            if self._source.parameters is not None:
                found = said(
                    "refusal.old_datum_parameters",
                    datum=old,
                    crs=_label(crs),
                    parameters=self._source.parameters,
                )
            raise self._refused(found, said("refusal.new_datum"))

    def _conflict(self, crs: pyproj.CRS) -> Exception:
        """Return the error for a named CRS that puts the data outside the county."""
        numbers = _shown(self.points[0])
        found = said("refusal.outside", crs=_label(crs), numbers=numbers)
        readings = [] if are_degrees(self.points) else list(self._zones())
        if not readings:
            return self._refused(found, said("refusal.crs_inside"))
        choices = [
            Choice(value=reading.label, evidence=said("import.crs_fits")) for reading in readings
        ]
        return ChoiceNeededError(
            "crs", said("import.crs_conflict", file=self._source.shown, found=found), choices
        )

    # ---- degrees without a CRS ------------------------------------------------------------

    def degrees(self) -> Placement:
        """Return the placement of degrees, whose datum a published layer or the caller decides."""
        crs = pyproj.CRS(STORAGE_CRS)
        order = self._order(crs)
        evidence = [*self._before, Message("import.crs_degrees", {"share": _percent(order.share)})]
        if self._source.implied_crs:
            evidence.append(Message("import.crs_implied", {"format": self._source.format}))
        evidence += order.swap()
        compared = self._compare(crs, is_swapped=order.is_swapped)
        best = compared.best
        if best is None:
            raise self._open_degrees(crs, compared.fits, is_swapped=order.is_swapped)
        return Placement(
            crs=crs,
            label=STORAGE_CRS if best.label == _PLAIN else best.label,
            shift=None if best.label == _PLAIN else best.label,
            is_swapped=order.is_swapped,
            evidence=(*evidence, Message("import.crs_compared", best.values())),
        )

    def _open_degrees(
        self, crs: pyproj.CRS, fits: Sequence[Fit], *, is_swapped: bool
    ) -> ChoiceNeededError:
        measured = {STORAGE_CRS if fit.label == _PLAIN else fit.label: fit for fit in fits}
        choices = []
        for label in (STORAGE_CRS, GCJ_02, BD_09):
            shift = None if label == STORAGE_CRS else label
            share = self._share(crs, is_swapped=is_swapped, margin=0.0, shift=shift)
            evidence = said("import.crs_share", share=_percent(share))
            if label in measured:
                fit = measured[label].described()
                evidence = said("import.crs_share_and_fit", share=_percent(share), fit=fit)
            choices.append(Choice(value=label, evidence=evidence))
        message = said("import.which_datum", file=self._source.shown)
        return ChoiceNeededError("crs", message, choices)

    # ---- metres without a CRS -------------------------------------------------------------

    def projected(self) -> Placement:
        """Return the placement in the CGCS2000 zone that fits the numbers."""
        readings = list(self._zones())
        if not readings:
            low, high = self.points.min(axis=0), self.points.max(axis=0)
            raise self._refused(
                said("refusal.numbers", low=_shown(low), high=_shown(high)),
                said("refusal.zone_numbers"),
            )
        if len(readings) > 1:
            choices = [
                Choice(value=reading.label, evidence=said("import.crs_fits"))
                for reading in readings
            ]
            parameter = "crs"
            message = said("import.which_crs", file=self._source.shown)
            raise ChoiceNeededError(parameter, message, choices)
        found = replace(readings[0], evidence=(*self._before, *readings[0].evidence))
        return self._doubted(found)

    def _zones(self) -> Iterator[Placement]:
        if self._box is None:
            return
        west, _, east, _ = self._box
        for zone in _zones_near((west + east) / 2):
            crs = pyproj.CRS.from_epsg(zone.epsg)
            may_be = [zone.may_hold(self.points[:, axis]) for axis in (0, 1)]
            for order in self._orders(crs, margin=_NEAR_DEG, least=_NEARLY_ALL, may_be=may_be):
                found = {
                    "crs": f"EPSG:{zone.epsg}",
                    "name": crs.name,
                    "easting": _shown(self.points[0, :: -1 if order.is_swapped else 1]),
                    "share": _percent(order.share),
                }
                yield Placement(
                    crs=crs,
                    label=f"EPSG:{zone.epsg}",
                    is_swapped=order.is_swapped,
                    evidence=(
                        Message("import.crs_worked_out", found),
                        *order.swap(),
                        Message("import.crs_old_datum", {}),
                    ),
                )

    # ---- measuring ------------------------------------------------------------------------

    def _orders(
        self,
        crs: pyproj.CRS,
        *,
        margin: float,
        least: float,
        may_be: Sequence[bool] = (True, True),
    ) -> Iterator[_AxisOrder]:
        """Yield the orders of axes under which a share of the sample lies in the county.

        As the file has them, then swapped; `may_be` says for each whether it is tried.
        """
        for is_swapped in (False, True):
            if not may_be[is_swapped]:
                continue
            share = self._share(crs, is_swapped=is_swapped, margin=margin)
            if share >= least:
                yield _AxisOrder(is_swapped, share)

    def _order(self, crs: pyproj.CRS) -> _AxisOrder:
        """Return the order of axes that puts most of the sample into the county.

        Raises what `_conflict` gives when neither does.
        """
        order = next(self._orders(crs, margin=FAR_DEG, least=_MOSTLY), None)
        if order is None:
            raise self._conflict(crs)
        return order

    def _share(
        self, crs: pyproj.CRS, *, is_swapped: bool, margin: float, shift: str | None = None
    ) -> float:
        """Return the share of the sample that lies in the county's box under a reading."""
        degrees = to_degrees(self.points, crs, is_swapped=is_swapped, shift=shift)
        if self._box is None:
            return float(np.isfinite(degrees).all(axis=1).mean())
        west, south, east, north = self._box
        lon, lat = degrees[:, 0], degrees[:, 1]
        with np.errstate(invalid="ignore"):
            inside = (lon >= west - margin) & (lon <= east + margin)
            inside &= (lat >= south - margin) & (lat <= north + margin)
        return float(inside.mean())

    def _compare(self, crs: pyproj.CRS, *, is_swapped: bool) -> PlacementComparison:
        readings = {}
        for label in (_PLAIN, GCJ_02, BD_09):
            shift = None if label == _PLAIN else label

            def read(xy: NDArray[np.float64], shift: str | None = shift) -> NDArray[np.float64]:
                return to_degrees(xy, crs, is_swapped=is_swapped, shift=shift)

            readings[label] = read
        return compare_with_plan(
            self._sample.shapes, self._sample.ids, readings, plan=self._plan, layer=self._layer
        )

    def _refused(self, found: Message, expected: Message) -> SourceError:
        fault = Fault(file=self._source.shown, layer=self._layer, found=found, expected=expected)
        return SourceError(said("refusal.unplaced", file=self._source.shown), [fault])


_PLAIN = "CGCS2000"


def _with_evidence(placement: Placement, message: Message) -> Placement:
    return replace(placement, evidence=(*placement.evidence, message))


@dataclass(frozen=True)
class _Zone:
    epsg: int
    meridian: float
    width: int
    prefix: int | None

    def may_hold(self, eastings: NDArray[np.float64]) -> bool:
        """Return whether the middle easting has as many digits as this zone's eastings."""
        middle = float(np.median(eastings))
        first = 0 if self.prefix is None else self.prefix * 1_000_000
        return first < middle < first + 1_000_000

    def reach(self, longitude: float) -> float:
        """Return a longitude's distance from the meridian, in half widths of the zone."""
        return abs(longitude - self.meridian) / (self.width / 2)


def _zones_near(longitude: float) -> list[_Zone]:
    """Return the CGCS2000 zones in which a county around a longitude may be mapped.

    Two zones of different width on the same meridian have the same coordinates if their
    eastings have no zone number: the zone that covers the longitude better represents both.
    """
    every = [_Zone(4513 + zone - 25, 3.0 * zone, 3, zone) for zone in range(25, 46)]
    every += [_Zone(4534 + zone - 25, 3.0 * zone, 3, None) for zone in range(25, 46)]
    every += [_Zone(4491 + zone - 13, 6.0 * zone - 3, 6, zone) for zone in range(13, 24)]
    every += [_Zone(4502 + zone - 13, 6.0 * zone - 3, 6, None) for zone in range(13, 24)]
    spill_deg = 1.0
    near = [zone for zone in every if abs(longitude - zone.meridian) <= zone.width / 2 + spill_deg]
    best: dict[tuple[float, int | None], _Zone] = {}
    for zone in sorted(near, key=lambda zone: (zone.reach(longitude) > 1, zone.width)):
        best.setdefault((zone.meridian, zone.prefix), zone)
    return list(best.values())


def _parameters_of(crs: pyproj.CRS) -> list[Message]:
    """Return a message with the parameters that convert an old datum to CGCS2000, if any."""
    old, parameters = old_ellipsoid(crs), towgs84(crs)
    if old is None or parameters is None:
        return []
    return [Message("import.crs_parameters", {"datum": old, "parameters": parameters})]


def _label(crs: pyproj.CRS) -> str:
    code = crs.to_epsg()
    if code:
        return f"EPSG:{code}"
    return crs.to_string()[:_SHOWN_NAME] if crs.name == "unknown" else crs.name


def _percent(share: float) -> str:
    return f"{share * 100:.1f}"


def _shown(point: NDArray[np.float64]) -> str:
    return "(" + ", ".join(f"{number:,.3f}".replace(",", "") for number in point) + ")"
