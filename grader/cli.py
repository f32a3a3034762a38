"""Arguments in, exit code out: 0 done, 1 could not do it, 2 wrong usage.

`grader grade` exits 0 whatever the score, and 1 only where something could not be graded or checked.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Literal, NoReturn

import click
from rich.console import Console

from grader import catalog, doctor
from grader.errors import GradingError, UnknownAssignment
from grader.files import replace_file

SIZE_NAMES = ("0.5cpu-0.75gb", "1cpu-1.5gb", "2cpu-3gb", "4cpu-6gb")  # of `grader.gradescope.sizes`

_stdout = Console()
_stderr = Console(stderr=True)


def _known(ctx: click.Context, param: click.Parameter, value: str) -> str:
    """Lets the name of an assignment of this kit pass."""
    try:
        catalog.load(value)
    except UnknownAssignment as error:
        raise click.BadParameter(str(error), ctx=ctx, param=param) from error
    return value


_EXISTING = click.Path(exists=True, path_type=Path)
_FILE = click.Path(dir_okay=False, path_type=Path)
_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="rnn-homework-grader")
def cli() -> None:
    """Autograded homework on recurrent networks."""


@cli.command()
@click.argument("submission", type=_EXISTING)
@click.option(
    "--assignment", "-a", "name", required=True, callback=_known, help="Which assignment, such as `integration`."
)
@click.option("--json", "json_file", type=_FILE, help="Write the result here, replaced after each test.")
@click.option("--html", "html_file", type=_FILE, help="Write the student's report here.")
@click.option("--audience", type=click.Choice(["student", "staff"]), default="student", help="Whom the report is for.")
@click.option(
    "--seed", type=click.IntRange(min=0, max=2**53 - 1), help="Replay the random inputs of an earlier result."
)
@click.option("--insecure", is_flag=True, help="Go on without a jail where this machine has none.")
def grade(
    submission: Path,
    name: str,
    json_file: Path | None,
    html_file: Path | None,
    audience: Literal["student", "staff"],
    seed: int | None,
    insecure: bool,
) -> None:
    """Grade one zip or folder; a table on the terminal."""
    from grader.session import grade_and_report

    result = grade_and_report(submission, name, json_file, html_file, audience, seed, insecure, _stdout, _stderr)
    unchecked = any(case.status == "could_not_check" for case in result.cases)
    sys.exit(1 if result.verdict == "could_not_grade" or unchecked else 0)


@cli.command()
@click.option("--check", is_flag=True, help="Change nothing; exit 1 where stencil/ is stale, and name what differs.")
def stencil(check: bool) -> None:
    """Write stencil/ from solution/."""
    from grader.handout.stencil import check_stencils, write_stencils

    if not check:
        for path in write_stencils(catalog.ROOT_DIR, catalog.names()):
            click.echo(f"wrote {path}")
        return
    drift = check_stencils(catalog.ROOT_DIR, catalog.names())
    for line in drift:
        click.echo(line, err=True)
    click.echo("stencil/ differs from solution/: run `grader stencil`" if drift else "stencil/ mirrors solution/")
    sys.exit(1 if drift else 0)


@cli.command()
@click.argument("name", metavar="ASSIGNMENT", callback=_known)
@click.option("-o", "folder", type=_FOLDER, default=Path("out"), show_default=True, help="Where the zip goes.")
def release(name: str, folder: Path) -> None:
    """Build the handout that students get."""
    from grader.handout.release import build_handout

    path = build_handout(catalog.load(name), folder)
    click.echo(f"wrote {path}")


@cli.command()
@click.argument("name", metavar="ASSIGNMENT", callback=_known)
@click.option("-o", "folder", type=_FOLDER, default=Path("out"), show_default=True, help="Where the zip goes.")
def package(name: str, folder: Path) -> None:
    """Build the bundle that Gradescope runs."""
    from grader.gradescope.bundle import build_bundle

    path = build_bundle(catalog.load(name), folder)
    click.echo(f"wrote {path} ({path.stat().st_size / 1e6:.1f} MB)")


@cli.command()
@click.argument("bundle", metavar="ZIP", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("submission", type=_EXISTING)
@click.option(
    "--size", "names", multiple=True, type=click.Choice(SIZE_NAMES), help="Measure this size; several may be."
)
@click.option(
    "--metadata", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="submission_metadata.json."
)
@click.option("--python", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="In place of python3.10.")
@click.option("--json", "json_file", type=_FILE, help="Write results.json here.")
def preview(
    bundle: Path,
    submission: Path,
    names: tuple[str, ...],
    metadata: Path | None,
    python: Path | None,
    json_file: Path | None,
) -> None:
    """Run a bundle as Gradescope would, and say which size of container it needs."""
    from grader.gradescope.session import preview_and_show

    fits = preview_and_show(bundle, submission, names, metadata, python, json_file, _stdout, _stderr)
    sys.exit(0 if fits else 1)


@cli.command()
@click.argument("name", metavar="ASSIGNMENT", callback=_known)
@click.option("--variants", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Another variants.toml.")
@click.option("--json", "json_file", type=_FILE, help="Write the kill matrix here.")
@click.option("--sample", type=click.IntRange(min=1), help="Audit that many variants, drawn by hash, instead of all.")
def audit(name: str, variants: Path | None, json_file: Path | None, sample: int | None) -> None:
    """Grade right and wrong variants of the solution, and hold the suite to account."""
    from grader.audit.matrix import audit_assignment
    from grader.audit.show import show_matrix

    matrix = audit_assignment(catalog.load(name), variants, sample, _stderr)
    show_matrix(matrix, _stdout)
    if json_file is not None:
        replace_file(json_file, matrix.to_json())
    sys.exit(1 if matrix.shortcomings else 0)


@cli.command(name="doctor")
@click.option("--probe", is_flag=True, help="Try to break out of a worker in every known way.")
def doctor_command(probe: bool) -> None:
    """Say what this machine can do. Exit 1 where `--probe` finds a way out."""
    if probe:
        sys.exit(0 if doctor.probe(_stdout) else 1)
    doctor.render(doctor.examine(), _stdout)


def _interrupt(number: int, frame: object) -> NoReturn:
    """Ends a grading as Ctrl-C does: its processes and temporary files go with it."""
    signal.signal(number, signal.SIG_IGN)  # once: the rest is cleaning up
    raise KeyboardInterrupt


def main() -> NoReturn:
    """Entry point of the program `grader`."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        cli.main(standalone_mode=True)
    except (GradingError, OSError) as error:
        _stderr.print(f"grader: {error}", style="red", markup=False, highlight=False)
        sys.exit(1)
    finally:
        # All is done and written; as it ends, Python would put back the default, and an exit code say that it was not.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(0)
