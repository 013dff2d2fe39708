"""What figures say: English phrases and the same in Chinese."""

from typing import Any

LANGUAGES = ("en", "zh")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

#: English phrase -> Chinese phrase; fields in braces are filled in by `say`
CHINESE = {
    "Baseline": "基准情景",
    "Difference: {name}": "差异：{name}",
    "Active startups by zone, {date} (month {month}); mean of {seeds} seeds": (
        "各片区在营初创企业数，{date}（第{month}个月）；{seeds}个种子的均值"
    ),
    "Active startups, policy minus baseline, {date} (month {month}); brackets: not resolved": (
        "在营初创企业数，政策减基准，{date}（第{month}个月）；括号：方向未定"
    ),
    "Active startups by zone": "各片区在营初创企业数",
    "Difference from the baseline, startups by zone": "与基准之差，各片区初创企业数",
    "95 % interval includes 0: not resolved": "95% 区间包含 0，方向未定",
    "fewer than {fewest} seeds: no interval, not resolved": "种子少于{fewest}个：无区间，方向未定",
    "zone the policy treats": "政策所在片区",
    "metro station": "地铁站",
    "synthetic stock": "合成存量",
    "5 km": "5 公里",
    "{home} in white; its empty north lies outside the frame": "白色为{home}；其北部空白区未画出",
    "Scenario difference, not a forecast": "情景差异，不是预测",
    "1 seed": "1个种子",
    "{seeds} seeds": "{seeds}个种子",
    "plan {plan}": "方案 {plan}",
    "Where active startups are, and where policy changes them": "在营初创企业在哪里，政策在哪里改变它们",
    "Active startups in the region over time": "区域在营初创企业数随时间的变化",
    "Net for the region, and moved within it": "区域净效应与区域内转移",
    "Line: mean; band: 95 % interval over {seeds} seeds. One scale for each column": (
        "线：均值；带：{seeds}个种子的 95% 区间。每列同一尺度"
    ),
    "Line: mean of {seeds} seeds; fewer than {fewest} have no interval. One scale for each column": (
        "线：{seeds}个种子的均值；种子少于{fewest}个时无区间。每列同一尺度"
    ),
    "Active startups in the region, first {months} months": "区域在营初创企业数，前{months}个月",
    "Difference from the baseline, active startups in the region": "与基准之差，区域在营初创企业数",
    "Active startups, policy minus baseline, {date} (month {month}). One scale for all policies": (
        "在营初创企业数，政策减基准，{date}（第{month}个月）。各政策同一尺度"
    ),
    "Solid: net for the region. Hatched: moved from other zones of the region": (
        "实心：区域净增。斜线：由区域内其他片区转移"
    ),
    "Hollow: the 95 % interval of the net effect includes 0": "空心：净效应的 95% 区间包含 0",
    "Hollow: fewer than {fewest} seeds, no interval": "空心：种子少于{fewest}个，无区间",
    "net {net}": "净 {net}",
    "moved {moved}": "转移 {moved}",
    "treated zones {gain}; new to the region {new}": "政策所在片区 {gain}；其中区域新增 {new}",
    "treated zones {gain}": "政策所在片区 {gain}",
    "no treated zone": "不针对特定片区",
    "Office zones, universities and anchor firms": "办公片区、高校与龙头企业",
    "Zones coloured by belt; cells of {cell} km take the zone with most floor space": (
        "片区按片带着色；{cell} 公里网格归入面积最大的片区"
    ),
    "Zones by belt": "片带",
    "University": "高校",
    "Institute": "研究机构",
    "Anchor firms": "龙头企业",
    "Metro station": "地铁站",
    "Named place; its name where there is room": "地点；有空处注名",
    "Zone centre": "片区中心",
}


def say(phrase: str, lang: str = "en", **fields: Any) -> str:
    """Return a phrase in English or Chinese, with its fields filled in.

    Raises
    ------
    KeyError
        If the phrase has no Chinese.
    ValueError
        If the language is neither "en" nor "zh".
    """
    if lang not in LANGUAGES:
        raise ValueError(f"lang = {lang!r}: must be one of {', '.join(LANGUAGES)}")
    chinese = CHINESE[phrase]
    return (phrase if lang == "en" else chinese).format(**fields)


def month_name(start: str, months: int, lang: str = "en") -> str:
    """Return the calendar month that is the last of `months` months from `start` ("YYYY-MM")."""
    year, month = (int(part) for part in start.split("-"))
    year, month = divmod(year * 12 + month - 1 + months - 1, 12)
    return f"{MONTHS[month]} {year}" if lang == "en" else f"{year}年{month + 1}月"
