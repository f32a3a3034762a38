"""How the tests call your code."""

from __future__ import annotations

kept = {}


def sums(x, scale):
    from sums import running_sums

    return running_sums(x, scale)


def keep(value):
    kept["value"] = kept.get("value", 0) + value
    return kept["value"]
