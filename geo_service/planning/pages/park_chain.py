"""A park's place in the industry chain: whom its leading industry buys from and sells to.

Partners are those of the county's chain table. Of each it is told how many enterprises of that
industry work in the park and in the county: none in the county is a missing link.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from geo_service.domain.enterprises import active_enterprises
from geo_service.industry import are_within, is_one_branch
from geo_service.reports.document import Document, industry_name

if TYPE_CHECKING:
    from geo_service.language import Translator
    from geo_service.zoning.review import Review


def chain_document(review: Review, park_id: str, translator: Translator) -> Document:
    """Return the suppliers and customers of a park's leading industry; empty lists without one."""
    leading = review.focus[park_id].leading
    plan = review.plan
    if leading is None or not plan.has("industry_chains"):
        return {"leading": leading, "suppliers": [], "customers": []}
    table = plan.frame("industry_chains")
    active = active_enterprises(plan)
    is_withheld = plan.is_withheld("enterprises", "industry_code")
    is_own = (active["park_id"] == park_id).fillna(value=False).to_numpy(dtype=bool)
    suppliers: dict[str, list[str]] = {}
    customers: dict[str, list[str]] = {}
    for supplier, customer, relation in zip(
        table["supplier_code"], table["customer_code"], table["relation"], strict=True
    ):
        words = relation if isinstance(relation, str) else ""
        if is_one_branch(leading, customer):
            suppliers.setdefault(supplier, []).append(words)
        if is_one_branch(leading, supplier):
            customers.setdefault(customer, []).append(words)

    def partner(code: str, relations: list[str]) -> Document:
        is_partner = are_within(active["industry_code"], (code,))
        named = list(dict.fromkeys(filter(None, relations)))
        return {
            "code": code,
            "name": industry_name(code, translator),
            "relation": translator.convert(translator.listed(named)),
            "in_park": None if is_withheld else int((is_partner & is_own).sum()),
            "in_county": None if is_withheld else int(is_partner.sum()),
        }

    return {
        "leading": leading,
        "suppliers": [partner(*item) for item in suppliers.items()],
        "customers": [partner(*item) for item in customers.items()],
    }
