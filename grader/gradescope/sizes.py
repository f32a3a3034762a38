"""The sizes of Gradescope's containers, and control groups that make a part of this machine that large.

Both versions of control groups will do: where version 1 is mounted with its memory controller, that one is used.
A group of ours lies inside the group of this process, or, where version 2 forbids that, as near above it as possible.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from grader.errors import PreviewUnavailable

PERIOD_US = 100_000
_SAMPLE_S = 0.02
_REMOVE_S = 5.0
_MOUNTS = Path("/proc/self/mounts")
_OWN_GROUPS = Path("/proc/self/cgroup")


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """One of the sizes that an instructor chooses from."""

    name: str
    cpus: float
    memory_bytes: int


def _size(cpus: float, gigabytes: float) -> Size:
    return Size(name=f"{cpus:g}cpu-{gigabytes:g}gb", cpus=cpus, memory_bytes=int(gigabytes * 2**30))


SIZES = (_size(0.5, 0.75), _size(1, 1.5), _size(2, 3), _size(4, 6))


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What the processes of a group used.

    Attributes:
        peak_bytes: The most memory in use at once: of processes, shared memory, the kernel's for them, and mapped
            libraries. Files that were only read don't count: the kernel drops them when it needs room.
        cpu_s: Processor time of all of them.
        kills: How many of them the kernel ended because the group's memory was full.
    """

    peak_bytes: int
    cpu_s: float
    kills: int


@dataclass(frozen=True, slots=True)
class _Version:
    """Where a version of control groups keeps what we need: file names, and keys in memory.stat."""

    number: int
    held: tuple[str, ...]
    given_back: tuple[str, ...]
    kills_file: str


_VERSIONS = {
    1: _Version(1, ("total_rss", "total_shmem", "total_mapped_file"), (), "memory.oom_control"),
    2: _Version(2, ("anon", "shmem", "kernel", "file_mapped"), ("slab_reclaimable",), "memory.events"),
}


class ControlGroup:
    """A group with the CPU share and the memory of a size; measures what runs in it.

    Args:
        size: None measures without limiting.

    Raises:
        PreviewUnavailable: No control group can be made here.
    """

    def __init__(self, size: Size | None) -> None:
        self.version, self.folders = _make_folders()
        self._peak_bytes = 0
        self._closing = threading.Event()
        try:
            if size is not None:
                self._limit(size)
        except OSError as error:
            self.close()
            raise PreviewUnavailable(f"the limits of a size can't be set here: {error}") from error
        self._sampler = threading.Thread(target=self._sample, daemon=True)
        self._sampler.start()

    @property
    def entrances(self) -> list[str]:
        """Files into which a process writes its number to be in the group."""
        return [str(folder / "cgroup.procs") for folder in dict.fromkeys(self.folders.values())]

    def use(self) -> Use:
        """What has been used up to now."""
        self._peak_bytes = max(self._peak_bytes, self._memory())
        kills = _table(self.folders["memory"] / self.version.kills_file).get("oom_kill", 0)
        if self.version.number == 1:
            cpu_s = int((self.folders["cpuacct"] / "cpuacct.usage").read_text()) / 1e9
        else:
            cpu_s = _table(self.folders["cpu"] / "cpu.stat").get("usage_usec", 0) / 1e6
        return Use(peak_bytes=self._peak_bytes, cpu_s=cpu_s, kills=kills)

    def close(self) -> None:
        """Removes the group, once its last process is gone."""
        self._closing.set()
        until = time.monotonic() + _REMOVE_S
        for folder in dict.fromkeys(self.folders.values()):
            while folder.exists() and time.monotonic() < until:
                with contextlib.suppress(OSError):
                    folder.rmdir()
                    break
                time.sleep(0.02)

    def __enter__(self) -> ControlGroup:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _limit(self, size: Size) -> None:
        memory, cpu = self.folders["memory"], self.folders["cpu"]
        quota = int(size.cpus * PERIOD_US)
        if self.version.number == 1:
            (memory / "memory.limit_in_bytes").write_text(str(size.memory_bytes))
            with contextlib.suppress(OSError):  # a kernel that does not count swap has none of it
                (memory / "memory.memsw.limit_in_bytes").write_text(str(size.memory_bytes))
            (cpu / "cpu.cfs_period_us").write_text(str(PERIOD_US))
            (cpu / "cpu.cfs_quota_us").write_text(str(quota))
        else:
            (memory / "memory.max").write_text(str(size.memory_bytes))
            with contextlib.suppress(OSError):
                (memory / "memory.swap.max").write_text("0")
            (cpu / "cpu.max").write_text(f"{quota} {PERIOD_US}")

    def _memory(self) -> int:
        try:
            table = _table(self.folders["memory"] / "memory.stat")
            kernel = 0
            if self.version.number == 1:
                kernel = int((self.folders["memory"] / "memory.kmem.usage_in_bytes").read_text())
        except (OSError, ValueError):
            return 0
        held = sum(table.get(key, 0) for key in self.version.held)
        return kernel + held - sum(table.get(key, 0) for key in self.version.given_back)

    def _sample(self) -> None:
        while not self._closing.wait(_SAMPLE_S):
            self._peak_bytes = max(self._peak_bytes, self._memory())


@dataclass
class _Mounts:
    """Where controllers are mounted, and which group of each this process is in."""

    roots: dict[str, Path] = field(default_factory=dict)  # controller, or "" for version 2
    own: dict[str, str] = field(default_factory=dict)

    def chain(self, controller: str) -> Iterator[Path]:
        """The group of this process, then those above it."""
        root = self.roots[controller]
        place = root / self.own.get(controller, "/").strip("/")
        yield from (folder for folder in (place, *place.parents) if folder == root or root in folder.parents)


def _read_mounts() -> _Mounts:
    found = _Mounts()
    for line in _MOUNTS.read_text().splitlines():
        _, place, kind, options = line.split()[:4]
        if kind == "cgroup2":
            found.roots[""] = Path(place)
        elif kind == "cgroup":
            found.roots |= {name: Path(place) for name in options.split(",") if name in ("memory", "cpu", "cpuacct")}
    for line in _OWN_GROUPS.read_text().splitlines():
        _, names, path = line.split(":", 2)
        found.own |= dict.fromkeys(names.split(","), path)
    return found


def _make_folders() -> tuple[_Version, dict[str, Path]]:
    try:
        mounts = _read_mounts()
    except OSError as error:
        raise PreviewUnavailable(f"no control groups here: {error}") from error
    name = f"grader-preview-{os.getpid()}-{time.monotonic_ns()}"
    if {"memory", "cpu", "cpuacct"} <= mounts.roots.keys():
        made: dict[str, Path] = {}
        for controller in ("memory", "cpu", "cpuacct"):
            made[controller] = _make(mounts.chain(controller), name, ())
        return _VERSIONS[1], made
    if "" in mounts.roots:
        folder = _make(mounts.chain(""), name, ("memory", "cpu"))
        return _VERSIONS[2], {"memory": folder, "cpu": folder}
    raise PreviewUnavailable("no control groups are mounted here, so the size of a container can't be imitated")


def _make(chain: Iterator[Path], name: str, controllers: tuple[str, ...]) -> Path:
    """Makes a folder in the first group of the chain that lets us, with these controllers (version 2)."""
    reasons = []
    for parent in chain:
        folder = parent / name
        try:
            if controllers:
                enabled = (parent / "cgroup.subtree_control").read_text().split()
                for controller in set(controllers) - set(enabled):
                    (parent / "cgroup.subtree_control").write_text(f"+{controller}")
            folder.mkdir(exist_ok=True)
            return folder
        except OSError as error:
            reasons.append(f"{parent}: {error.strerror}")
    raise PreviewUnavailable(f"no control group can be made here ({'; '.join(reasons)})")


def _table(path: Path) -> dict[str, int]:
    """`key number` lines."""
    pairs = (line.split() for line in path.read_text().splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdigit()}
