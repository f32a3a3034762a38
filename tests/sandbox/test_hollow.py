"""Hollow packages: imports and names are harmless, uses are refused."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

import pytest

from grader.sandbox import hollow


@pytest.fixture(autouse=True)
def hollow_tensors() -> Iterator[None]:
    hollow.install(["tensors"])  # a package that is not installed
    yield
    hollow.install([])


def run(source: str) -> dict[str, object]:
    names: dict[str, object] = {}
    exec(source, names)  # noqa: S102
    return names


@pytest.mark.parametrize(
    "source",
    [
        "import tensors",
        "import tensors.layers.core as core",
        "from tensors import layers",
        "from tensors.layers import Dense, LSTM as Recurrent",
        "import tensors as tt\ndef f(x: tt.Tensor | None = None) -> 'tt.Tensor': ...",
        "import tensors as tt\nx = tt.nn.relu",
        "import tensors as tt\nkinds = {tt.float32: 1}",
    ],
)
def test_an_import_and_a_name_are_harmless(source: str) -> None:
    run(source)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("import tensors as tt\ntt.matmul(1, 2)", "tensors.matmul"),
        ("from tensors.layers import Dense\nclass Mine(Dense): ...", "tensors.layers.Dense"),
        ("import tensors as tt\n@tt.function\ndef f(): ...", "tensors.function"),
        ("import tensors as tt\n1 + tt.pi", "tensors.pi"),
        ("import tensors as tt\nwith tt.GradientTape: ...", "tensors.GradientTape"),
        ("import tensors as tt\nimport numpy\nnumpy.asarray(tt.pi)", "tensors.pi"),
        ("import tensors as tt\nfor x in tt.data: ...", "tensors.data"),
    ],
)
def test_a_use_is_refused_by_name(source: str, name: str) -> None:
    with pytest.raises(hollow.ForbiddenUse, match=f"^`{name}` is not allowed here$"):
        run(source)


def test_an_installed_package_is_hidden_and_comes_back() -> None:
    import colorsys

    hollow.install(["colorsys"])
    with pytest.raises(hollow.ForbiddenUse):
        run("import colorsys\ncolorsys.rgb_to_hsv(0, 0, 0)")
    hollow.install([])
    assert importlib.import_module("colorsys") is colorsys  # what can be loaded but once must come back as it was
