"""Every kind of reply, from a real file of a submission, in process: as the handout's conftest.py uses it."""

from __future__ import annotations

import importlib
import re
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader.sandbox import calls

NAMES = ("adapters", "hw", "other")
ADAPTERS = """
def f(**arguments):
    import hw
    return hw.f(**arguments)

def make(**arguments):
    import hw
    return hw.Cell(**arguments)

def from_import():
    from hw import f

def attribute():
    import hw
    return hw.Cell(1).units

def of_nothing():
    import hw
    return hw.f().shape
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in NAMES:
        sys.modules.pop(name, None)


@pytest.fixture
def reply(root: Path) -> Callable[..., dict[str, Any]]:
    """`reply(source, adapter="f", **arguments)`: the reply of that adapter with this hw.py."""

    def ask(source: str | bytes | None, adapter: str = "f", **arguments: Any) -> dict[str, Any]:
        (root / "adapters.py").write_text(ADAPTERS)
        if isinstance(source, str):
            source = textwrap.dedent(source).encode()
        if source is not None:
            (root / "hw.py").write_bytes(source)
        importlib.invalidate_caches()
        return calls.call("adapters", adapter, arguments, str(root))

    return ask


@pytest.fixture
def error(reply: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    def ask(source: str | bytes | None, adapter: str = "f", **arguments: Any) -> dict[str, Any]:
        answer = reply(source, adapter, **arguments)
        assert not answer["ok"], answer
        assert answer["error"].keys() == {"kind", "type", "message", "name", "task", "place"}
        assert answer["error"]["kind"] in calls.KINDS
        found: dict[str, Any] = answer["error"]
        return found

    return ask


def test_an_answer_is_what_the_other_side_of_a_pipe_would_see(reply: Callable[..., dict[str, Any]]) -> None:
    source = """
        import numpy as np
        class Mine(np.ndarray):
            pass
        def f(x):
            return {"a": x.view(Mine), "b": np.float32(2)}
    """
    answer = reply(source, x=np.arange(3))
    assert type(answer["value"]["a"]) is np.ndarray
    assert type(answer["value"]["b"]) is float


def test_an_open_todo_names_its_task(error: Callable[..., dict[str, Any]]) -> None:
    found = error(
        """
        class Cell:
            def call(self):
                raise NotImplementedError("Task 2.1: the cell")
        def f():
            return Cell().call()
        """
    )
    assert (found["kind"], found["task"]) == ("not_implemented", "2.1")
    assert found["place"]["file"] == "hw.py"
    assert found["place"]["line"] == 4
    name = "Cell.call" if sys.version_info >= (3, 11) else "call"
    assert calls.describe(found) == (
        f"Task 2.1 is still open: `{name}` raises NotImplementedError "
        '(hw.py, line 4: `raise NotImplementedError("Task 2.1: the cell")`)'
    )


def test_an_open_todo_without_a_task_is_still_open(error: Callable[..., dict[str, Any]]) -> None:
    found = error("def f():\n    raise NotImplementedError\n")
    assert (found["kind"], found["task"]) == ("not_implemented", None)
    assert calls.describe(found, with_place=False) == "`f` is still open: it raises NotImplementedError"


@pytest.mark.parametrize(
    ("source", "adapter", "words"),
    [
        (None, "f", "No module named 'hw'"),
        ("x = 1", "f", "has no attribute 'f'"),
        ("x = 1", "from_import", "cannot import name 'f'"),
        ("class Cell:\n    def __init__(self, units):\n        pass", "attribute", "has no attribute 'units'"),
    ],
    ids=["module", "function", "import", "attribute"],
)
def test_a_missing_name_of_the_handout_is_missing(
    error: Callable[..., dict[str, Any]], source: str | None, adapter: str, words: str
) -> None:
    found = error(source, adapter)
    assert found["kind"] == "missing"
    assert words in calls.describe(found)
    assert found["place"] is None


@pytest.mark.parametrize(
    ("source", "type_name", "line"),
    [
        ("def f() return 1\n", "SyntaxError", 1),
        ("x = 1\nx / 0\n", "ZeroDivisionError", 2),
        ("import sys\nsys.exit(0)\n", "SystemExit", 2),
        ("import no_such_package\n", "ModuleNotFoundError", 1),
        ("from math import no_such_name\n", "ImportError", 1),
        ("def g():\n    raise KeyboardInterrupt\ng()\n", "KeyboardInterrupt", 2),
    ],
    ids=["syntax", "raises", "exit", "package", "name", "interrupt"],
)
def test_a_module_that_fails_while_it_is_imported_is_named_with_its_line(
    error: Callable[..., dict[str, Any]], source: str, type_name: str, line: int
) -> None:
    found = error(source)
    assert (found["kind"], found["type"]) == ("import_failed", type_name)
    assert (found["place"]["file"], found["place"]["line"]) == ("hw.py", line)
    assert calls.describe(found).startswith(f"Importing `hw.py` failed with {type_name}")


@pytest.mark.parametrize(
    "source", [b"def f():\n    return 1\x00\n", b"def f(): return '\xff\xfe'\n"], ids=["NUL", "not UTF-8"]
)
def test_a_file_that_is_no_text_fails_to_import(error: Callable[..., dict[str, Any]], source: bytes) -> None:
    found = error(source)
    assert found["kind"] == "import_failed"
    assert re.match(r"Importing (`hw.py`|a module of the submission) failed with ", calls.describe(found))


@pytest.mark.parametrize(
    ("source", "adapter", "arguments"),
    [
        ("def f(y):\n    return y", "f", {"x": 1}),
        ("def f():\n    return 1", "f", {"x": 1}),
        ("f = 3", "f", {}),
        ("class Cell:\n    pass", "make", {"units": 3}),
    ],
    ids=["name", "number", "not callable", "constructor"],
)
def test_what_can_not_be_called_as_the_handout_fixes_it_has_a_wrong_signature(
    error: Callable[..., dict[str, Any]], source: str, adapter: str, arguments: dict[str, Any]
) -> None:
    assert error(source, adapter, **arguments)["kind"] == "signature"


def test_a_type_error_inside_the_students_code_is_no_wrong_signature(error: Callable[..., dict[str, Any]]) -> None:
    found = error("def g(a):\n    pass\ndef f():\n    return g()\n")
    assert (found["kind"], found["place"]["line"]) == ("raised", 4)


@pytest.mark.parametrize(
    ("source", "type_name"),
    [
        ("def f():\n    raise ValueError('too short')", "ValueError"),
        ("def f():\n    raise SystemExit(0)", "SystemExit"),
        ("def f():\n    raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("def f():\n    return f()", "RecursionError"),
        ("class Own(BaseException):\n    pass\ndef f():\n    raise Own", "Own"),
    ],
)
def test_whatever_the_code_raises_is_its_answer(
    error: Callable[..., dict[str, Any]], source: str, type_name: str
) -> None:
    found = error(source)
    assert (found["kind"], found["type"]) == ("raised", type_name)
    assert found["place"]["function"] == "f"


def test_the_words_name_function_file_line_and_code(error: Callable[..., dict[str, Any]]) -> None:
    found = error("def f():\n    raise ValueError('too short')")
    text = "`f` raised ValueError: too short (hw.py, line 2: `raise ValueError('too short')`)"
    assert calls.describe(found) == text


def test_using_nothing_as_an_array_is_no_missing_name(error: Callable[..., dict[str, Any]]) -> None:
    found = error("def f():\n    pass", "of_nothing")
    assert found["kind"] == "raised"
    assert calls.describe(found).startswith("`of_nothing` failed with AttributeError: 'NoneType'")


def test_memory_and_unsendable_values_have_kinds_of_their_own(error: Callable[..., dict[str, Any]]) -> None:
    assert error("def f():\n    raise MemoryError")["kind"] == "memory"
    sys.modules.pop("hw")
    found = error("def f():\n    return object()  # again")
    assert found["kind"] == "unsendable"
    assert calls.describe(found).startswith("The answer of `f` holds an object of type object; expected an array")


def test_a_hostile_exception_can_not_escape(error: Callable[..., dict[str, Any]]) -> None:
    source = """
        class Meta(type):
            @property
            def __name__(cls):
                raise SystemExit(1)
        class Hostile(BaseException, metaclass=Meta):
            def __str__(self):
                raise SystemExit(0)
            __repr__ = __str__
        def f():
            raise Hostile
    """
    assert error(source)["kind"] == "raised"


def test_a_huge_message_with_control_characters_is_cut_and_cleaned(error: Callable[..., dict[str, Any]]) -> None:
    found = error("def f():\n    raise ValueError('\\x1b[2J<b>' + 'A' * 50_000_000)")
    assert len(found["message"]) == calls.MESSAGE_CHARS
    assert found["message"].startswith("\N{REPLACEMENT CHARACTER}[2J<b>AAA")


def test_load_imports_a_module_once_and_says_what_went_wrong(root: Path) -> None:
    (root / "hw.py").write_text("x = 1\n")
    (root / "other.py").write_text("import hw\nhw.y\n")
    assert calls.load("hw", str(root)) == {"ok": True, "value": None}
    assert calls.load("other", str(root))["error"]["kind"] == "import_failed"
    assert calls.load("absent", str(root))["error"]["kind"] == "missing"


def test_load_does_not_take_an_installed_package_for_a_module_of_the_submission(root: Path) -> None:
    found = calls.load("numpy", str(root))["error"]
    assert found["kind"] == "missing"
    assert "`numpy` is the name of an installed package" in calls.describe(found)


def test_what_autograph_and_keras_wrap_around_a_message_is_taken_off(
    error: Callable[..., dict[str, Any]], root: Path
) -> None:
    source = f"""
        TEXT = (
            'in user code:\\n\\n    File "{root}/hw.py", line 2, in step  *\\n        y = cell(x)\\n'
            '    File "/keras/traceback_utils.py", line 122, in error_handler  **\\n        raise e\\n\\n'
            '    ValueError: Exception encountered when calling X.call().\\n    \\n    \\x1b[1mwrong axis:\\x1b[0m\\n'
            '    second line\\n    \\n    Arguments received by Cell.call():\\n      • x=1\\n'
        )
        def f():
            raise ValueError(TEXT)
    """
    found = error(source)
    assert found["message"] == "wrong axis:\nsecond line"
    assert (found["place"]["line"], found["place"]["function"]) == (2, "step")


def test_the_kits_own_lines_are_never_the_place(error: Callable[..., dict[str, Any]], root: Path) -> None:
    (root / "kit").mkdir()
    (root / "kit" / "inner.py").write_text("def run():\n    raise ValueError\n")
    found = error("import sys\ndef f():\n    from kit import inner\n    inner.run()\n")
    for name in ("kit", "kit.inner"):
        sys.modules.pop(name, None)
    assert (found["place"]["file"], found["place"]["line"]) == ("hw.py", 4)
