"""From a zip to the folder that the sandbox may read."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import replace

import pytest

from grader.catalog import PACKAGE_DIR
from grader.errors import InvalidAssignment, UnusableSubmission
from grader.handout import release
from grader.intake.prepare import _BESIDE_ADAPTERS, _COMMON_FILES, prepare

GOOD = {"data.py": b"x = 1\n", "cell.py": b"y = 2\n", "given.py": b"GIVEN = 1\r\n", "questions.md": b"A1\n"}


@pytest.fixture
def prepared(toy, tmp_path, make_zip):
    """Prepares a zip of these files, under a folder of their own."""
    runs = []

    def run(files, assignment=toy):
        run_dir = tmp_path / f"run-{len(runs)}"
        runs.append(run_dir)
        return prepare(make_zip({f"hw/{name}": content for name, content in files.items()}), assignment, run_dir)

    yield run
    for folder in runs:
        for place, _, _ in os.walk(folder):
            os.chmod(place, 0o700)  # noqa: PTH101 - else tmp_path can't be removed


def texts(prepared) -> str:
    return "\n".join(note.text for note in prepared.notes)


def test_the_submission_is_a_read_only_copy_with_the_kits_files(prepared, tmp_path):
    result = prepared(GOOD)
    folder = result.submission_dir
    assert folder == tmp_path / "run-0/submission"
    assert sorted(path.name for path in folder.iterdir()) == sorted([*GOOD, "adapters.py", "kit", "test_public.py"])
    assert (folder / "data.py").read_bytes() == GOOD["data.py"]
    assert (folder / "adapters.py").read_text() == "kept = {}\n"
    assert stat.S_IMODE((folder / "data.py").stat().st_mode) == 0o444
    assert stat.S_IMODE(folder.stat().st_mode) == 0o555
    assert [path.name for path in folder.parent.iterdir()] == ["submission"]
    assert result.notes == ()
    assert result.info.path.endswith("homework.zip")
    assert len(result.info.sha256) == 64


def test_what_a_dropped_uid_reads_is_readable_whatever_the_zip_and_umask_say(prepared):
    old = os.umask(0o077)
    try:
        folder = prepared({**GOOD, "sub/more.py": b""}).submission_dir
    finally:
        os.umask(old)
    assert stat.S_IMODE((folder / "sub/more.py").stat().st_mode) == 0o444
    assert stat.S_IMODE((folder / "sub").stat().st_mode) == 0o555


def test_a_bare_folder_at_the_top_is_prepared_and_left_as_it_was(toy, make_folder, tmp_path):
    folder = make_folder(GOOD)
    result = prepare(folder, toy, tmp_path / "run")
    assert (result.submission_dir / "given.py").read_text() == "GIVEN = 1\n"
    assert (folder / "given.py").read_bytes() == GOOD["given.py"]
    assert not (folder / "adapters.py").exists()


def test_changed_given_files_are_restored_and_named(prepared):
    result = prepared({**GOOD, "given.py": b"GIVEN = 2\n", "adapters.py": b"import os; os._exit(0)\n"})
    assert (result.submission_dir / "given.py").read_text() == "GIVEN = 1\n"
    assert (result.submission_dir / "adapters.py").read_text() == "kept = {}\n"
    assert "restored from the kit, because they differ from the handout's: given.py, adapters.py" in texts(result)
    assert result.notes[0].severity == "warning"


def test_own_public_tests_are_no_warning(prepared):
    result = prepared({**GOOD, "test_public.py": b"# public\n\ndef test_mine(): ...\n"})
    assert [note.severity for note in result.notes] == ["note"]
    assert (result.submission_dir / "test_public.py").read_text() == "# public\n"


def test_folders_in_place_of_the_kits_files_give_way(prepared):
    files = {**GOOD, "adapters.py/x.py": b"", "test_public.py/deep/y.py": b""}
    result = prepared(files)
    assert (result.submission_dir / "adapters.py").read_text() == "kept = {}\n"
    assert (result.submission_dir / "test_public.py").is_file()


def test_a_package_that_python_would_import_in_place_of_a_kits_file_is_left_out(prepared):
    result = prepared({**GOOD, "adapters/__init__.py": b"", "adapters/more.py": b"", "given/notes.txt": b""})
    names = {path.name for path in result.submission_dir.iterdir()}
    assert "adapters" not in names
    assert "given" in names  # without __init__.py it hides nothing
    assert "in place of the kit's file: adapters/" in texts(result)


def test_a_file_in_place_of_a_given_files_folder_gives_way(prepared, toy, tmp_path):
    nested = replace(toy, files=(*toy.files, "lib/tool.py"), given=("lib/tool.py",))
    (toy.stencil_dir / "lib").mkdir()
    (toy.stencil_dir / "lib/tool.py").write_text("TOOL = 1\n")
    result = prepared({**GOOD, "lib": b"mine"}, nested)
    assert (result.submission_dir / "lib/tool.py").read_text() == "TOOL = 1\n"


def test_given_files_come_from_the_solution_where_there_is_no_stencil(prepared, toy):
    toy.solution_dir.mkdir(parents=True)
    (toy.stencil_dir / "given.py").rename(toy.solution_dir / "given.py")
    assert (prepared({**GOOD, "given.py": b""}).submission_dir / "given.py").read_text() == "GIVEN = 1\n"


def test_a_given_file_that_the_kit_lacks_is_the_kits_fault(prepared, toy):
    (toy.stencil_dir / "given.py").unlink()
    with pytest.raises(InvalidAssignment, match=r"given\.py is missing"):
        prepared(GOOD)


def test_a_suite_without_adapters_is_the_kits_fault(prepared, toy):
    (toy.suite_dir / "adapters.py").unlink()
    with pytest.raises(InvalidAssignment, match=r"adapters\.py is missing"):
        prepared(GOOD)


def test_files_of_the_handout_that_differ_but_do_nothing_are_named(prepared):
    result = prepared({**GOOD, "conftest.py": b"import os; os._exit(0)\n", "kit/wire.py": b"mine\n"})
    assert "grading uses none of them: conftest.py, kit/wire.py" in texts(result)


def test_each_program_of_the_handouts_is_compared_with_the_kits():
    programs = {path.name for path in release.COMMON_DIR.glob("*.py")}
    kit = {"kit/__init__.py", *(f"kit/{name}" for name in release.KIT_FILES)}
    assert {*_COMMON_FILES, *_BESIDE_ADAPTERS} == programs | {"pytest.ini"} | kit
    assert all((PACKAGE_DIR / place).is_file() for place in (*_COMMON_FILES.values(), *_BESIDE_ADAPTERS.values()))


def test_a_hand_in_without_the_assignments_files_is_refused(prepared):
    with pytest.raises(UnusableSubmission, match=r"found: hw/essay\.txt"):
        prepared({"essay.txt": b""})


def test_changed_signatures_are_told(prepared):
    result = prepared({**GOOD, "cell.py": b"class Cell:\n    def call(self, x, state): ...\n"})
    assert result.signature_changes == (
        "`Cell.call(self, x, state)` in cell.py; the handout fixes `(self, x, states)`",
    )


def stamp(**changes: object) -> bytes:
    return json.dumps({"assignment": "toy", "version": "2026.1", **changes}).encode()


def test_the_version_of_the_handout_is_read(prepared):
    result = prepared({**GOOD, "handout.json": stamp()})
    assert result.handout_version == "2026.1"
    assert result.notes == ()


def test_an_older_handout_is_told(prepared):
    result = prepared({**GOOD, "handout.json": stamp(version="2025.2")})
    assert result.handout_version == "2025.2"
    assert "made from the handout 2025.2, graded by 2026.1" in texts(result)


def test_the_handout_of_another_assignment_is_told(prepared):
    result = prepared({**GOOD, "handout.json": stamp(assignment="mnist")})
    assert "handout.json is of the assignment 'mnist', but this is 'toy'" in texts(result)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"garbage",
        b"\xff\xfe\0",
        b"[]",
        b"null",
        b'"2026.1"',
        b"[" * 60_000,
        b'{"a":' * 10_000,
        b"9" * 60_000,
        b'{"version": "2026.1", "assignment": "toy", "x": "' + b"x" * 100_000 + b'"}',
        stamp(version=3),
        stamp(version=""),
        stamp(version="x" * 41),
        stamp(version="2026\x1b[31m"),
        stamp(version="\ud800"),
        stamp(version=["2026.1"]),
        stamp(assignment=None),
        stamp(assignment={"toy": 1}),
    ],
    ids=lambda content: repr(content[:30]),
)
def test_garbage_in_handout_json_leaves_the_version_unknown(content, prepared):
    result = prepared({**GOOD, "handout.json": content})
    assert result.handout_version == ""
    assert "handout.json can't be read" in texts(result)


def test_a_folder_called_handout_json_is_passed_over(prepared):
    assert prepared({**GOOD, "handout.json/x": b""}).handout_version == ""


def test_nothing_of_the_submission_is_imported(prepared, tmp_path):
    proof = tmp_path / "ran"
    hostile = f"open({os.fspath(proof)!r}, 'w')\n".encode()
    names = (
        "conftest.py",
        "sitecustomize.py",
        "numpy.py",
        "json.py",
        "ast.py",
        "evil.pth",
        "__init__.py",
        "kit/wire.py",
    )
    prepared({**GOOD, **dict.fromkeys((*names, "data.py", "cell.py"), hostile)})
    assert not proof.exists()
