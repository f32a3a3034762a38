"""What all tests share: the browser, where there is one."""

from __future__ import annotations

import shutil

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def find_browser() -> str | None:
    """Path of the first Chromium-like browser of this machine."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def pytest_report_header() -> str:
    return f"browser: {find_browser() or 'none, so tests marked `browser` are left out'}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if find_browser() is None:
        left_out = [item for item in items if item.get_closest_marker("browser")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session")
def browser_path() -> str:
    """Path of the browser; tests that use it are left out where there is none."""
    path = find_browser()
    if path is None:
        raise LookupError("no browser: this test should have been left out")
    return path
