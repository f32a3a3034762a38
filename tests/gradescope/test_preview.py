"""The preview: a bundle in the container's layout, with a hostile hand-in, with too little memory, with nothing at all.

The packages of the toy are installed once into the preview's own cache, by pip from wherever this machine gets them.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from rich.console import Console

from grader import catalog
from grader.catalog import ROOT_DIR
from grader.errors import PreviewUnavailable, UnreadableResult, UnusableSubmission
from grader.gradescope import container, preview
from grader.gradescope.bundle import HARNESS_DIR, build_bundle
from grader.gradescope.container import Container
from grader.gradescope.packages import find_interpreter, packages, set_up
from grader.gradescope.preview import read_manifest, unpack_bundle
from grader.gradescope.results import to_json
from grader.gradescope.show import show
from grader.gradescope.sizes import SIZES
from grader.grading.run import Grader
from grader.sandbox.jail import SPARE_ID
from tests.gradescope.conftest import BLANK, RIGHT, accepted, needs_root, write_hand_in
from tests.submissions.build import build, read_submissions

SMALLEST = SIZES[0]

# Succeeds at nothing, or says at what: then no test passes.
HOSTILE = """
import ctypes, os, socket

won = []


def attempt(what, action):
    try:
        action()
    except BaseException:
        return
    won.append(what)


def written():
    with open("/autograder/results/results.json", "w") as file:
        file.write('{"score": 1000}')


attempt("read a test", lambda: open("/autograder/source/grader/suites/toy/test_public.py").read())
attempt("list the bundle", lambda: os.listdir("/autograder/source"))
attempt("read earlier hand-ins", lambda: open("/autograder/submission_metadata.json").read())
attempt("write results", written)
attempt("move results", lambda: os.rename("/autograder/results/results.json", "/autograder/results/other"))
attempt("make a namespace", lambda: 1 / (ctypes.CDLL(None).unshare(0x10000000) == 0))
attempt("open a socket", socket.socket)
attempt("start a process", lambda: os.fork() or os._exit(0))
attempt("end the grader", lambda: os.kill(os.getppid(), 9))
if won:
    raise RuntimeError(", ".join(won))
"""
# A worker of the toy may take 2 GiB; the smallest container has less.
HUNGRY = RIGHT.replace("    return 2 * x", "    import numpy as np\n    np.ones(118_000_000).sum()\n    return 2 * x")


@pytest.fixture(scope="module")
def ready_bundle(toy_bundle: Path) -> Path:
    """The toy's bundle, once its packages are there; without a way to fetch them nothing can be shown."""
    interpreter = find_interpreter(None)
    try:
        with Container(interpreter.base) as box:
            unpack_bundle(toy_bundle, box.path("autograder/source"))
            with packages(box, interpreter) as folder:
                set_up(box, interpreter, folder)
    except PreviewUnavailable as error:
        if any(words in str(error) for words in ("No matching distribution found", "connection")):
            pytest.skip("the packages of a bundle can't be fetched here")
        raise
    return toy_bundle


def run(bundle: Path, folder: Path, source: str = RIGHT, **options):
    options.setdefault("sizes", [SMALLEST])
    return preview.preview(bundle, write_hand_in(folder / "hand-in", source), **options)


@needs_root
@pytest.mark.parametrize(("name", "source"), [("right", RIGHT), ("blank", BLANK), ("hostile", HOSTILE + RIGHT)])
def test_the_bundle_grades_as_the_grader_does(name, source, ready_bundle, toy_suite, tmp_path):
    found = run(ready_bundle, tmp_path, source)
    table = accepted(to_json(found.shown.results))
    with Grader(toy_suite) as grader:
        expected = grader.grade(tmp_path / "hand-in")
    assert expected.score == {"right": 12, "blank": 0, "hostile": 12}[name], expected.headline
    assert table["score"] == expected.score
    statuses = {
        test["extra_data"]["id"]: test["extra_data"]["status"] for test in table["tests"] if "extra_data" in test
    }
    assert statuses == {case.id: case.status for case in expected.cases if case.status != "awaiting_review"}
    assert table["extra_data"]["sandbox_tier"] == "jailed"
    assert "tier jailed" in found.set_up.says
    console = Console(width=100, record=True, file=io.StringIO())
    show(found, console)
    text = console.export_text()
    assert "What the student sees at once" in text
    assert "What the instructor sees besides" in text
    assert f"{SMALLEST.name}   ✓   a run" in text
    assert ("preview the solution, too" in text) == (name == "blank")


@needs_root
def test_only_pinned_packages_are_installed(ready_bundle, tmp_path):
    run(ready_bundle, tmp_path)
    pinned = set((HARNESS_DIR / "constraints.txt").read_text().splitlines())
    interpreter = find_interpreter(None)
    with Container(interpreter.base) as box:
        unpack_bundle(ready_bundle, box.path("autograder/source"))
        with packages(box, interpreter) as folder:
            found = {
                path.name.removesuffix(".dist-info") for path in folder.glob("lib/python*/site-packages/*.dist-info")
            }
    installed = {"{}=={}".format(*name.replace("_", "-").lower().split("-", 1)) for name in found}
    names = {one for one in installed if not one.startswith(("pip==", "setuptools=="))}
    assert {one.partition("==")[0] for one in names} >= {"numpy", "pytest", "msgspec"}
    assert names <= {one.replace("-", "==", 1) if "==" not in one else one for one in pinned}
    assert not any("tensorflow" in one for one in installed)


@needs_root
def test_too_little_memory_is_named_with_what_is_needed(ready_bundle, tmp_path):
    found = run(ready_bundle, tmp_path, HUNGRY)
    (measured,) = found.measured
    assert measured.use.kills >= 1
    table = accepted(to_json(found.shown.results))
    # The kernel ended a worker: that is ours, and no failure of the student's.
    assert not [test for test in table["tests"] if test.get("status") == "failed"]
    console = Console(width=200, record=True, file=io.StringIO())
    show(found, console)
    text = console.export_text()
    assert "✗   a run         too small: memory ran full" in text
    assert f"Choose {SMALLEST.name}" not in text


@needs_root
def test_the_smallest_size_that_fits_is_looked_for_and_proved(ready_bundle, tmp_path):
    told: list[str] = []
    found = run(ready_bundle, tmp_path, sizes=(), say=told.append)
    assert [one.size for one in found.measured] == [preview.largest_size(), SMALLEST]
    assert any("grading at 0.5cpu-0.75gb" in line for line in told)
    smaller, larger = found.measured[1].ended.duration_s, found.measured[0].ended.duration_s
    assert smaller > 0.8 * larger


@needs_root
def test_metadata_reach_the_bundle(ready_bundle, tmp_path):
    metadata = {
        "created_at": "2026-03-04T12:00:00.000000+00:00",
        "assignment": {"due_date": "2026-03-04T11:00:00.000000+00:00"},
        "users": [{"name": "One"}, {"name": "Other"}],
    }
    (tmp_path / "metadata.json").write_text(json.dumps(metadata))
    output = run(ready_bundle, tmp_path, metadata=tmp_path / "metadata.json").shown.results.output
    assert "Handed in 1 h after the due date." in output
    assert "One, Other" in output


@needs_root
def test_the_root_of_a_container_is_fresh_and_weak(ready_bundle, tmp_path):
    """No file of this machine beyond what an image brings, no namespaces, and no tests for the student's uid."""
    code = f"""
import ctypes, json, os
libc = ctypes.CDLL(None, use_errno=True)
def readable(path):
    try:
        return bool(os.listdir(path) if os.path.isdir(path) else open(path).read())
    except OSError as error:
        return type(error).__name__
said = dict(
    namespace=libc.unshare(0x10000000), mount=libc.mount(b"none", b"/tmp", b"tmpfs", 0, None),
    checkout=os.path.exists({str(ROOT_DIR)!r}), uid=os.getuid(), pid=os.getpid(), top=sorted(os.listdir("/autograder")),
    home=os.listdir("/home"), root_reads=readable("/autograder/source/grader/suites/toy/test_public.py"),
)
os.setgid({SPARE_ID}); os.setuid({SPARE_ID})
said["spare_reads"] = readable("/autograder/source/grader/suites/toy/test_public.py")
said["spare_lists"] = readable("/autograder/source")
print(json.dumps(said))
"""
    interpreter = find_interpreter(None)
    with Container(interpreter.base) as box:
        unpack_bundle(ready_bundle, box.path("autograder/source"))
        box.path("autograder/source").chmod(0o700)  # as the set-up leaves it
        log = tmp_path / "log"
        ended = box.run([str(interpreter.executable), "-c", code], log=log, limit_s=60)
        place = box.root
    assert ended.code == 0, log.read_text()
    said = json.loads(log.read_text())
    assert (said["namespace"], said["mount"], said["checkout"], said["uid"]) == (-1, -1, False, 0)
    assert said["pid"] < 100  # of its own processes, not of this machine's
    assert said["top"] == ["results", "source", "submission"]
    assert (said["home"], said["root_reads"]) == ([], True)
    assert (said["spare_reads"], said["spare_lists"]) == ("PermissionError", "PermissionError")
    assert not place.exists()


@needs_root
def test_what_runs_too_long_is_ended_with_all_that_it_started(tmp_path):
    interpreter = find_interpreter(None)
    with Container(interpreter.base) as box:
        ended = box.run(["/bin/sh", "-c", "sleep 987 & sleep 986"], log=tmp_path / "log", limit_s=1)
    assert ended.code is None
    assert ended.duration_s < 10
    left = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert "sleep 987" not in left


@needs_root
def test_a_program_that_is_not_there_is_told_from_one_that_fails(tmp_path):
    with Container(find_interpreter(None).base) as box:
        assert box.run(["/bin/sh", "-c", "exit 3"], log=tmp_path / "log", limit_s=20).code == 3
        with pytest.raises(PreviewUnavailable, match="the container could not be entered"):
            box.run(["/no/such/program"], log=tmp_path / "log", limit_s=20)


def damaged(bundle: Path, place: Path, name: str, content: bytes) -> Path:
    """The bundle with another content in one file."""
    with zipfile.ZipFile(bundle) as source, zipfile.ZipFile(place, "w") as target:
        for entry in source.infolist():
            target.writestr(entry, content if entry.filename == name else source.read(entry))
    return place


@needs_root
def test_a_set_up_that_fails_shows_its_last_words(ready_bundle, tmp_path):
    bundle = damaged(ready_bundle, tmp_path / "b.zip", "python_setup", b"#!/bin/sh\necho no packages today\nexit 1\n")
    with pytest.raises(PreviewUnavailable, match="the bundle's set-up failed:\nno packages today"):
        run(bundle, tmp_path)


@needs_root
def test_a_bundle_that_writes_nothing_is_no_zero(ready_bundle, tmp_path):
    bundle = damaged(ready_bundle, tmp_path / "b.zip", "run_autograder", b"#!/bin/sh\necho nothing\n")
    with pytest.raises(UnreadableResult, match=r"wrote no results\.json: nothing"):
        run(bundle, tmp_path)


@needs_root
def test_a_grader_that_does_not_start_leaves_a_true_file(ready_bundle, tmp_path):
    with zipfile.ZipFile(ready_bundle) as archive:
        text = archive.read("run_autograder").decode().replace("/opt/grader/bin/python", "/opt/absent/python")
    found = run(damaged(ready_bundle, tmp_path / "b.zip", "run_autograder", text.encode()), tmp_path)
    table = accepted(to_json(found.shown.results))
    assert table["extra_data"]["verdict"] == "could_not_grade"
    assert "not your fault" in table["output"]


@needs_root
def test_a_hand_in_that_is_no_zip_is_refused(ready_bundle, tmp_path):
    (tmp_path / "essay.zip").write_text("Dear teacher")
    with pytest.raises(UnusableSubmission):
        preview.preview(ready_bundle, tmp_path / "essay.zip", sizes=[SMALLEST])


def test_a_zip_that_is_no_bundle_is_named(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("setup.sh", "")
    with pytest.raises(PreviewUnavailable, match=r"lacks run_autograder, python_setup, bundle\.json"):
        read_manifest(tmp_path / "other.zip")
    (tmp_path / "text.zip").write_text("no zip")
    with pytest.raises(PreviewUnavailable, match="is no bundle of `grader package`"):
        read_manifest(tmp_path / "text.zip")


def test_an_interpreter_that_does_not_run_is_named(tmp_path: Path):
    (tmp_path / "python").write_text("")
    with pytest.raises(PreviewUnavailable, match="is no Python with the module venv"):
        find_interpreter(tmp_path / "python")


def test_the_interpreter_is_not_that_of_a_virtual_environment():
    found = find_interpreter(Path(sys.executable))
    assert found.executable.is_relative_to(sys.base_prefix)


def test_without_root_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(container.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(container.sys, "platform", "linux")
    with pytest.raises(PreviewUnavailable, match="run it with sudo"):
        container.check_machine()
    monkeypatch.setattr(container.sys, "platform", "darwin")
    with pytest.raises(PreviewUnavailable, match="a preview needs Linux"):
        container.check_machine()


BUNDLED = [
    (path.stem, submission)
    for path in sorted((ROOT_DIR / "tests/submissions").glob("*.toml"))
    for submission in read_submissions(path.stem)
]


@needs_root
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "submission"), BUNDLED, ids=[f"{name}-{submission.name}" for name, submission in BUNDLED]
)
def test_every_bundled_submission_earns_on_gradescope_what_it_earns_here(name, submission, tmp_path):
    assignment = catalog.load(name)
    bundle = build_bundle(assignment, tmp_path)
    found = preview.preview(bundle, build(submission, assignment, tmp_path), sizes=[preview.largest_size()])
    table = accepted(to_json(found.shown.results))
    assert table["score"] == submission.score
    assert table["extra_data"]["sandbox_tier"] == "jailed"
    assert table["extra_data"]["tier"] == (submission.tier or None)
