"""Focus: one park, one leading industry (一园一主), one speciality (一园一特)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field, model_validator

from geo_service.domain.enterprises import active_enterprises, active_in, latest_year
from geo_service.errors import UnfitError
from geo_service.industry import belongs_to
from geo_service.model import FocusBasis, Message, Quantity, Subject, Verdict
from geo_service.units import M2_PER_MU
from geo_service.wording import said
from geo_service.zoning.batch import GivenShapes, PerRow, RawBatch, RawFinding
from geo_service.zoning.check import (
    MOST_COUNTED,
    Case,
    Check,
    NoParameters,
    Outcome,
    Parameters,
    missing_value,
    missing_values,
    text_or_none,
)
from geo_service.zoning.focus import BASIS_COLUMNS, Focus
from geo_service.zoning.names import named_column, named_industry, named_parks

if TYPE_CHECKING:
    import pandas as pd
    from shapely.geometry.base import BaseGeometry


def _parks(case: Case) -> Iterator[tuple[Focus, Subject, BaseGeometry]]:
    for park_id, shape in zip(case.parks["park_id"], case.parks.geometry, strict=True):
        yield case.shared.focus[park_id], Subject("parks", park_id), shape


def _undeclared(focus: Focus, subject: Subject) -> RawFinding:
    return missing_value(park_id=focus.park_id, subject=subject, column="leading_industry")


def declared(case: Case, _: NoParameters) -> Outcome:
    """Exactly one leading industry is declared; none is `unknown`, several is `fail`."""
    outcome = Outcome.of("parks", case.parks)
    for focus, subject, shape in _parks(case):
        if not focus.declared:
            outcome.singles.append(_undeclared(focus, subject))
        elif len(focus.declared) > 1:
            values = {"industries": [named_industry(code) for code in focus.declared]}
            outcome.singles.append(
                RawFinding(
                    verdict=Verdict.FAIL,
                    park_id=focus.park_id,
                    subject=subject,
                    title=Message("finding.several_leading", values),
                    evidence={
                        "measure": "declared_leading_industries",
                        "value": len(focus.declared),
                        "unit": "count",
                        "threshold": 1,
                        "declared": list(focus.declared),
                    },
                    cure=Message("cure.declare_one"),
                    geometry=shape,
                )
            )
    return outcome


def in_group(case: Case, _: NoParameters) -> Outcome:
    """Each declared leading industry belongs to one of the county's industry groups."""
    outcome = Outcome()
    groups = case.plan.settings.groups
    for focus, subject, shape in _parks(case):
        outcome.judge_park(focus.park_id)
        if not focus.declared:
            outcome.singles.append(_undeclared(focus, subject))
            continue
        outside = [code for code in focus.declared if groups.group_of(code) is None]
        if not outside:
            continue
        values = {"industries": [named_industry(code) for code in outside]}
        outcome.singles.append(
            RawFinding(
                verdict=Verdict.FAIL,
                park_id=focus.park_id,
                subject=subject,
                title=Message("finding.outside_groups", values),
                evidence={
                    "measure": "industry_group",
                    "value": None,
                    "unit": None,
                    "threshold": sorted(groups.names),
                    "outside": outside,
                    "groups_version": groups.version,
                },
                cure=Message("cure.declare_in_group"),
                geometry=shape,
            )
        )
    return outcome


class TopParameters(Parameters):
    """How many digits the declared and the actual top industry are compared at."""

    digits: int = Field(default=2, ge=2, le=2)


def is_top(case: Case, parameters: TopParameters) -> Outcome:
    """The declared leading industry is in the park's top industry by the basis."""
    outcome = Outcome()
    for focus, subject, shape in _parks(case):
        if len(focus.declared) > 1:
            continue  # the rule on one declared industry speaks of it
        outcome.judge_park(focus.park_id)
        if focus.leading is None:
            outcome.singles.append(_undeclared(focus, subject))
        elif focus.top_industry is None:
            outcome.singles.append(_not_measurable(focus, subject, "top_industry"))
        elif focus.leading[: parameters.digits] not in focus.top_industries:
            values = {
                "declared": named_industry(focus.leading),
                "top": named_industry(focus.top_industry),
                "share": focus.top_share,
            }
            outcome.singles.append(
                RawFinding(
                    verdict=Verdict.FAIL,
                    park_id=focus.park_id,
                    subject=subject,
                    title=Message("finding.not_top", values),
                    evidence={
                        "measure": "top_industry",
                        "value": focus.top_industry,
                        "unit": None,
                        "threshold": focus.leading[: parameters.digits],
                        "top_share": focus.top_share,
                        "basis": focus.basis.value,
                        "year": focus.year,
                    },
                    cure=Message("cure.change_leading", values),
                    geometry=shape,
                )
            )
    return outcome


class ShareParameters(Parameters):
    """Thresholds of the leading industry's share, and what supporting industries count."""

    pass_share: float = Field(default=0.7, gt=0, le=1)
    watch_share: float = Field(default=0.5, ge=0, le=1)
    basis: FocusBasis | None = None
    count_supporting: Literal["none", "half", "full"] = "none"

    @model_validator(mode="after")
    def _in_order(self) -> ShareParameters:
        if self.watch_share > self.pass_share:
            msg = said("fault.shares_order", less="watch_share", more="pass_share")
            raise UnfitError(msg)
        return self


_SUPPORTING_WEIGHT: Mapping[str, float] = MappingProxyType({"none": 0.0, "half": 0.5, "full": 1.0})


def leading_share(case: Case, parameters: ShareParameters) -> Outcome:
    """The leading industry's share reaches the threshold; a missing value is `unknown`.

    The cure says how much is short: with share s of total T and threshold t, growth of
    the leading industry alone must bring (t·T - s·T) / (1 - t); moving others out
    must bring T - s·T/t.
    """
    outcome = Outcome()
    basis = parameters.basis or case.plan.settings.focus_basis
    for focus, subject, shape in _parks(case):
        if len(focus.declared) > 1:
            continue  # the rule on one declared industry speaks of it
        outcome.judge_park(focus.park_id)
        if focus.leading is None:
            outcome.singles.append(_undeclared(focus, subject))
            continue
        share = focus.shares[basis]
        if share is None:
            outcome.singles.append(_not_measurable(focus, subject, f"share_{basis}", basis))
            continue
        weight = _SUPPORTING_WEIGHT[parameters.count_supporting]
        counted = share + weight * (focus.supporting_shares[basis] or 0.0)
        if counted >= parameters.pass_share:
            continue
        verdict = Verdict.WATCH if counted >= parameters.watch_share else Verdict.FAIL
        outcome.singles.append(
            _share_finding(focus, subject, shape, verdict, counted, basis, parameters)
        )
    return outcome


class MeasuredParameters(Parameters):
    """The basis of the share; the workspace's if None."""

    basis: FocusBasis | None = None


def measured(case: Case, parameters: MeasuredParameters) -> Outcome:
    """The leading industry's share can be measured; if not, nobody can judge the principle.

    The finding is `unknown`: what the share has to reach is for `leading_share` to say.
    """
    outcome = Outcome()
    basis = parameters.basis or case.plan.settings.focus_basis
    for focus, subject, _ in _parks(case):
        if focus.leading is None:
            continue  # the rule on one declared industry speaks of it
        outcome.judge_park(focus.park_id)
        if focus.shares[basis] is None:
            outcome.singles.append(_not_measurable(focus, subject, f"share_{basis}", basis))
    return outcome


def _share_finding(  # noqa: PLR0913, PLR0917 - the parts of one finding
    focus: Focus,
    subject: Subject,
    shape: BaseGeometry,
    verdict: Verdict,
    counted: float,
    basis: FocusBasis,
    parameters: ShareParameters,
) -> RawFinding:
    threshold = parameters.pass_share
    values: dict[str, Any] = {
        "industry": named_industry(focus.leading or ""),
        "share": Quantity(counted, "share", beside=threshold),
        "threshold": Quantity(threshold, "share"),
        "basis": Message(f"basis.{basis}"),
    }
    evidence: dict[str, Any] = {
        "measure": f"share_{basis}",
        "value": counted,
        "unit": "share",
        "threshold": threshold,
        "watch_threshold": parameters.watch_share,
        "shares": {item.value: value for item, value in focus.shares.items()},
        "supporting_share": focus.supporting_shares[basis],
        "count_supporting": parameters.count_supporting,
        "enterprise_count": focus.enterprise_count,
        "year": focus.year,
    }
    cure = Message("cure.raise_share", values)
    if basis is focus.basis and focus.total is not None and focus.leading_total is not None:
        total, leading = focus.total, counted * focus.total
        short = threshold * total - leading
        grow = short / (1 - threshold) if threshold < 1 else None
        move = total - leading / threshold
        evidence |= {
            "leading_total": focus.leading_total,
            "total": total,
            "total_unit": _BASIS_UNITS[basis],
            "growth_needed": grow,
            "relocation_needed": move,
            "computed": "leading_total / total"
            if parameters.count_supporting == "none"
            else f"leading_total / total + {parameters.count_supporting} of supporting_share",
        }
        if basis is FocusBasis.OUTPUT and grow is not None:
            values |= {"grow": Quantity(grow, "CNY"), "move": Quantity(move, "CNY")}
            cure = Message("cure.raise_output_share", values)
    return RawFinding(
        verdict=verdict,
        park_id=focus.park_id,
        subject=subject,
        title=Message("finding.low_share", values),
        evidence=evidence,
        cure=cure,
        geometry=shape,
    )


_BASIS_UNITS: Mapping[FocusBasis, str] = MappingProxyType(
    {
        FocusBasis.OUTPUT: "CNY",
        FocusBasis.LAND: "m²",
        FocusBasis.FLOOR_AREA: "m²",
        FocusBasis.ENTERPRISES: "count",
    }
)


def _not_measurable(
    focus: Focus, subject: Subject, measure: str, basis: FocusBasis | None = None
) -> RawFinding:
    """The `unknown` of a park whose enterprises lack a value, or that has none."""
    chosen = basis or focus.basis
    if focus.enterprise_count == 0:
        key = "no_register" if focus.year is None else "no_enterprises"
        return RawFinding(
            verdict=Verdict.UNKNOWN,
            park_id=focus.park_id,
            subject=subject,
            title=Message(f"finding.{key}", {"year": focus.year}),
            evidence={"measure": measure, "value": None, "missing_column": "enterprises.park_id"},
            cure=Message("cure.add_enterprises"),
        )
    column = BASIS_COLUMNS[chosen] or "park_id"
    rows = sorted({*focus.missing[chosen], *focus.uncoded})
    if focus.uncoded and not focus.missing[chosen]:
        column = "industry_code"
    if not rows:
        return RawFinding(
            verdict=Verdict.UNKNOWN,
            park_id=focus.park_id,
            subject=subject,
            title=Message("finding.zero_total", {"basis": Message(f"basis.{chosen}")}),
            evidence={"measure": measure, "value": None, "total": 0, "year": focus.year},
            cure=Message("cure.add_enterprises"),
        )
    values = {"column": named_column(column), "rows": rows}
    return RawFinding(
        verdict=Verdict.UNKNOWN,
        park_id=focus.park_id,
        subject=subject,
        title=Message("finding.share_missing_value", values),
        evidence={
            "measure": measure,
            "value": None,
            "missing_column": f"enterprises.{column}",
            "missing_rows": rows,
            "year": focus.year,
        },
        cure=Message("cure.fill_value", values),
    )


class FewParameters(Parameters):
    """Below how many enterprises a share misleads."""

    minimum: int = Field(default=5, ge=1, le=MOST_COUNTED)


def few_enterprises(case: Case, parameters: FewParameters) -> Outcome:
    """A park with few enterprises is flagged: its shares mislead and may disclose one."""
    outcome = Outcome.of("parks", case.parks)
    for focus, subject, _ in _parks(case):
        if 0 < (focus.enterprise_count or 0) < parameters.minimum:
            values = {"count": focus.enterprise_count, "minimum": parameters.minimum}
            outcome.singles.append(
                RawFinding(
                    verdict=Verdict.WATCH,
                    park_id=focus.park_id,
                    subject=subject,
                    title=Message("finding.few_enterprises", values),
                    evidence={
                        "measure": "enterprise_count",
                        "value": focus.enterprise_count,
                        "unit": "count",
                        "threshold": parameters.minimum,
                        "year": focus.year,
                    },
                )
            )
    return outcome


def off_focus_enterprise(case: Case, _: NoParameters) -> Outcome:
    """Each enterprise outside the park's leading and supporting industries is listed."""
    outcome = Outcome()
    active = active_enterprises(case.plan)
    active = active[case.in_scope(active["park_id"])] if len(active) else active
    declared = {park_id: focus for park_id, focus in case.shared.focus.items() if focus.declared}
    judged = active[active["park_id"].isin(declared).to_numpy(dtype=bool)]
    outcome.judge_rows("enterprises", judged)
    has_code = judged["industry_code"].notna().to_numpy(dtype=bool)
    lacking, told = judged[~has_code], judged[has_code]
    if len(lacking):
        ids, parks = lacking["enterprise_id"], lacking["park_id"]
        outcome.batches.append(missing_values("enterprises", ids, parks, "industry_code"))
    is_off = [
        not belongs_to(code, (*declared[park_id].declared, *declared[park_id].supporting))
        for code, park_id in zip(told["industry_code"], told["park_id"], strict=True)
    ]
    off = told[np.array(is_off, dtype=bool)]
    if len(off):
        outcome.batches.append(_off_focus(case, off, declared))
    return outcome


def _off_focus(case: Case, off: pd.DataFrame, declared: Mapping[str, Focus]) -> RawBatch:
    """Return what is said of enterprises of other industries than their parks'."""
    codes, parks = off["industry_code"].tolist(), off["park_id"].tolist()
    return RawBatch(
        verdict=Verdict.WATCH,
        layer="enterprises",
        subject_ids=off["enterprise_id"].to_numpy(object),
        park_ids=off["park_id"].to_numpy(object),
        title="finding.off_focus",
        values={"name": PerRow(off["name"].tolist()), "industry": PerRow(codes, named_industry)},
        evidence={
            "measure": "industry_code",
            "value": PerRow(codes),
            "unit": None,
            "threshold": PerRow(
                parks, lambda park: [*declared[park].declared, *declared[park].supporting]
            ),
            "year": PerRow(parks, lambda park: declared[park].year),
        },
        cure="cure.off_focus",
        shapes=GivenShapes(np.asarray(case.plan.metric("enterprises").geometry.loc[off.index])),
    )


def speciality(case: Case, _: NoParameters) -> Outcome:
    """A speciality is named, and no other park has the same one."""
    outcome = Outcome.of("parks", case.parks)
    parks = case.plan.frame("parks")
    owners: dict[str, list[str]] = {}
    for park_id, text in zip(parks["park_id"], parks["speciality"], strict=True):
        if text_or_none(text):
            owners.setdefault(text.strip(), []).append(park_id)
    rows = zip(case.parks["park_id"], case.parks["speciality"], case.parks.geometry, strict=True)
    for park_id, text, shape in rows:
        subject = Subject("parks", park_id)
        if not text_or_none(text):
            outcome.singles.append(
                missing_value(park_id=park_id, subject=subject, column="speciality")
            )
            continue
        others = [other for other in owners[text.strip()] if other != park_id]
        if others:
            values = {"speciality": text, "parks": named_parks(case.plan, others)}
            outcome.singles.append(
                RawFinding(
                    verdict=Verdict.WATCH,
                    park_id=park_id,
                    subject=subject,
                    title=Message("finding.same_speciality", values),
                    evidence={
                        "measure": "parks_with_this_speciality",
                        "value": len(others) + 1,
                        "unit": "count",
                        "threshold": 1,
                        "others": others,
                    },
                    cure=Message("cure.distinct_speciality"),
                    geometry=shape,
                )
            )
    return outcome


class KindParameters(Parameters):
    """What makes a park professional (专业), characteristic (特色) or premium (精品)."""

    professional_share: float = Field(default=0.7, gt=0, le=1)
    premium_output_cny_per_mu: float = Field(default=5_000_000, gt=0)
    premium_tax_cny_per_mu: float = Field(default=200_000, gt=0)


def park_kind(case: Case, parameters: KindParameters) -> Outcome:
    """A park is professional, characteristic or premium by stated criteria, or is watched.

    Professional: the leading share by the basis. Characteristic: a speciality that no
    other park has. Premium: both, with output and tax per mu of the enterprises' land.
    """
    outcome = Outcome()
    texts = case.plan.frame("parks")["speciality"].dropna().str.strip()
    counts = texts.value_counts()
    per_mu = _amounts_per_mu(case)
    specialities = dict(zip(case.parks["park_id"], case.parks["speciality"], strict=True))
    for focus, subject, shape in _parks(case):
        if len(focus.declared) > 1:
            continue  # the rule on one declared industry speaks of it
        outcome.judge_park(focus.park_id)
        share = focus.shares[focus.basis]
        own = specialities[focus.park_id]
        if focus.leading is None:
            outcome.singles.append(_undeclared(focus, subject))
            continue
        if share is None:
            outcome.singles.append(_not_measurable(focus, subject, "park_kinds"))
            continue
        if not text_or_none(own):
            outcome.singles.append(
                missing_value(park_id=focus.park_id, subject=subject, column="speciality")
            )
            continue
        output, tax = per_mu.get(focus.park_id, (0.0, 0.0))
        is_professional = share >= parameters.professional_share
        is_characteristic = int(counts.get(own.strip(), 0)) == 1
        is_premium = (
            is_professional
            and is_characteristic
            and output >= parameters.premium_output_cny_per_mu
            and tax >= parameters.premium_tax_cny_per_mu
        )
        kinds = {
            "professional": is_professional,
            "characteristic": is_characteristic,
            "premium": is_premium,
        }
        outcome.facts[focus.park_id] = [kind for kind, is_reached in kinds.items() if is_reached]
        if outcome.facts[focus.park_id]:
            continue
        outcome.singles.append(
            RawFinding(
                verdict=Verdict.WATCH,
                park_id=focus.park_id,
                subject=subject,
                title=Message("finding.no_park_kind", {"share": share}),
                evidence={
                    "measure": "park_kinds",
                    "value": 0,
                    "unit": "count",
                    "threshold": 1,
                    "leading_share": share,
                    "professional_share": parameters.professional_share,
                    "output_cny_per_mu": output,
                    "tax_cny_per_mu": tax,
                },
                cure=Message("cure.no_park_kind"),
                geometry=shape,
            )
        )
    return outcome


def _amounts_per_mu(case: Case) -> dict[str, tuple[float, float]]:
    """Output and tax per mu of the land of each park's enterprises, where land is known."""
    active = active_enterprises(case.plan)
    amounts = ["output_cny", "tax_cny", "land_m2"]
    known = active[active[amounts].notna().all(axis=1)]
    sums = known.groupby("park_id")[amounts].sum(min_count=1)
    sums = sums[sums["land_m2"] > 0]
    mu = sums["land_m2"] / M2_PER_MU
    return {
        str(park_id): (float(output), float(tax))
        for park_id, output, tax in zip(
            sums.index, sums["output_cny"] / mu, sums["tax_cny"] / mu, strict=True
        )
    }


def reported(case: Case, _: NoParameters) -> Outcome:
    """Every enterprise of the year before the latest is in the latest too, or closed.

    One that simply does not appear any more would change the shares in silence.
    """
    outcome = Outcome()
    every = case.plan.frame("enterprises")
    latest = latest_year(case.plan)
    if latest is None:
        return outcome
    earlier = every[every["year"] < latest].sort_values("year")
    last = earlier.drop_duplicates("enterprise_id", keep="last")
    now = set(every.loc[every["year"] == latest, "enterprise_id"])
    last = active_in(last, latest - 1)
    last = last[last["park_id"].isin(case.parks["park_id"])]
    outcome.judge_rows("enterprises", last)
    gone = last[~last["enterprise_id"].isin(now)]
    for enterprise_id, park_id, name in gone[["enterprise_id", "park_id", "name"]].itertuples(
        index=False
    ):
        values = {"name": name, "year": latest, "before": latest - 1}
        outcome.singles.append(
            RawFinding(
                verdict=Verdict.UNKNOWN,
                park_id=park_id,
                subject=Subject("enterprises", enterprise_id),
                title=Message("finding.not_reported", values),
                evidence={
                    "measure": "latest_year",
                    "value": None,
                    "missing_column": "enterprises.year",
                    "missing_rows": [enterprise_id],
                    "year": latest,
                },
                cure=Message("cure.not_reported", values),
            )
        )
    return outcome


CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "declared": Check(NoParameters, declared),
        "in_group": Check(NoParameters, in_group),
        "is_top": Check(TopParameters, is_top),
        "measured": Check(MeasuredParameters, measured),
        "leading_share": Check(ShareParameters, leading_share),
        "few_enterprises": Check(FewParameters, few_enterprises),
        "off_focus_enterprise": Check(NoParameters, off_focus_enterprise),
        "speciality": Check(NoParameters, speciality),
        "park_kind": Check(KindParameters, park_kind),
        "reported": Check(NoParameters, reported),
    }
)
