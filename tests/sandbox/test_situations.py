"""Which tier each situation of a machine gets, and that every attack is held there; see tests/submissions/hostile."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.errors import SandboxUnavailable
from grader.sandbox import probing
from grader.sandbox.attacks import GROUPS, attacks, attempt
from grader.sandbox.box import BareBox, ZygoteServer, self_test
from tests.submissions.hostile.situations import ROOT_DIR, SITUATIONS, command, offered

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="tier bare alone, which promises nothing")

TIER = """
from grader.errors import SandboxUnavailable
from grader.sandbox.box import open_box, self_test
refusal = ""
try:
    box = open_box("numpy")
except SandboxUnavailable as error:
    refusal, box = str(error), open_box("numpy", insecure=True)
with box:
    held = self_test(box) if box.tier != "bare" else ""
print(box.tier, refusal, held, sep="|")
"""
PROBE = """
import json
from grader.sandbox import probing
from grader.sandbox.box import open_box
with open_box("numpy", insecure=True) as box:
    found = [[o.group, o.title, o.outcome, o.worked] for o in probing.run(box)]
print(json.dumps(found))
"""
WORDS = {
    "spare uid": "spare uid 20001",
    "unreadable python": "uid 0 without capabilities",
    "namespaces refused": "Landlock ABI",
    "ordinary user": "without capabilities",
    "no Landlock": "bubblewrap and mounts of its own; system-call filter; uid 20001",
    "no Landlock, ordinary user": "bubblewrap and mounts of its own",
    "nothing": "",
}


@pytest.fixture(scope="module")
def refusals() -> dict[str, str]:
    """Why this machine can't bring a situation about, or ""."""
    return offered()


@pytest.fixture
def run(refusals: dict[str, str]):
    """`run(situation, code)`: what that Python code prints there."""

    def ask(situation: str, code: str) -> str:
        if refusals[situation]:
            pytest.skip(refusals[situation])
        done = subprocess.run(command(situation, ["-c", code]), capture_output=True, text=True, cwd=ROOT_DIR)
        assert done.stderr == ""
        return done.stdout

    return ask


@pytest.mark.parametrize("situation", SITUATIONS)
def test_each_situation_gets_its_tier_and_the_self_test_holds(run, situation: str) -> None:
    tier, refusal, held = run(situation, TIER).strip().split("|")
    assert tier == SITUATIONS[situation][1]
    assert bool(refusal) == (tier == "bare")
    assert WORDS[situation] in held
    if tier == "bare":
        assert refusal.startswith("no jail on this machine: this kernel has no Landlock")
        assert "bubblewrap is" in refusal


def test_without_landlock_a_closed_folder_for_temporary_files_is_told(
    run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o700)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    tier, refusal, _ = run("no Landlock", TIER).strip().split("|")
    assert tier == "bare"
    assert f"no other uid can enter {tmp_path}" in refusal


@pytest.mark.parametrize(
    "situation", ["spare uid", "no Landlock", *(pytest.param(name, marks=pytest.mark.slow) for name in SITUATIONS)]
)
def test_every_attack_is_refused_or_stopped_but_in_tier_bare(run, situation: str) -> None:
    found = json.loads(run(situation, PROBE))
    assert {title for _, title, _, _ in found} == set(attacks())
    worked = {title for _, title, _, worked in found if worked}
    if SITUATIONS[situation][1] != "bare":
        assert worked == set()
    else:  # so the attacks are real ones
        assert len(worked) > 40


def test_a_tier_that_does_not_hold_is_refused_with_what_a_worker_could_do(numpy_server: ZygoteServer) -> None:
    """Workers without a jail, asked as if they had one."""
    with BareBox(numpy_server.control_fd) as box:
        with pytest.raises(
            SandboxUnavailable, match="does not hold here: a worker could read a hidden test, "
        ) as caught:
            self_test(box)
        assert "start a process" in str(caught.value)
        assert "open a socket" in str(caught.value)


@pytest.mark.usefixtures("jail")
def test_a_filter_with_a_hole_is_found_at_start() -> None:
    """Of the jail all is in force but the filter, in a zygote that was tampered with."""
    code = """
        import sys
        from grader.sandbox import seccomp
        seccomp.load = lambda program: None
        from grader.sandbox import zygote
        sys.exit(zygote.main(sys.argv[1:]))
    """
    tampered = """
        import subprocess, sys
        from grader.errors import SandboxUnavailable
        from grader.sandbox.box import open_box
        original = subprocess.Popen
        def popen(command, **options):
            at = command.index("grader.sandbox.zygote") if "grader.sandbox.zygote" in command else None
            if at is not None:
                command = [*command[: at - 1], "-c", {code!r}, *command[at + 1 :]]
            return original(command, **options)
        subprocess.Popen = popen
        try:
            open_box("numpy")
        except SandboxUnavailable as error:
            print(error)
    """
    script = textwrap.dedent(tampered).replace("{code!r}", repr(textwrap.dedent(code)))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT_DIR)
    assert done.stderr == ""
    assert done.stdout.startswith("tier jailed does not hold here: a worker could ")
    assert "start a process" in done.stdout


def test_an_attack_that_works_is_told_as_done(tmp_path: Path) -> None:
    """In this process, which has no jail; the others of the short ones would harm it."""
    (tmp_path / "secret").write_text("x")
    scene = {"secret": str(tmp_path / "secret"), "folder": str(tmp_path), "marker": "marker-731"}
    for title in ("read a hidden test", "list the folder of the tests", "write a file outside", "open a socket"):
        assert attempt(title, scene) == "done"
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]
    assert attempt("read a hidden test", {**scene, "secret": str(tmp_path / "absent")}) == "refused"


def test_attacks_leave_nothing_even_where_they_work(numpy_server: ZygoteServer, own_temp: Path) -> None:
    """`grader doctor --probe` runs them in tier bare too."""

    def traces() -> Iterator[str]:
        for folder in (own_temp, "/var/tmp", "/dev/shm"):  # noqa: S108
            yield from (
                path.name for path in Path(folder).glob("*") if path.name.startswith(("marker-", "grader-probe-"))
            )
        yield from Path("/proc/sysvipc/shm").read_text().splitlines()[1:]

    before = list(traces())
    with BareBox(numpy_server.control_fd) as box:
        groups = [outcome.group for outcome in probing.run(box)]
    assert list(dict.fromkeys(groups)) == list(GROUPS)
    assert list(traces()) == before
