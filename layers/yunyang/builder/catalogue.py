"""The 48 parks as planned: 1 municipal park, 5 clusters, 42 building parks.

Leading industries, supporting industries and specialities are illustrative, except
南溪's apparel and toys. `case` names the case planted in a park; parks without a case
satisfy every rule of the default rulebook.
"""

from __future__ import annotations

from dataclasses import dataclass

MUNICIPAL = "YY-M-01"

SUB_AREAS = (
    ("YY-S-01", "人和", (561_700.0, 3_429_700.0), (1_330.0, 860.0), 20.0),
    ("YY-S-02", "松树包", (568_900.0, 3_427_700.0), (1_260.0, 830.0), -15.0),
    ("YY-S-03", "黄岭", (572_700.0, 3_427_000.0), (1_420.0, 880.0), 8.0),
    ("YY-S-04", "水口", (573_400.0, 3_434_900.0), (1_250.0, 850.0), -10.0),
    ("YY-S-05", "天宝", (569_200.0, 3_435_500.0), (1_180.0, 800.0), 25.0),
)
"""The municipal park's five sub-areas: id, name, centre, half axes in metres, angle."""


@dataclass(frozen=True)
class Approval:
    """When a park was approved, and by which document; invented."""

    day: str | None = "2016-05-20"
    number: str | None = "示例批字 2016-1 号"
    plan_eia_number: str | None = "示例环函字 2017-1 号"
    plan_eia_day: str | None = "2017-03-15"


@dataclass(frozen=True, kw_only=True)
class ParkPlan:
    """One park: its industries, and the case planted in it."""

    park_id: str
    township: int | None
    """Row of the township table; None if unknown, or if there are several."""
    leading: str | None
    supporting: str | None
    speciality: str | None
    classes: tuple[str, ...]
    """Prefixes of the codes of enterprises in the leading industry."""
    helpers: tuple[str, ...]
    """Prefixes of the codes of enterprises in the supporting industries."""
    name: str | None = None
    host: str | None = None
    partner: str | None = None
    terms: str | None = None
    status: str | None = "operating"
    declared_factor: float | None = None
    """Ratio of declared to measured area; None gives a small, harmless difference."""
    has_declared_area: bool = True
    approval: Approval | None = Approval()
    """When the park was approved; None if that is not known."""
    is_chemical: bool | None = False
    """Whether it is a recognised chemical park."""
    is_rectangle: bool = False
    """An axis-aligned rectangle with planted parcels, sited by `parks`."""


def _cluster(
    number: int,
    township: int | None,
    leading: str | None,
    text: tuple[str | None, str | None],
    classes: str,
    helpers: str,
    **more: object,
) -> ParkPlan:
    supporting, speciality = text
    return ParkPlan(
        park_id=f"YY-C-{number:02d}",
        township=township,
        leading=leading,
        supporting=supporting,
        speciality=speciality,
        classes=tuple(classes.split()),
        helpers=tuple(helpers.split()),
        **more,  # type: ignore[arg-type]
    )


def _park(
    number: int,
    leading: str | None,
    supporting: str | None,
    speciality: str | None,
    classes: str,
    *,
    helpers: str | None = None,
    **more: object,
) -> ParkPlan:
    drawn = helpers if helpers is not None else (supporting or "").replace(";", " ")
    return ParkPlan(
        park_id=f"YY-B-{number:02d}",
        township=number,
        leading=leading,
        supporting=supporting,
        speciality=speciality,
        classes=tuple(classes.split()),
        helpers=tuple(drawn.split()),
        **more,  # type: ignore[arg-type]
    )


ENCLAVE_TERMS = "示意：产值与税收由飞出地和飞入地按五五比例分享，期限十年"

PARKS: tuple[ParkPlan, ...] = (
    ParkPlan(
        park_id=MUNICIPAL,
        township=None,
        name="云阳市级特色工业园区（示意）",
        leading="384",
        supporting="382;383;397;398;292",
        speciality="锂离子电池模组与储能系统",
        classes=("384",),
        helpers=("382", "383", "397", "398", "292"),
    ),
    _cluster(
        1,
        20,
        "35",
        ("33;34", "农机与食品专用设备"),
        "351 353 354 357 359",
        "331 339 346",
        name="江口镇中小企业集聚区（示意）",
        approval=Approval(number="无"),
    ),
    _cluster(
        2,
        17,
        "18",
        ("245;17", "服装与玩具"),
        "181 182 183",
        "245 175 177",
        name="南溪镇中小企业集聚区（示意）",
    ),
    _cluster(
        3,
        21,
        "34",
        ("33;30", "泵阀与紧固件"),
        "344 348 345 346",
        "332 335 304",
        name="高阳镇中小企业集聚区（示意）",
    ),
    _cluster(
        4,
        22,
        "14",
        ("13;22", "方便食品与调味品"),
        "143 146 141",
        "131 137 223",
        name="平安镇中小企业集聚区（示意）",
        approval=Approval(plan_eia_number="无"),
    ),
    _cluster(
        5,
        None,
        None,
        (None, None),
        "292 204",
        "223 231",
        name="第五中小企业集聚区（占位，所在乡镇未公布）",
        status="planned",
        approval=None,
    ),
    _park(1, "397", "356;382", "新型显示模组", "397", is_rectangle=True),
    _park(2, "397", "398;231", "传感器封装测试", "397", helpers="398 398 231"),
    _park(3, "398", "397;292;223", "电子陶瓷与连接器", "398", host=MUNICIPAL),
    _park(
        4,
        "2926",
        "265;264;268;223",
        "食品级塑料包装",
        "2926",
        is_rectangle=True,
        is_chemical=True,
        approval=Approval(day="2024-06-18"),
    ),
    _park(5, "15", "22;30", "高粱酒与果酒", "151 152", helpers="223 305"),
    _park(6, "307", "101;102;264", "日用陶瓷", "307", is_rectangle=True),
    _park(7, "17", "18;28", "家用纺织品", "177 175", helpers="183 281"),
    _park(8, "20", "21;22", "竹木制品", "203 204", helpers="211 223", is_rectangle=True),
    _park(9, "14", "22", "粉丝与糕点", "141 145 143", helpers="223", is_rectangle=True),
    _park(
        10, "19", "17;29", "箱包皮具", "192 191", helpers="178 292", is_rectangle=True, status=None
    ),
    _park(11, "40", "39;29", "智能电表与传感仪表", "401 402 403", helpers="396 292"),
    _park(12, "18;24", "17", "特色小家纺与礼品", "182 243", helpers="175"),
    _park(13, "21", "20;29", "竹木家具", "211 212", helpers="202 292", is_rectangle=True),
    _park(14, "14", "22", "榨菜与豆制品", "141 145 149", helpers="223", is_rectangle=True),
    _park(15, "303", "101;22", "新型墙材", "303", is_rectangle=True, approval=None),
    _park(16, "13", "22;51", "柑橘鲜果初加工", "137 133", helpers="223 512", is_rectangle=True),
    _park(17, "245", "18;29", "毛绒与益智玩具", "245", helpers="183 292", host="YY-C-02"),
    _park(18, "14", "23;29", "小面调料", "146 149", helpers="231 292"),
    _park(19, "13", "22;59", "山羊肉与禽肉加工", "135", helpers="223 595", is_rectangle=True),
    _park(
        20,
        "36",
        "33;34",
        "汽车电子与内外饰件",
        "367 366",
        helpers="339 345",
        host="YY-C-01",
        is_rectangle=True,
    ),
    _park(21, "23", "22", "包装印刷", "231 232", helpers="223", is_rectangle=True),
    _park(22, "223", "23;29", "纸制品与标签", "223", helpers="231 292", is_rectangle=True),
    _park(23, "243", "18;22", "三峡文创工艺品", "243", helpers="181 223", is_rectangle=True),
    _park(24, "149", "22;27", "井盐与盐浴制品", "149", helpers="223 277"),
    _park(25, "17", "18;29", "产业用纺织品", "178", helpers="181 292"),
    _park(26, "13", "22;29", "菌菇蔬菜加工", "137 136", helpers="223 292"),
    _park(27, "13", "22;51", "薯类淀粉制品", "139", helpers="223 512", is_rectangle=True),
    _park(28, "274", "273;277", "道地药材制剂", "274", is_rectangle=True),
    _park(29, "381", "382;29", "微特电机", "381", helpers="382 292", is_rectangle=True),
    _park(
        30, "383", "29;398", "特种线缆", "383", helpers="292 398", host=MUNICIPAL, is_rectangle=True
    ),
    _park(31, None, "21;22;29", None, "211 223", helpers="292", has_declared_area=False),
    _park(32, "18", "17;19", "针织童装", "182", helpers="175 195"),
    _park(33, "13", "22;29", "高山蔬菜与菌菇", "137 136", helpers="223 292"),
    _park(
        34,
        "13",
        "22",
        "特色小家纺与礼品",
        "132",
        helpers="223",
        is_rectangle=True,
        declared_factor=1.0 / 0.9,
    ),
    _park(
        35,
        "37",
        "33;34",
        "摩托车与电动车部件",
        "375 377",
        helpers="339 345",
        is_rectangle=True,
        status="planned",
    ),
    _park(
        36,
        "391",
        "39;38",
        "计算机外设",
        "391",
        helpers="392 382",
        host=MUNICIPAL,
        is_rectangle=True,
    ),
    _park(37, "373", "33;34", "小型船舶与船用配件", "373", helpers="339 348"),
    _park(38, "195", "19;29", "运动鞋与鞋材", "195", helpers="193 292"),
    _park(39, "17", "18;29", "棉纺与面料", "171 175", helpers="181 292"),
    _park(
        40,
        "33",
        "34",
        "五金与金属结构件",
        "331 335 338",
        helpers="345 348",
        is_rectangle=True,
        declared_factor=1.04,
    ),
    _park(
        41,
        "411",
        "20;29",
        "日用刷具与伞具",
        "411",
        helpers="203 292",
        partner="示例邻县合作方（示意）",
        terms=ENCLAVE_TERMS,
    ),
    _park(42, "153", "22;20", "高山茶精制", "153", helpers="223 204", is_rectangle=True),
)
"""All parks, ordered by id."""
