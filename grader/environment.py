"""What a grading runs on: recorded in every result, since bits and seconds depend on it. Imports no TensorFlow."""

from __future__ import annotations

import os
import platform
from functools import cache
from importlib import metadata
from pathlib import Path

from grader.records import Environment

# What can change a verdict. The CPU builds of TensorFlow are distributions of their own names.
_PACKAGES = (
    "numpy",
    "tensorflow",
    "tensorflow-cpu",
    "tensorflow-intel",
    "keras",
    "tensorboard",
    "matplotlib",
    "pytest",
)
_CPUINFO = Path("/proc/cpuinfo")


@cache
def python_environment() -> Environment:
    """The record of this interpreter and machine."""
    return Environment(
        python=platform.python_version(),
        platform=platform.platform(),
        cpu=cpu_model(),
        cores=len(usable_cores()),
        packages={name: version for name in _PACKAGES if (version := package_version(name))},
    )


def usable_cores() -> tuple[int, ...]:
    """Numbers of the cores that this process may use: fewer than the machine has in a container or under SLURM."""
    if hasattr(os, "sched_getaffinity"):
        return tuple(sorted(os.sched_getaffinity(0)))
    return tuple(range(os.cpu_count() or 1))


def package_version(name: str) -> str:
    """Version of an installed distribution, or "" where there is none."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def cpu_model() -> str:
    """The processor's name; its architecture where the system does not tell."""
    try:
        lines = _CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # not Linux
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()
