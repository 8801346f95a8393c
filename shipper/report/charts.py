"""Charts of the page as SVG, drawn by Vega-Lite (vl-convert: no browser, no network).

Colours are variables of the page's style sheet, so that one picture does for light and dark. What Vega says of each
mark becomes its `<title>`, which browsers show under the pointer; screen readers are given the table instead.
"""

from __future__ import annotations

import json
import re
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree as ET

from shipper.errors import UsageError
from shipper.read.terminal import printable
from shipper.report.shape import OverTime
from shipper.report.units import value_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from shipper.panels.model import Panel, Unit
    from shipper.report.shape import Bars, Series

_SVG: Final = "http://www.w3.org/2000/svg"
_COLOURS: Final = 8
_PLACEHOLDER: Final = re.compile(r"#ab0([0-9a-f])([0-9a-f]{2})", re.IGNORECASE)
# Colours of the style sheet, as Vega can carry them through: group and number.
_MUTED, _GRID, _WARN, _BAD = (f"#ab01{number:02x}" for number in range(4))
_NAMES: Final = {"1": ("muted", "grid", "warn", "bad")}
_WIDTH, _HEIGHT = 440, 170
_BAR_STEP = 26
_BAR_WIDTH, _HOUR_S = 0.85, 3600.0
_MOST_BARS = 12
_LINE_FROM = 3
_DAYS_FROM = timedelta(days=3)
_FORMATS: dict[str, str] = {"share": ".0%", "USD": "$,.4~r", "score": ".1f"}
_LABEL_LIMIT = 140
_KEPT = 64
_TITLE_MOST = 28
"""Characters that fit beside an axis; the panel's own title stands above."""


def chart(panel: Panel, found: OverTime | Bars) -> str:
    """The picture, as an SVG element to be put into a page.

    Raises:
        UsageError: the charting library is not installed.
    """
    spec = _over_time(panel, found) if isinstance(found, OverTime) else _bars(found)
    return _made_ours(_drawn(json.dumps(spec)))


def legend(found: OverTime | Bars) -> list[tuple[str, str]]:
    """Name and colour of each series, where there are several. Never raises."""
    names = _names(found.series) if len(found.series) > 1 else []
    return [(name, f"var(--c{place % _COLOURS})") for place, name in enumerate(names)]


def begin() -> None:
    """Let the charting library start, which takes it half a second; the first chart would wait for it.

    Raises:
        UsageError: it is not installed.
    """
    _drawn(json.dumps({"data": {"values": []}, "mark": "point"}))


@lru_cache(_KEPT)
def _drawn(spec: str) -> str:
    """The picture; some are on two dashboards."""
    try:
        import vl_convert  # pyright: ignore[reportMissingTypeStubs]
    except ImportError:
        raise UsageError(
            "The page's charts need vl-convert: pip install 'llm-shipper[report]'. Without it, `shipper report` shows "
            "the same in the terminal."
        ) from None
    return vl_convert.vegalite_to_svg(spec, config=_config(), allowed_base_urls=[])


def _over_time(panel: Panel, found: OverTime) -> dict[str, Any]:
    is_stacked = panel.chart == "bar"
    unit, factor = _axis_unit(found.series)
    values = _points(found, factor)
    x: dict[str, Any] = {"field": "t", "type": "temporal", "scale": {"type": "utc"}, "title": None}
    is_long = bool(found.times) and found.times[-1] - found.times[0] > _DAYS_FROM
    x["axis"] = {"grid": False, "labelOverlap": "greedy", "labelSeparation": 10, "tickCount": 6}
    x["axis"]["format"] = "%b %-d" if is_long else "%a %H:%M"
    y: dict[str, Any] = {"field": "v", "type": "quantitative", "title": _axis_title(found.series, unit)}
    y["axis"] = {**_numbers(unit), "tickCount": 4}
    if not any(one["v"] for one in values):  # of nothing but zeros the scale would have no height
        y["scale"] = {"domain": [0, 1]}
    is_short = len({one["t"] for one in values}) < _LINE_FROM  # a line of one point can't be seen
    point = {"opacity": 1, "size": 40} if is_short else {"opacity": 0, "size": 90}
    mark: dict[str, Any] = {"type": "line", "strokeWidth": 2, "point": point}
    encoding = {"x": x, "y": y, "description": {"field": "label"}, **_colour(found.series)}
    if is_stacked:
        _stack(values, found.times)
        mark = {"type": "rect"}
        encoding |= {"x2": {"field": "until"}, "y2": {"field": "base"}}
    layers: list[dict[str, Any]] = [{"mark": mark, "encoding": encoding}]
    layers += _limits(panel, found, factor)
    return {"width": _WIDTH, "height": _HEIGHT, "data": {"values": values}, "layer": layers}


def _points(found: OverTime, factor: float) -> list[dict[str, Any]]:
    return [
        {
            "t": moment.timestamp() * 1000,
            "v": value * factor,
            "s": _name(one),
            "label": f"{moment:%a %Y-%m-%d %H:%M} UTC · {_name(one)}: {value_text(value, one.metric.unit)}",
        }
        for one in found.series
        for moment, value in zip(found.times, one.values, strict=True)
        if value is not None
    ]


def _stack(values: list[dict[str, Any]], times: list[datetime]) -> None:
    """Put the bars of a time on top of each other, and give them their width."""
    step = (times[1] - times[0]).total_seconds() if len(times) > 1 else _HOUR_S
    tops: dict[float, float] = {}
    for one in values:
        base = tops.get(one["t"], 0.0)
        top = tops[one["t"]] = base + one["v"]
        one |= {"base": base, "v": top, "until": one["t"] + _BAR_WIDTH * 1000 * step}


def _limits(panel: Panel, found: OverTime, factor: float) -> Iterator[dict[str, Any]]:
    """Lines at the thresholds that the values come near, and at those that have a name."""
    known = [value for one in found.series for value in one.values if value is not None]
    shown = {one.metric.id for one in found.series}
    for one in panel.thresholds:
        if one.metric in shown and (one.label or one.value <= max(known, default=0.0) * 1.2):
            colour = _BAD if one.level == "bad" else _WARN
            yield {
                "data": {"values": [{"v": one.value * factor}]},
                "mark": {"type": "rule", "color": colour, "strokeDash": [4, 3]},
                "encoding": {"y": {"field": "v", "type": "quantitative"}},
            }
            if one.label:
                yield {
                    "data": {"values": [{"v": one.value * factor}]},
                    "mark": {
                        "type": "text",
                        "align": "left",
                        "dx": 4,
                        "dy": 10,
                        "fontSize": 13,
                        "color": _MUTED,
                    },
                    "encoding": {
                        "x": {"value": 0},
                        "y": {"field": "v", "type": "quantitative"},
                        "text": {"value": one.label},
                    },
                }


def _bars(found: Bars) -> dict[str, Any]:
    labels = [printable(one) for one in found.labels][:_MOST_BARS]
    unit, factor = _axis_unit(found.series)
    values = [
        {
            "place": place,
            "name": label,
            "v": (one.values[place] or 0.0) * factor,
            "s": _name(one),
            "label": f"{label} · {_name(one)}: {value_text(one.values[place], one.metric.unit)}",
        }
        for place, label in enumerate(labels)
        for one in found.series
        if one.values[place] is not None
    ]
    y: dict[str, Any] = {"field": "name", "type": "nominal", "sort": {"field": "place"}, "title": None}
    y["axis"] = {"labelLimit": _LABEL_LIMIT, "labelPadding": 8, "ticks": False, "domain": False}
    x: dict[str, Any] = {"field": "v", "type": "quantitative", "title": _axis_title(found.series, unit)}
    x["axis"] = {**_numbers(unit), "tickCount": 4}
    encoding = {
        "y": y,
        "x": x,
        "description": {"field": "label"},
        **_colour(found.series),
    }
    return {
        "width": _WIDTH,
        "height": {"step": _BAR_STEP},
        "data": {"values": values},
        "mark": {"type": "bar", "height": {"band": 0.7}},
        "encoding": encoding,
    }


def _numbers(unit: Unit) -> dict[str, str]:
    """How the axis writes its numbers; large ones each with its own sign: 0, 500, 1k."""
    if unit in _FORMATS:
        return {"format": _FORMATS[unit]}
    return {"format": ",~r"} if unit in ("ms", "s") else {"labelExpr": "format(datum.value, '~s')"}


def _colour(series: list[Series]) -> dict[str, Any]:
    names = _names(series)
    scale = {"domain": names, "range": [f"#ab00{place % _COLOURS:02x}" for place in range(len(names))]}
    return {"color": {"field": "s", "type": "nominal", "scale": scale, "legend": None}}


def _names(series: list[Series]) -> list[str]:
    return list(dict.fromkeys(_name(one) for one in series))


def _axis_unit(series: list[Series]) -> tuple[Unit, float]:
    """The unit of the axis and the factor to it: thousands of milliseconds are seconds."""
    unit = series[0].metric.unit if series else "calls"
    if unit == "ms":
        largest = max((value for one in series for value in one.values if value is not None), default=0.0)
        if largest >= 172_800_000:
            return "s", 1 / 86_400_000
        if largest >= 2000:
            return "s", 0.001
    return unit, 1.0


def _axis_title(series: list[Series], unit: Unit) -> str:
    metric = series[0].metric
    name = metric.label if len({one.metric.id for one in series}) == 1 else ""
    largest = max((value for one in series for value in one.values if value is not None), default=0.0)
    shown = {"share": "share of calls", "USD": "US dollars", "score": "score, 0 to 1"}.get(unit, unit)
    if metric.unit == "ms" and largest >= 172_800_000:
        shown = "days"
    whole = f"{name} ({shown})"
    return shown if not name or name.lower() == shown or len(whole) > _TITLE_MOST else whole


def _name(one: Series) -> str:
    return printable(one.name) or one.metric.label


def _config() -> dict[str, Any]:
    text = {"labelColor": _MUTED, "titleColor": _MUTED, "labelFontSize": 13, "titleFontSize": 13}
    return {
        "background": None,
        "font": "system-ui, sans-serif",
        "view": {"stroke": None},
        "padding": {"left": 14, "right": 14, "top": 8, "bottom": 4},
        "autosize": {"type": "fit-x", "contains": "padding"},
        "axis": {
            **text,
            "titleFontWeight": "normal",
            "titlePadding": 10,
            "gridColor": _GRID,
            "domainColor": _GRID,
            "tickColor": _GRID,
        },
    }


def _made_ours(svg: str) -> str:
    """Vega's picture with the page's colours, its labels under the pointer, and nothing for screen readers."""
    ET.register_namespace("", _SVG)
    root = ET.fromstring(svg)  # noqa: S314 - made by ourselves a moment ago, without entities
    for element in root.iter():
        label = element.attrib.pop("aria-label", None)
        kind = element.attrib.pop("aria-roledescription", "")
        for name in ("role", "aria-hidden", "class"):
            element.attrib.pop(name, None)
        if label and kind in ("bar", "point", "line mark", "rect mark", "symbol mark"):
            title = ET.Element(f"{{{_SVG}}}title")
            title.text = label
            element.insert(0, title)
        for name in ("fill", "stroke"):
            value = element.attrib.get(name)
            if value is not None:
                element.attrib[name] = _PLACEHOLDER.sub(_variable, value)
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    root.attrib["aria-hidden"] = "true"
    root.attrib["focusable"] = "false"
    return ET.tostring(root, encoding="unicode")


def _variable(found: re.Match[str]) -> str:
    group, number = found[1], int(found[2], 16)
    return f"var(--{_NAMES[group][number]})" if group in _NAMES else f"var(--c{number})"
