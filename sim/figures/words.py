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
    "synthetic stock: floor space by zone is estimated and spread by rule": (
        "合成存量：各片区面积为估计值，按规则分布"
    ),
    "university, institute or anchor firms": "高校、研究机构或龙头企业",
    "named place": "地点",
    "{km} km": "{km} 公里",
    "a world made up for theory": "为理论构造的世界",
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
    # stage funnel
    "Entered": "进入",
    "Seed round": "种子轮",
    "Series A": "A轮",
    "Series B": "B轮",
    "Series C": "C轮",
    "Series D or later": "D轮及以后",
    "{name}: {count} startups": "{name}：{count}家初创企业",
    "{name}: {count} startups, {seeds} seeds": "{name}：{seeds}个种子共{count}家",
    "Entered: first rooms found in the first {months} months": "进入：前{months}个月内首次租到办公空间",
    "Share that closed the round within {months} months of entry": "占比：进入后{months}个月内完成该轮融资",
    "Brackets and thin line: {interval}": "方括号与细线：{interval}",
    # survival
    "here {share}": "在区内 {share}",
    "Still here {share}": "仍在区内 {share}",
    "Acquired {share}": "被收购 {share}",
    "Moved away {share}": "迁出 {share}",
    "Failed {share}": "失败 {share}",
    "{share} listed in the end": "期末上市 {share}",
    "months since entry": "进入后的月数",
    "months since entry · thick: not failed, thin: still here": "进入后的月数 · 粗线：未失败；细线：仍在区内",
    "brackets: {interval}": "方括号：{interval}",
    "band, brackets: {interval}": "带与方括号：{interval}",
    "{count} entrants of the first {months} months": "前{months}个月进入的{count}家企业",
    "dark band: still here, {interval}": "深色带：仍在区内，{interval}",
    "95 % interval over {seeds} seeds": "{seeds}个种子的 95% 区间",
    "95 % interval over the startups": "以企业为样本的 95% 区间",
    # rent and vacancy
    "Asking rent": "挂牌租金",
    "RMB/m²/month": "元/平方米/月",
    "Vacancy": "空置率",
    "% of floor space": "占可租赁面积的%",
    "line: 95 % interval": "线：95% 区间",
    # page of one scenario
    "{name}: startups, rooms, money, survival": "{name}：企业、空间、融资、存续",
    "{months} months from {start}; {seeds}": "{start}起{months}个月；{seeds}",
    "1 seed: a story, not a result": "1个种子：只是一种可能的历史，不是结果",
    "mean of {seeds} seeds": "{seeds}个种子的均值",
    "Scenario, not a forecast": "情景，不是预测",
    "seed {seeds}": "种子 {seeds}",
    "seeds {seeds}": "种子 {seeds}",
    "scenario {of}": "情景 {of}",
    "Where startups are": "初创企业在哪里",
    "Active startups by zone, {date}": "各片区在营初创企业数，{date}",
    "Startups by segment over time": "各类初创企业数随时间的变化",
    "Active startups": "在营初创企业数",
    "Active startups; band: {interval}": "在营初创企业数；带：{interval}",
    "One-person": "一人公司",
    "Applications": "应用",
    "Large models": "大模型",
    "Embodied AI": "具身智能",
    "What rooms cost, and how much is empty": "空间的租金与空置",
    "Means of zones, weighted by floor space": "各片区按面积加权的均值",
    "{zone}: rent {rent}, vacancy {share}": "{zone}：租金 {rent}，空置率 {share}",
    "What became of those who entered": "进入的企业后来怎样",
    "Share of entrants": "进入企业的占比",
    "How far entrants get in raising money": "进入的企业融资到哪一步",
    "Share of entrants that closed a round of each stage": "完成各轮融资的进入企业占比",
    "Who survives": "哪些企业存续下来",
    "Share of entrants not failed, by segment at entry": "未失败的进入企业占比，按进入时的类型",
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
