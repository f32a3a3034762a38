"""The root of a submission under any nesting."""

from __future__ import annotations

import pytest

from grader.errors import UnusableSubmission
from grader.intake.roots import find_root

FILES = ("data.py", "lstm.py", "model.py", "questions.md")


def texts(root) -> str:
    return "\n".join(note.text for note in root.notes)


@pytest.mark.parametrize("prefix", ["", "integration/", "homework 7/Anna/final (2)/"])
def test_the_root_is_found_under_any_nesting(prefix, make_folder):
    folder = make_folder({prefix + name: b"" for name in FILES})
    root = find_root(folder, FILES)
    assert root.path == folder / prefix
    assert texts(root) == (f"graded the folder '{prefix[:-1]}'" if prefix.count("/") > 1 else "")


def test_the_folder_with_the_most_files_wins_over_a_shallower_one(make_folder):
    folder = make_folder({"data.py": b"", **{f"a/b/{name}": b"" for name in FILES[:3]}})
    root = find_root(folder, FILES)
    assert root.path == folder / "a/b"
    assert "left out what lies beside the folder 'a/b': data.py" in texts(root)
    assert "questions.md lies nowhere in it" in texts(root)


def test_among_equals_the_shallowest_wins_and_the_other_is_named(make_folder):
    folder = make_folder({f"{where}{name}": b"" for where in ("hw/old/", "hw/") for name in FILES})
    root = find_root(folder, FILES)
    assert root.path == folder / "hw"
    assert "the folder 'hw/old' holds as many" in texts(root)


def test_among_equals_of_one_depth_the_first_name_wins_with_a_warning(make_folder):
    folder = make_folder({f"{where}/{name}": b"" for where in ("b", "a") for name in FILES})
    root = find_root(folder, FILES)
    assert root.path == folder / "a"
    assert "graded the folder 'a'; the folder 'b' holds as many" in texts(root)
    assert root.notes[0].severity == "warning"


def test_missing_files_are_named_with_the_place_where_they_lie(make_folder):
    folder = make_folder({"hw/data.py": b"", "hw/lstm.py": b"", "notes/model.py": b""})
    root = find_root(folder, FILES)
    assert root.path == folder / "hw"
    assert "model.py lies in the folder 'notes', but the others in the folder 'hw', so it was not used" in texts(root)


def test_one_file_is_enough(make_folder):
    folder = make_folder({"hw/questions.md": b"", "hw/other.py": b""})
    assert find_root(folder, FILES).path == folder / "hw"


def test_no_known_file_lists_what_was_found_and_what_was_expected(make_folder):
    folder = make_folder({f"solution{i}.ipynb": b"" for i in range(12)})
    with pytest.raises(UnusableSubmission) as caught:
        find_root(folder, FILES)
    assert "none of this assignment's files (data.py, lstm.py, model.py, questions.md)" in str(caught.value)
    assert "solution0.ipynb" in str(caught.value)
    assert "and 4 more" in str(caught.value)


def test_names_that_differ_by_case_are_accepted_with_a_warning(make_folder):
    folder = make_folder({"Data.py": b"x", "lstm.py": b"y", "QUESTIONS.MD": b"z"})
    root = find_root(folder, FILES)
    assert (root.path / "data.py").read_bytes() == b"x"
    assert (root.path / "questions.md").read_bytes() == b"z"
    # `import Data` in the student's other modules goes on working.
    assert (root.path / "Data.py").read_bytes() == b"x"
    assert "'Data.py' was taken for data.py" in texts(root)
    assert "'QUESTIONS.MD' was taken for questions.md" in texts(root)


def test_a_folder_that_differs_by_case_is_named_once(make_folder):
    folder = make_folder({"hw2/code/net/cell.py": b"x", "hw2/code/net/layer.py": b"", "hw2/code/train.py": b""})
    root = find_root(folder, ("Net/cell.py", "Net/layer.py", "train.py"))
    assert (root.path / "Net/cell.py").read_bytes() == b"x"
    assert [note.text for note in root.notes] == [
        "graded the folder 'hw2/code'",
        "'net/' was taken for Net/ (2 files): upper and lower case matter in names",
    ]


def test_files_of_a_package_count_by_their_whole_path(make_folder):
    folder = make_folder({"hw/net/cell.py": b"", "cell.py": b"", "hw/Train.py": b""})
    root = find_root(folder, ("net/cell.py", "train.py"))
    assert root.path == folder / "hw"
    assert (root.path / "train.py").exists()
