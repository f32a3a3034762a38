from __future__ import annotations

import math
import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.records import Curve
from grader.report import plots

SVG_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
ANY_FLOAT = st.floats(allow_nan=True, allow_infinity=True, allow_subnormal=True)


def drawn(curve: Curve) -> ElementTree.Element:
    svg = plots.chart(curve, "c").svg
    assert svg is not None
    return ElementTree.fromstring(svg)  # noqa: S314 - our own drawing


def lines(curve: Curve) -> list[ElementTree.Element]:
    return [path for path in drawn(curve).iter("path") if path.get("class", "").startswith("line") and path.get("d")]


@settings(deadline=None)
@given(st.dictionaries(st.text(max_size=8), st.lists(ANY_FLOAT, max_size=60), max_size=10))
def test_any_curve_can_be_drawn_inside_its_frame(series: dict[str, list[float]]) -> None:
    chart = plots.chart(Curve(title="Loss", series=series), "c")
    finite = any(
        math.isfinite(value) and abs(value) <= plots.LARGEST for _, values in first(series) for value in values
    )
    assert (chart.svg is not None) == finite
    if chart.svg is None:
        return
    root = ElementTree.fromstring(chart.svg)  # noqa: S314 - our own drawing
    _, _, width, height = map(float, root.get("viewBox", "").split())
    for path in root.iter("path"):
        place = path.get("transform") or path.get("d") or ""
        assert "nan" not in place
        assert "inf" not in place
        if path.get("transform"):
            x, y = map(float, SVG_NUMBER.findall(place))
            assert 0 <= x <= width
            assert 0 <= y <= height


def first(series: dict[str, list[float]]) -> list[tuple[str, list[float]]]:
    return list(series.items())[: plots.MAX_SERIES]


@settings(deadline=None)
@given(st.floats(-1e30, 1e30), st.floats(1e-9, 1e30), st.integers(3, 10))
def test_ticks_are_few_even_and_inside(low: float, span: float, at_most: int) -> None:
    span = max(span, plots.LEAST_SPAN * abs(low))
    ticks = plots.nice_ticks(low, low + span, at_most)
    assert 1 <= len(ticks) <= at_most
    assert all(low - 1e-6 * span <= tick <= low + span + 1e-6 * span for tick in ticks)
    steps = [after - before for before, after in pairwise(ticks)]
    assert steps == pytest.approx(steps[:1] * len(steps))


@pytest.mark.parametrize(
    ("ticks", "labels"),
    [
        ([0.0, 0.2, 0.4, 0.6000000000000001], ["0.0", "0.2", "0.4", "0.6"]),
        ([0.50, 0.51, 0.52], ["0.50", "0.51", "0.52"]),
        ([0.0, 50.0, 100.0], ["0", "50", "100"]),
        ([-0.0, 1e7, 2e7], ["0", "1e+07", "2e+07"]),
        ([3.0], ["3"]),
    ],
)
def test_tick_labels_have_just_enough_digits(ticks: list[float], labels: list[str]) -> None:
    assert plots.tick_labels(ticks) == labels


def test_series_differ_by_dashes_and_markers_not_by_colour_alone() -> None:
    curve = Curve(title="Many", series={f"s{index}": [1.0 + index, 2.0] for index in range(plots.MAX_SERIES)})
    assert len({path.get("stroke-dasharray") for path in lines(curve)}) == plots.MAX_SERIES
    markers = {path.get("d") for path in drawn(curve).iter("path") if path.get("transform")}
    assert len(markers) == plots.MAX_SERIES


def test_every_series_is_named_beside_its_own_line() -> None:
    words = [element.text for element in drawn(samples_curve()).iter("text")]
    assert {"loss", "val_loss", "epoch"} <= set(words)


def samples_curve() -> Curve:
    return Curve(title="Loss", series={"loss": [0.7, 0.3], "val_loss": [0.6, 0.4]})


def test_the_drawing_has_a_name_and_a_description_in_words() -> None:
    root = drawn(samples_curve())
    assert root.get("role") == "img"
    described = {element.get("id"): element.text for element in root if element.tag in ("title", "desc")}
    assert [described[name] for name in root.get("aria-labelledby", "").split()] == [
        "Loss",
        "loss: from 0.7 to 0.3 in 2 epochs. val_loss: from 0.6 to 0.4 in 2 epochs.",
    ]


def test_a_gap_interrupts_the_line_and_is_told() -> None:
    chart = plots.chart(Curve(title="Loss", series={"loss": [1.0, math.nan, 2.0, 3.0]}), "c")
    (line, *_) = lines(Curve(title="Loss", series={"loss": [1.0, math.nan, 2.0, 3.0]}))
    assert re.sub(r"[\d. ]", "", line.get("d", "")) == "MML"
    assert chart.remarks == ("loss is not a finite number in epoch 2.",)
    assert chart.rows[1] == (2, ("not finite",))


def test_a_curve_without_a_finite_value_is_words_alone() -> None:
    chart = plots.chart(Curve(title="Loss", series={"loss": [math.nan, math.inf]}), "c")
    assert chart.svg is None
    assert chart.summary == "There is no finite value to draw."
    assert chart.remarks == ("loss has no finite value in any epoch.",)


def test_names_and_titles_are_escaped() -> None:
    chart = plots.chart(Curve(title="<b>&", series={"</text><script>": [1.0, 2.0]}), "c")
    assert chart.svg is not None
    assert "<script>" not in chart.svg
    assert "<b>" not in chart.svg
    assert "&lt;/text&gt;&lt;script&gt;" in chart.svg


def test_too_many_series_and_epochs_are_thinned_out_and_said() -> None:
    chart = plots.chart(Curve(title="x", series={str(index): [1.0] for index in range(11)}), "c")
    assert chart.remarks == ("3 more series are not shown.",)
    long = plots.chart(Curve(title="x", series={"loss": [float(index) for index in range(100_000)]}), "c")
    assert long.svg is not None
    assert len(long.svg) < 20_000
    assert len(long.rows) <= plots.MAX_ROWS + 1
    assert long.rows[-1] == (100_000, ("1e+05",))
