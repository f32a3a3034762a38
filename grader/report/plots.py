"""Training curves as inline SVG: no script, no font, no file beside it, and legible without colour.

Own drawing rather than matplotlib: its SVG carries fixed colours, so it can't follow the reader's light or dark scheme.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from grader.records import Curve
from grader.report.text import clean_line

MAX_SERIES = 8  # as many as there are dash patterns and markers below
MAX_POINTS = 400
NAME_CHARS = 24
MAX_ROWS = 40  # of the table of numbers
# A loss may run away to 1e300; beyond these a scale in floats overflows or vanishes.
LARGEST, SMALLEST = 1e30, 1e-30
# Below this relative span the tick labels would all read the same.
LEAST_SPAN = 1e-4

WIDTH, HEIGHT = 400, 250
LEFT, RIGHT, TOP, BOTTOM = 58, 12, 12, 40
LEGEND_ROW = 20
MARKERS_UP_TO = 30

_DASHES = ("none", "7 4", "2 3", "10 3 2 3", "14 4", "4 2 1 2", "1 4", "12 3 4 3")
_MARKERS = (
    "M-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0z",
    "M-3 -3h6v6h-6z",
    "M0 -4l4 7h-8z",
    "M0 -4.5l4.5 4.5l-4.5 4.5l-4.5 -4.5z",
    "M0 4l4 -7h-8z",
    "M-4 -1h3v-3h2v3h3v2h-3v3h-2v-3h-3z",
    "M4 0l-7 4v-8z",
    "M-4 0l7 4v-8z",
)


@dataclass(frozen=True)
class Series:
    """One line of a chart.

    Attributes:
        name: Made safe to show; may still need escaping.
        values: One an epoch; None where it is no finite number.
    """

    name: str
    values: tuple[float | None, ...]

    @property
    def missing(self) -> tuple[int, ...]:
        """Epochs, from 1, without a finite value."""
        return tuple(epoch for epoch, value in enumerate(self.values, 1) if value is None)


@dataclass(frozen=True)
class Chart:
    """A curve made ready to show.

    Attributes:
        svg: The drawing, or None where there is no finite value to draw.
        summary: What the drawing shows, in words: one sentence a series.
        rows: The same as numbers: epoch, then one cell a series; at most about `MAX_ROWS`, evenly picked.
        remarks: What the reader has to know besides: epochs without a finite value, series left out.
    """

    title: str
    series: tuple[Series, ...]
    svg: Markup | None
    summary: str
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    remarks: tuple[str, ...]


def chart(curve: Curve, uid: str) -> Chart:
    """Draws one curve.

    Args:
        curve: Values may be anything a training returned: empty, one epoch, infinite, of unequal lengths.
        uid: Prefix of the ids in the SVG; unique in the page.
    """
    title = clean_line(curve.title) or "Training curve"
    names = list(curve.series)[:MAX_SERIES]
    series = tuple(
        Series(clean_line(name, NAME_CHARS) or "unnamed", tuple(map(_finite, curve.series[name]))) for name in names
    )
    remarks = [_missing(line) for line in series if line.missing]
    if len(curve.series) > len(names):
        remarks.append(f"{len(curve.series) - len(names)} more series are not shown.")
    drawn = tuple(line for line in series if any(value is not None for value in line.values))
    summary = " ".join(map(_sentence, drawn)) or "There is no finite value to draw."
    svg = _svg(title, summary, drawn, uid) if drawn else None
    return Chart(title, series, svg, summary, _rows(series), tuple(remarks))


def nice_ticks(low: float, high: float, at_most: int) -> list[float]:
    """Round tick values (steps of 1, 2 or 5 times a power of ten) that lie inside [low, high]."""
    rough = (high - low) / max(at_most - 1, 1)
    magnitude = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * magnitude for factor in (1, 2, 5, 10, 20) if _count(low, high, factor * magnitude) <= at_most)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [index * step for index in range(first, last + 1)]


def tick_labels(ticks: Sequence[float]) -> list[str]:
    """As many decimals as tell the ticks apart; an exponent where numbers are very large or small."""
    largest = max(map(abs, ticks), default=0.0)
    if len(ticks) < 2 or not 1e-3 <= largest < 1e5:
        return [number(tick) for tick in ticks]
    decimals = max(0, -math.floor(math.log10(ticks[1] - ticks[0]) + 1e-9))
    return [f"{tick + 0.0:.{decimals}f}" for tick in ticks]


def number(value: float) -> str:
    """At most four significant digits, without an exponent where that stays short."""
    return f"{value + 0.0:.4g}"


def _count(low: float, high: float, step: float) -> int:
    return math.floor(high / step + 1e-9) - math.ceil(low / step - 1e-9) + 1


def _finite(value: float | None) -> float | None:
    if value is None or not math.isfinite(value) or abs(value) > LARGEST:
        return None
    return float(value) if abs(value) >= SMALLEST else 0.0


def _rows(series: Sequence[Series]) -> tuple[tuple[int, tuple[str, ...]], ...]:
    last = max((len(line.values) for line in series), default=0)
    epochs = sorted({*range(1, last + 1, math.ceil(last / MAX_ROWS) or 1), *([last] if last else [])})
    return tuple((epoch, tuple(_cell(line, epoch) for line in series)) for epoch in epochs)


def _cell(line: Series, epoch: int) -> str:
    if epoch > len(line.values):
        return "\N{EN DASH}"
    value = line.values[epoch - 1]
    return "not finite" if value is None else number(value)


def _sentence(line: Series) -> str:
    values = [value for value in line.values if value is not None]
    if len(values) == 1:
        return f"{line.name}: {number(values[0])}."
    return f"{line.name}: from {number(values[0])} to {number(values[-1])} in {len(line.values)} epochs."


def _missing(line: Series) -> str:
    epochs = line.missing
    if len(epochs) == len(line.values):
        return f"{line.name} has no finite value in any epoch."
    shown = ", ".join(map(str, epochs[:5])) + (", …" if len(epochs) > 5 else "")
    return f"{line.name} is not a finite number in epoch{'s' if len(epochs) > 1 else ''} {shown}."


@dataclass(frozen=True)
class _Scale:
    """Maps epochs and values to the drawing's coordinates."""

    last_epoch: int
    low: float
    high: float

    def x(self, epoch: float) -> float:
        share = (epoch - 1) / (self.last_epoch - 1) if self.last_epoch > 1 else 0.5
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        return TOP + (self.high - value) / (self.high - self.low) * (HEIGHT - TOP - BOTTOM)


def _scale(series: Sequence[Series]) -> _Scale:
    values = [value for line in series for value in line.values if value is not None]
    low, high = min(values), max(values)
    span = high - low
    margin = 0.05 * span if span > LEAST_SPAN * max(abs(low), abs(high)) else 0.05 * abs(high) or 1.0
    return _Scale(max(len(line.values) for line in series), low - margin, high + margin)


def _svg(title: str, summary: str, series: Sequence[Series], uid: str) -> Markup:
    scale = _scale(series)
    height = HEIGHT + LEGEND_ROW * math.ceil(len(series) / 2)
    parts = [
        Markup(
            '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-labelledby="{}-title {}-desc">'
            '<title id="{}-title">{}</title><desc id="{}-desc">{}</desc>'
        ).format(WIDTH, height, uid, uid, uid, title, uid, summary),
        _axes(scale),
        *(_line(line, index, scale) for index, line in enumerate(series)),
        *(_legend(line, index) for index, line in enumerate(series)),
        Markup("</svg>"),
    ]
    return Markup("\n").join(parts)


def _axes(scale: _Scale) -> Markup:
    bottom = HEIGHT - BOTTOM
    parts = []
    ticks = nice_ticks(scale.low, scale.high, 6)
    for value, label in zip(ticks, tick_labels(ticks), strict=True):
        y = scale.y(value)
        parts.append(Markup('<path class="grid" d="M{} {:.1f}H{}"/>').format(LEFT, y, WIDTH - RIGHT))
        parts.append(Markup('<text x="{}" y="{:.1f}" text-anchor="end">{}</text>').format(LEFT - 7, y + 4, label))
    for epoch in _epoch_ticks(scale.last_epoch):
        x = scale.x(epoch)
        parts.append(Markup('<path class="axis" d="M{:.1f} {}v4"/>').format(x, bottom))
        parts.append(Markup('<text x="{:.1f}" y="{}" text-anchor="middle">{}</text>').format(x, bottom + 18, epoch))
    parts.append(Markup('<path class="axis" d="M{} {}V{}H{}"/>').format(LEFT, TOP, bottom, WIDTH - RIGHT))
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(Markup('<text x="{}" y="{}" text-anchor="middle">epoch</text>').format(middle, bottom + 34))
    return Markup("").join(parts)


def _epoch_ticks(last: int) -> list[int]:
    if last <= 8:
        return list(range(1, last + 1))
    return [1] + [round(tick) for tick in nice_ticks(0, last, 7) if tick >= last / 20 and round(tick) > 1]


def _line(line: Series, index: int, scale: _Scale) -> Markup:
    stride = max(1, math.ceil(len(line.values) / MAX_POINTS))
    points = [(epoch, line.values[epoch - 1]) for epoch in range(1, len(line.values) + 1, stride)]
    if stride > 1 and points[-1][0] != len(line.values):
        points.append((len(line.values), line.values[-1]))
    path, pen_down = [], False
    for epoch, value in points:
        if value is not None:
            path.append(f"{'L' if pen_down else 'M'}{scale.x(epoch):.1f} {scale.y(value):.1f}")
        pen_down = value is not None
    parts = [
        Markup('<path class="line s{}" stroke-dasharray="{}" d="{}"/>').format(index, _DASHES[index], "".join(path))
    ]
    if len(line.values) <= MARKERS_UP_TO:
        parts += [_marker(index, scale.x(epoch), scale.y(value)) for epoch, value in points if value is not None]
    return Markup("").join(parts)


def _marker(index: int, x: float, y: float) -> Markup:
    return Markup('<path class="dot s{}" transform="translate({:.1f} {:.1f})" d="{}"/>').format(
        index, x, y, _MARKERS[index]
    )


def _legend(line: Series, index: int) -> Markup:
    x = LEFT + (index % 2) * (WIDTH - LEFT) / 2
    y = HEIGHT + LEGEND_ROW * (index // 2) + 8
    return Markup('<path class="line s{}" stroke-dasharray="{}" d="M{} {}h34"/>{}<text x="{}" y="{}">{}</text>').format(
        index, _DASHES[index], x, y, _marker(index, x + 17, y), x + 42, y + 4, line.name
    )
