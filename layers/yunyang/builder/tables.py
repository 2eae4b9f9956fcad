"""Make the tables of reference data: townships, industry groups, and industry chains."""

from __future__ import annotations

from builder.frame import Properties
from builder.geography import Township

TOWNSHIP_COLUMNS = (
    "lon", "lat", "code", "code_scheme", "name", "kind", "alt_code", "alt_code_scheme",
    "alt_name", "position_quality", "source", "illustrative",
)  # fmt: skip


def township_rows(townships: tuple[Township, ...]) -> list[Properties]:
    """Return the table `townships`: the 42 divisions with their two codes and their seats."""
    return [
        {
            "lon": township.lon,
            "lat": township.lat,
            "code": township.code,
            "code_scheme": "nbs",
            "name": township.name,
            "kind": township.kind,
            "alt_code": township.mca_code,
            "alt_code_scheme": "mca",
            "alt_name": township.mca_name if township.mca_name != township.name else None,
            "position_quality": "seat" if township.is_seat else "approximate",
            "source": _township_source(township),
            "illustrative": False,
        }
        for township in townships
    ]


def _township_source(township: Township) -> str:
    codes = "代码：国家统计局 2023 年区划代码、民政部行政区划代码"
    if township.is_seat:
        point = f"点位：GeoNames（geonames.org，CC BY 4.0），{_via(township.source)}"
    else:
        point = "点位：外包矩形（PyPI sizhi 3.0.6）的中心，不是驻地"
    return f"{codes}；{point}"


def _via(source: str) -> str:
    return f"经 {source.removeprefix('GeoNames via ').removesuffix(' (CC BY 4.0)')}"


GROUP_COLUMNS = ("code_prefix", "group", "strength", "note")

_GROUPS: tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...] = (
    ("green_consumer", "core", (
        ("13", "农副食品加工"), ("14", "食品制造"), ("15", "酒、饮料和精制茶"), ("17", "纺织"),
        ("18", "纺织服装、服饰"), ("19", "皮革、毛皮、羽毛和制鞋"), ("21", "家具"),
        ("24", "文教、工美、体育和娱乐用品"),
    )),
    ("green_consumer", "conditional", (
        ("20", "木竹加工：待县里确认"), ("223", "纸制品：只含纸制品，不含制浆造纸 221、222"),
        ("23", "印刷：待县里确认"), ("268", "日用化学产品：另须过环境准入关"),
        ("273", "中药饮片：另须过环境准入关"), ("274", "中成药：另须过环境准入关"),
        ("277", "卫生材料及医药用品：另须过环境准入关"), ("2924", "泡沫塑料：待县里确认"),
        ("2926", "塑料包装箱及容器：待县里确认"), ("2927", "日用塑料制品：待县里确认"),
        ("305", "玻璃制品（日用玻璃）：待县里确认"), ("307", "陶瓷制品（日用陶瓷）：待县里确认"),
        ("338", "金属制日用品：优先于 33"), ("385", "家用电力器具：待县里确认"),
        ("386", "非电力家用器具：待县里确认"), ("411", "日用杂品：待县里确认"),
    )),
    ("equipment", "core", (
        ("33", "金属制品，不含 338"), ("34", "通用设备"), ("35", "专用设备，不含 3562、3563"),
        ("36", "汽车"), ("37", "铁路、船舶、航空航天和其他运输设备"), ("40", "仪器仪表"),
        ("43", "金属制品、机械和设备修理"),
    )),
    ("equipment", "conditional", (
        ("381", "电机：若县里把电气机械算作装备"), ("383", "电线、电缆、光缆：同上"),
        ("389", "其他电气机械：同上"),
    )),
    ("energy_electronics", "core", (
        ("384", "电池（储）"), ("3825", "光伏设备及元器件（光）"), ("3824", "电力电子元器件"),
        ("397", "电子器件（信）"), ("398", "电子元件及电子专用材料（信）"),
    )),
    ("energy_electronics", "conditional", (
        ("391", "计算机（端）"), ("392", "通信设备（端）"), ("393", "广播电视设备（端）"),
        ("394", "雷达及配套设备（端）"), ("395", "非专业视听设备（端）"),
        ("396", "智能消费设备（端）"), ("399", "其他电子设备（端）"),
        ("3821", "变压器、整流器和电感器：输配电"), ("3822", "电容器及其配套设备：输配电"),
        ("3823", "配电开关控制设备：输配电"), ("3829", "其他输配电及控制设备"),
        ("387", "照明器具"), ("3562", "半导体器件专用设备：优先于 35"),
        ("3563", "电子元器件与机电组件设备：优先于 35"),
        ("441", "电力生产：只作能源服务，不是制造"), ("442", "电力供应：只作能源服务，不是制造"),
    )),
)  # fmt: skip


def group_rows() -> list[Properties]:
    """Return the table `industry_groups`: one prefix per row; the longest match decides.

    From sources/industry_groups.csv, a proposal; 59 (warehousing) is left out on purpose.
    """
    return [
        {"code_prefix": prefix, "group": group, "strength": strength, "note": note}
        for group, strength, prefixes in _GROUPS
        for prefix, note in prefixes
    ]


CHAIN_COLUMNS = ("supplier_code", "customer_code", "relation", "source", "illustrative")
_CHAIN_SOURCE = "示意：按一般供应关系拟定，待县里按本地产业链修订"
_CHAINS: tuple[tuple[str, str, str], ...] = (
    ("17", "18", "面料、纱线"), ("17", "19", "鞋用织物"), ("19", "18", "皮革、毛皮料"),
    ("24", "18", "服装饰件"), ("268", "17", "染整助剂"), ("223", "13", "纸箱包装"),
    ("223", "14", "纸箱包装"), ("223", "15", "纸箱包装"), ("2926", "13", "塑料包装"),
    ("2926", "14", "塑料包装"), ("2926", "15", "塑料瓶与周转箱"), ("13", "14", "初加工农产品"),
    ("13", "15", "粮食、果品原料"), ("305", "15", "玻璃瓶"), ("20", "21", "板材"),
    ("33", "21", "五金件"), ("17", "21", "软体面料"), ("2924", "21", "海绵"),
    ("33", "34", "结构件、铸锻件"), ("33", "35", "结构件、铸锻件"), ("33", "36", "冲压件"),
    ("34", "35", "轴承、泵阀、传动件"), ("34", "36", "轴承、传动件"), ("34", "37", "轴承、传动件"),
    ("35", "33", "模具"), ("383", "36", "线束"), ("383", "38", "电线电缆"), ("381", "34", "电机"),
    ("384", "36", "动力电池"), ("384", "39", "电池组"), ("397", "398", "芯片、显示器件"),
    ("398", "391", "电子元件"), ("398", "392", "电子元件"), ("398", "396", "电子元件"),
    ("397", "392", "光电子器件"), ("3824", "384", "储能变流器件"), ("3824", "3825", "逆变器件"),
    ("3825", "441", "光伏组件"), ("3562", "397", "半导体设备"), ("3563", "398", "电子专用设备"),
    ("27", "277", "药用原料"), ("24", "21", "装饰件"),
)  # fmt: skip


def chain_rows() -> list[Properties]:
    """Return the table `industry_chains`: who supplies whom, by code prefix; all illustrative."""
    return [
        {
            "supplier_code": supplier,
            "customer_code": customer,
            "relation": relation,
            "source": _CHAIN_SOURCE,
            "illustrative": True,
        }
        for supplier, customer, relation in _CHAINS
    ]
