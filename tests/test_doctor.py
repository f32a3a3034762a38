"""What `grader doctor` finds on this machine, and how it judges what it would find on others."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace

import pytest
from rich.console import Console

from grader import doctor
from grader.doctor import Report, Sandbox, TensorFlow
from grader.records import Environment
from grader.sandbox.probing import Outcome

GOOD = Report(
    sandbox=Sandbox(
        tier="jailed",
        detail="Landlock ABI 7; system-call filter; uid 1000 without capabilities",
        landlock_abi=7,
        filter=True,
        uid=1000,
        user_namespaces=True,
    ),
    environment=Environment(python="3.11.7", platform="Linux", cpu="Fast", cores=4, packages={"numpy": "2.4.6"}),
    tensorflow=TensorFlow(import_s=3.25),
    data={"mnist-mini.npz": "whole", "train-images": "whole"},
    memory_bytes=16 << 30,
    disk_free_bytes=50 << 30,
)


def judged(report: Report, subject: str) -> tuple[str, str]:
    return next((finding.level, finding.text) for finding in doctor.findings(report) if finding.subject == subject)


def test_a_machine_with_everything_has_no_note():
    assert {finding.level for finding in doctor.findings(GOOD)} == {"good"}
    assert doctor.findings(GOOD)[0].subject == "Sandbox"


@pytest.mark.parametrize(
    ("changes", "subject", "level", "words"),
    [
        ({"data": {}}, "Data", "note", "no folder data/"),
        ({"data": {"mnist-mini.npz": "absent"}}, "Data", "bad", "restore it"),
        ({"data": {"mnist-mini.npz": "whole", "train-images": "absent"}}, "Data", "note", "./download.sh fetches it"),
        (
            {"data": {"mnist-mini.npz": "whole", "train-images": "damaged"}},
            "Data",
            "bad",
            "train-images: not what SHA256SUMS",
        ),
        ({"tensorflow": TensorFlow(import_s=None, error="no AVX")}, "TensorFlow", "bad", "can't be imported: no AVX"),
        ({"memory_bytes": 2 << 30}, "Memory", "note", "2.0 GiB; a worker may use up to 3.0 GiB"),
        ({"disk_free_bytes": 1 << 20}, "Disk", "bad", "0.0 GiB free"),
        ({"environment": replace(GOOD.environment, cores=1)}, "Cores", "note", "1 x Fast; a training shares it"),
    ],
)
def test_what_is_amiss_is_named_with_what_to_do(changes, subject, level, words):
    found_level, text = judged(replace(GOOD, **changes), subject)
    assert found_level == level
    assert words in text


def test_without_a_jail_the_reason_and_the_flag_are_named():
    sandbox = replace(
        GOOD.sandbox, tier="bare", detail="this kernel has no Landlock", landlock_abi=0, user_namespaces=False
    )
    report = replace(GOOD, sandbox=sandbox)
    level, text = judged(report, "Sandbox")
    assert level == "bad"
    assert "tier bare: this kernel has no Landlock" in text
    assert "--insecure" in text
    assert judged(report, "Kernel") == ("note", "no Landlock, system-call filter, user namespaces refused, uid 1000")


def test_root_that_cannot_change_its_uid_is_a_note():
    sandbox = replace(GOOD.sandbox, uid=0, detail="Landlock ABI 7; uid 0 without capabilities")
    level, text = judged(replace(GOOD, sandbox=sandbox), "Sandbox")
    assert level == "note"
    assert "No other uid can read this Python" in text
    dropped = replace(sandbox, detail="Landlock ABI 7; spare uid 20001")
    assert judged(replace(GOOD, sandbox=dropped), "Sandbox")[0] == "good"


def test_the_table_shows_every_finding_as_it_is():
    report = replace(GOOD, tensorflow=TensorFlow(import_s=None, error="[red]not markup[/red]"))
    out = io.StringIO()
    doctor.render(report, Console(file=out, width=500))
    lines = out.getvalue().splitlines()
    assert len(lines) == len(doctor.findings(report))
    for line, finding in zip(lines, doctor.findings(report), strict=True):
        assert line.startswith(finding.subject)
        assert finding.text in line
    assert "problem" in lines[2]


def test_this_machines_tier_is_proved_by_a_worker():
    sandbox = doctor.examine_sandbox()
    assert sandbox.detail
    if sandbox.landlock_abi >= 2 and sandbox.filter:
        assert sandbox.tier == "jailed"
        assert f"Landlock ABI {sandbox.landlock_abi}" in sandbox.detail
    else:
        assert sandbox.tier == "bare"


def test_an_import_is_timed_in_another_process(monkeypatch):
    assert doctor.time_import("json").import_s > 0
    failed = doctor.time_import("no_such_module")
    assert failed.import_s is None
    assert "No module named 'no_such_module'" in failed.error
    assert doctor.time_import("os; os._exit(3)").error == "ended with code 3"
    monkeypatch.setattr(doctor, "_IMPORT_LIMIT_S", 0.1)
    assert doctor.time_import("time; time.sleep(60)").error == "not imported after 0.1 s"


def test_data_is_whole_damaged_or_absent(tmp_path):
    assert doctor.examine_data(tmp_path) == {}
    (tmp_path / "images").write_bytes(b"pixels")
    (tmp_path / "labels").write_bytes(b"half")
    sums = {"images": b"pixels", "labels": b"digits", "more": b""}
    lines = [f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in sums.items()]
    (tmp_path / "SHA256SUMS").write_text("".join(lines))
    states = {"mnist-mini.npz": "absent", "images": "whole", "labels": "damaged", "more": "absent"}
    assert doctor.examine_data(tmp_path) == states
    (tmp_path / "mnist-mini.npz").write_bytes(b"")
    assert doctor.examine_data(tmp_path)["mnist-mini.npz"] == "whole"


def test_a_containers_memory_limit_counts(tmp_path, monkeypatch):
    limits = tmp_path / "version2", tmp_path / "version1"
    monkeypatch.setattr(doctor, "_MEMORY_LIMITS", limits)
    machine = doctor.memory_limit_bytes()
    assert machine > 0
    limits[0].write_text("max\n")
    limits[1].write_text("9223372036854771712\n")
    assert doctor.memory_limit_bytes() == machine
    limits[0].write_text("1048576\n")
    assert doctor.memory_limit_bytes() == 1 << 20


@pytest.mark.slow
def test_the_whole_examination_ends_with_a_report():
    report = doctor.examine()
    assert report.tensorflow.import_s is not None
    assert report.data["mnist-mini.npz"] == "whole"
    assert report.disk_free_bytes > 0


@pytest.mark.parametrize(("outcome", "held"), [("refused", True), ("stopped", True), ("done: a file was left", False)])
def test_a_probe_prints_each_attack_and_says_whether_the_tier_holds(monkeypatch, outcome, held):
    found = [Outcome("files", "read a hidden test", "refused"), Outcome("limits", "fill a folder", outcome)]
    monkeypatch.setattr(doctor.probing, "run", lambda box: iter(found))
    console = Console(file=io.StringIO(), width=100)
    examined = doctor.examine_sandbox()
    assert doctor.probe(console) == (held or examined.tier == "bare")
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert [line.split()[0] for line in lines if "a hidden test" in line or "fill" in line] == ["files", "limits"]
    assert any("fill a folder" in line and line.rstrip().endswith(outcome) for line in lines)
    assert lines[-1] == f"tier {examined.tier}: {1 + held} of 2 attacks were refused or stopped"
