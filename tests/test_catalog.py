"""assignment.toml: what it says, and the words for everything that it can't say."""

from __future__ import annotations

import pytest

from grader import catalog
from grader.errors import InvalidAssignment, UnknownAssignment

TOP = """
title = "Toy"
version = "1"
worker = "numpy"
modules = ["cell"]
files = ["cell.py", "given.py"]
given = ["given.py"]
tiers = ["pass", "outstanding"]
bonus_tiers = ["bonus"]
requirements = ["numpy>=2"]
"""
TASKS = """
[[task]]
id = "1.1"
title = "One"
points = 3

[[task]]
id = "1.2"
title = "Two"
points = 2.5
tier = "outstanding"
needs = ["1.1"]
code = false

[[task]]
id = "1.3"
title = "Three"
points = 4
tier = "bonus"
needs = ["1.2"]
"""
REST = """
[limits]
test_s = 7
memory_mb = 512

[thresholds]
accuracy = 1

[training.main]
adapter = "train_whole"
limit_s = 60
arguments = { max_steps = 10 }

[[question]]
id = "Q1"
title = "Why?"
points = 2
"""
GOOD = TOP + TASKS + REST


@pytest.fixture
def read(tmp_path):
    def read_text(text: str | bytes) -> catalog.Assignment:
        path = tmp_path / "toy/assignment.toml"
        path.parent.mkdir()
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return catalog.read(path)

    return read_text


def test_every_key_reaches_the_record(read, tmp_path):
    toy = read(GOOD)
    assert (toy.name, toy.title, toy.version, toy.worker) == ("toy", "Toy", "1", "numpy")
    assert (toy.modules, toy.files, toy.given) == (("cell",), ("cell.py", "given.py"), ("given.py",))
    assert (toy.tiers, toy.bonus_tiers, toy.requirements) == (("pass", "outstanding"), ("bonus",), ("numpy>=2",))
    assert (toy.limits.test_s, toy.limits.memory_bytes) == (7.0, 512 << 20)
    assert (toy.limits.import_s, toy.limits.scratch_bytes) == (20.0, 64 << 20)  # left at their defaults
    assert toy.thresholds == {"accuracy": 1.0}
    assert toy.trainings["main"] == catalog.Training(
        name="main", adapter="train_whole", limit_s=60.0, arguments={"max_steps": 10}
    )
    assert toy.tasks["1.1"] == catalog.Task(id="1.1", title="One", points=3.0, tier="pass")
    assert toy.tasks["1.2"] == catalog.Task(
        id="1.2", title="Two", points=2.5, tier="outstanding", needs=("1.1",), code=False
    )
    assert toy.questions == (catalog.Question(id="Q1", title="Why?", points=2.0),)
    assert toy.suite_dir == tmp_path / "toy"
    assert toy.solution_dir.parts[-2:] == ("solution", "toy")
    assert toy.stencil_dir.parts[-2:] == ("stencil", "toy")


def test_bonus_counts_above_the_maximum_and_written_answers_apart(read):
    toy = read(GOOD)
    assert toy.max_score == 5.5
    assert toy.points_awaiting_review == 2.0


def test_needs_are_transitive_in_the_order_of_the_handout(read):
    assert read(GOOD).needed_by == {"1.1": (), "1.2": ("1.1",), "1.3": ("1.1", "1.2")}


def test_a_task_may_have_a_worker_of_another_kind(read):
    text = GOOD.replace("points = 3\n", 'points = 3\nworker = "tensorflow"\n')
    toy = read(text.replace('worker = "numpy"', 'worker = "numpy"\nforbidden = ["tensorflow", "torch"]'))
    assert toy.workers == ("numpy", "tensorflow")  # the quickest to start comes first
    assert [toy.worker_of(task) for task in ("0", "1.1", "1.2")] == ["numpy", "tensorflow", "numpy"]
    assert toy.forbidden_in("numpy") == ("tensorflow", "torch")
    assert toy.forbidden_in("tensorflow") == ("torch",)


def test_one_kind_of_worker_is_enough_for_most(read):
    assert read(GOOD).workers == ("numpy",)


def test_optional_keys_may_be_left_out(read):
    toy = read(
        TOP.replace('given = ["given.py"]\n', "").replace('bonus_tiers = ["bonus"]\n', "")
        + TASKS.split('[[task]]\nid = "1.3"')[0]
    )
    assert (toy.given, toy.bonus_tiers, toy.trainings, toy.questions, toy.thresholds) == ((), (), {}, (), {})
    assert toy.limits == catalog.Limits()


REFUSED = {
    "unknown key, with the nearest": (
        GOOD.replace("version =", "verson ="),
        "unknown key 'verson' in the file (did you mean 'version'?)",
    ),
    "unknown key, near to none": (GOOD.replace("version =", "zzz ="), "unknown key 'zzz' in the file"),
    "unknown key of a task": (GOOD.replace("needs =", "need =", 1), "'need' in [[task]] 1.2 (did you mean 'needs'?)"),
    "unknown limit": (GOOD.replace("test_s", "tests_s"), "'tests_s' in [limits] (did you mean 'test_s'?)"),
    "unknown key of a training": (
        GOOD.replace("limit_s = 60", "limits = 60"),
        "in [training.main] (did you mean 'limit_s'?)",
    ),
    "unknown key of a question": (GOOD + "tier = 'pass'", "unknown key 'tier' in [[question]] Q1"),
    "missing key": (GOOD.replace('title = "Toy"\n', ""), "the file lacks 'title'"),
    "task without points": (GOOD.replace("points = 3\n", ""), "[[task]] 1.1 lacks 'points'"),
    "task without id": (GOOD.replace('id = "1.1"\n', ""), "[[task]] lacks 'id'"),
    "training without limit": (GOOD.replace("limit_s = 60\n", ""), "[training.main] lacks 'limit_s'"),
    "question without title": (GOOD.replace('title = "Why?"\n', ""), "[[question]] Q1 lacks 'title'"),
    "id that is no text": (
        GOOD.replace('id = "1.1"', "id = 1.1"),
        "id of [[task]] 1.1 is 1.1; expected a text in quotes",
    ),
    "empty text": (GOOD.replace('"Toy"', '""'), "title of the file is ''; expected a text in quotes"),
    "points that are no number": (GOOD.replace("points = 3", "points = true"), "is True; expected a number"),
    "text for a list": (GOOD.replace('["cell"]', '"cell"'), "modules of the file is 'cell'; expected a list of texts"),
    "list of numbers for texts": (
        GOOD.replace('["numpy>=2"]', "[2]"),
        "requirements of the file is [2]; expected a list",
    ),
    "number for a flag": (
        GOOD.replace("code = false", "code = 0"),
        "code of [[task]] 1.2 is 0; expected true or false",
    ),
    "text for a threshold": (GOOD.replace("accuracy = 1", "accuracy = 'high'"), "expected a table of numbers"),
    "one task for a list": (TOP + "[task]\nid = '1.1'", "task of the file is {'id': '1.1'}; expected a list of tables"),
    "training without a name": (
        TOP + TASKS + "[training]\nadapter = 'train'",
        "training of the file is {'adapter': 'train'}; expected a table of tables",
    ),
    "number for limits": (TOP + "limits = 3" + TASKS, "limits of the file is 3; expected a table"),
    "unknown worker": (
        GOOD.replace('worker = "numpy"', 'worker = "torch"'),
        "worker is 'torch'; expected one of numpy, tensorflow",
    ),
    "unknown worker of a task": (
        GOOD.replace("points = 3\n", 'points = 3\nworker = "torch"\n'),
        "worker of task 1.1 is 'torch'; expected one of numpy, tensorflow",
    ),
    "no tier": (GOOD.replace('["pass", "outstanding"]', "[]"), "tiers is empty"),
    "unknown tier": (
        GOOD.replace('tier = "outstanding"', 'tier = "outstandig"'),
        "task 1.2 has the unknown tier 'outstandig' (did you mean 'outstanding'?)",
    ),
    "two tasks of one id": (GOOD.replace('id = "1.3"', 'id = "1.2"'), "two tasks or questions have the id '1.2'"),
    "a question with a task's id": (
        GOOD.replace('id = "Q1"', 'id = "1.1"'),
        "two tasks or questions have the id '1.1'",
    ),
    "the kit's own id": (GOOD.replace('id = "1.3"', 'id = "0"'), "the id '0' is the kit's own"),
    "unknown need": (
        GOOD.replace('needs = ["1.2"]', 'needs = ["1.20"]'),
        "task 1.3 needs the unknown task '1.20' (did you mean '1.2'?)",
    ),
    "circle": (
        GOOD.replace("points = 3\n", 'points = 3\nneeds = ["1.3"]\n'),
        "task 1.1 needs task 1.3, which does not come before it",
    ),
    "circle of one": (
        GOOD.replace("points = 3\n", 'points = 3\nneeds = ["1.1"]\n'),
        "task 1.1 needs task 1.1, which does not come before it",
    ),
    "given file that is no file": (
        GOOD.replace('given = ["given.py"]', 'given = ["gift.py"]'),
        "given file 'gift.py' is not among files",
    ),
    "no TOML": ("title = ", "Invalid value"),
    "no UTF-8": (b"title = '\xff'", "can't decode byte 0xff"),
}


@pytest.mark.parametrize(("text", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_a_contradictory_file_is_refused(text, words, read, tmp_path):
    with pytest.raises(InvalidAssignment) as caught:
        read(text)
    assert words in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path / 'toy/assignment.toml'}: ")


def test_an_unknown_assignment_is_refused_with_the_nearest(tmp_path):
    with pytest.raises(UnknownAssignment) as caught:
        catalog.load("intergration")
    assert str(caught.value) == (
        "there is no assignment 'intergration' (did you mean 'integration'?); there are: " + ", ".join(catalog.names())
    )


@pytest.mark.parametrize("name", ["", "..", "../suites/integration", "integration/"])
def test_a_path_is_no_name_of_an_assignment(name):
    with pytest.raises(UnknownAssignment):
        catalog.load(name)


@pytest.mark.parametrize("name", catalog.names())
def test_every_assignment_of_the_kit_can_be_read(name):
    assignment = catalog.load(name)
    assert assignment.name == name
    assert assignment.max_score > 0


DATA = """
[thresholds.sample]
accuracy = 0.5

[gradescope]
leaderboard = { accuracy = "desc" }
"""


def test_data_flags_and_gradescope(read, tmp_path):
    text = GOOD.replace("[limits]", 'flag = "extra"\n\n[limits]').replace("given.py", "mnist.py") + DATA
    assignment = read(text.replace('worker = "numpy"', 'worker = "numpy"\ndata = "mnist"\nforbidden = ["torch"]'))
    assert (assignment.data, assignment.forbidden, assignment.flags) == ("mnist", ("torch",), ("extra",))
    assert assignment.thresholds == {"accuracy": 1.0}
    assert assignment.sample_thresholds == {"accuracy": 0.5}
    assert assignment.gradescope.leaderboard == {"accuracy": "desc"}
    assert list(assignment.for_submission(tmp_path).tasks) == ["1.1", "1.2"]
    (tmp_path / "extra").touch()
    assert assignment.for_submission(tmp_path) == assignment


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("[limits]", 'flag = ""\n\n[limits]', "flag of [[task]] 1.3 is ''"),
        ('worker = "numpy"', 'worker = "numpy"\ndata = "mnist"', "has mnist.py among its given files"),
        ('worker = "numpy"', 'worker = "numpy"\ndata = "cifar"', "data is 'cifar'; expected one of mnist"),
        ("accuracy = 1\n", "accuracy = 1\nsample = { loss = 1 }\n", "[thresholds.sample] has 'loss'"),
        ("[limits]", '[gradescope]\nhidden_tests = "visible"\n\n[limits]', "hidden_tests is 'visible'"),
        ("[limits]", '[gradescope]\nleaderboard = { x = "up" }\n\n[limits]', "says asc or desc"),
    ],
)
def test_contradictions_of_data_and_gradescope_are_named(read, old, new, words):
    assert GOOD.count(old) == 1
    with pytest.raises(InvalidAssignment) as caught:
        read(GOOD.replace(old, new))
    assert words in str(caught.value)
