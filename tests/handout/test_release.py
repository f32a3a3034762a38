"""The handout zip: what is in it, what must not be."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile

import pytest

from grader.errors import HandoutLeak, InvalidAssignment
from grader.handout import release

MEMBERS = {
    *("README.md", "sums.py", "questions.md"),
    *("adapters.py", "test_public.py"),
    *("check_env.py", "conftest.py", "pytest.ini", "review.md", "submit.py"),
    *("kit/__init__.py", "kit/calls.py", "kit/hollow.py", "kit/probes.py", "kit/wire.py"),
    *("handout.json", "requirements.txt"),
}

RUBRIC = "One point where the answer says that small terms vanish beside a large total."
ANSWER = "Single precision loses small terms next to a large total, step after step."


def build(project, folder="out"):
    return release.build_handout(project.assignment, project.root / folder, project.solution)


def test_the_zip_holds_what_a_student_needs_in_one_folder(project):
    path = build(project)
    assert path == project.root / "out" / "toy-handout.zip"
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert set(archive.namelist()) == {f"toy/{name}" for name in MEMBERS}
        assert archive.read("toy/requirements.txt") == b"numpy>=2\npytest\n"
        assert archive.read("toy/sums.py") == (project.stencil / "sums.py").read_bytes()
        assert archive.read("toy/test_public.py") == (project.suite / "test_public.py").read_bytes()


def test_the_kit_files_are_those_of_the_sandbox(project):
    files = release.handout_files(project.assignment, project.solution)
    for name in ("wire.py", "calls.py", "hollow.py", "probes.py"):
        assert files[f"kit/{name}"] == (release.PACKAGE_DIR / "sandbox" / name).read_bytes()


def test_the_stamp_tells_version_and_contents(project):
    files = release.handout_files(project.assignment, project.solution)
    stamp = json.loads(files.pop("handout.json"))
    assert (stamp["assignment"], stamp["title"], stamp["version"]) == ("toy", "Running sums", "2026.1")
    assert stamp["files"] == ["sums.py", "questions.md"]
    assert stamp["tasks"]["1.2"] == "The scaler"
    assert {"conftest.py", "adapters.py", "kit/wire.py"} <= set(stamp["kit"])
    assert not {"sums.py", "questions.md", "README.md"} & set(stamp["kit"])
    assert stamp["contents"] == {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}


def test_the_stamp_follows_the_contents(project):
    def digest():
        return json.loads(release.handout_files(project.assignment, project.solution)["handout.json"])["sha256"]

    before = digest()
    assert digest() == before
    project.edit(project.suite / "adapters.py", '"""How the tests call your code."""', '"""How tests call it."""')
    assert digest() != before


def test_the_same_sources_give_the_same_bytes(project):
    first = build(project).read_bytes()
    for path in project.root.rglob("*.py"):
        os.utime(path, (2e9, 2e9))
        path.chmod(0o700)
    again = build(project, "again")
    assert again.read_bytes() == first
    with zipfile.ZipFile(again) as archive:
        facts = {(info.date_time, info.external_attr >> 16, info.create_system) for info in archive.infolist()}
        assert archive.namelist() == sorted(archive.namelist())
    assert facts == {((1980, 1, 1, 0, 0, 0), 0o100644, 3)}


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("adapters.py", "# totals = np.cumsum(x, axis=0)", "adapters.py, line {line}: the solution line `totals ="),
        ("adapters.py", "return scale * totals.astype(\n    np.float64,\n)", "adapters.py, line {line}: the solution"),
        ("test_public.py", "# as test_scale_is_applied_after_adding does", "test_public.py, line {line}: 'test_scale"),
        ("test_public.py", "# A scale of zero gives zeros and no NaN.", "test_public.py, line {line}: 'A scale of"),
        ("adapters.py", f"# {RUBRIC}", "of rubric.md"),
        ("adapters.py", f"# {ANSWER}", "of a solution (questions.md, line 6)"),
        ("adapters.py", "from grader.oracles import lstm", "adapters.py, line {line}: `from grader`"),
        ("adapters.py", "# BEGIN SOLUTION 1.1", "adapters.py, line {line}: `BEGIN SOLUTION`"),
    ],
)
def test_a_leak_is_refused_with_its_place(project, file, text, words):
    path = project.suite / file
    source = path.read_text(encoding="utf-8")
    path.write_text(f"{source}{text}\n", encoding="utf-8")
    with pytest.raises(HandoutLeak) as caught:
        build(project)
    message = str(caught.value)
    assert message.startswith("the handout of toy would hold:\ntoy/")
    assert words.format(line=source.count("\n") + 1) in message
    assert not (project.root / "out").exists()


def test_a_hidden_test_among_the_solution_files_is_refused(project):
    (project.solution / "test_hidden.py").write_bytes((project.suite / "test_hidden.py").read_bytes())
    with pytest.raises(HandoutLeak, match=r"toy/test_hidden\.py, line 7: 'test_scale_is_applied_after_adding'"):
        build(project)


def test_a_missing_part_is_named(project):
    (project.suite / "adapters.py").unlink()
    with pytest.raises(InvalidAssignment, match=r"the handout of toy needs .*adapters\.py, which does not exist"):
        build(project)


@pytest.mark.parametrize("name", ["conftest.py", "handout.json", "kit/wire.py"])
def test_a_solution_may_not_bring_a_file_of_the_kit(project, name):
    (project.solution / "kit").mkdir()
    (project.solution / name).write_text("{}\n", encoding="utf-8")
    with pytest.raises(InvalidAssignment, match=f"holds {name}, which the kit supplies"):
        build(project)
