"""Builds the notebooks of Beras from the .py files beside this one.

    python grader/suites/beras/notebooks/build.py                writes them into solution/beras/
    python grader/suites/beras/notebooks/build.py --check        changes nothing; exit code 1 where they are stale
    python grader/suites/beras/notebooks/build.py --solved DIR   the exploration with its answers, for assistants

The sources are in the percent format, which many editors show as a notebook: `# %%` begins a cell of code,
`# %% [markdown]` one of text. Their solution blocks carry the section's number; students get a TODO in place of each.
Writing needs nbformat, of the extra `notebook`.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path

from grader.handout import markers

HERE = Path(__file__).resolve().parent
SOLUTION_DIR = HERE.parents[3] / "solution" / "beras"
NAMES = ("intro", "exploration")
CELL = "# %%"
TEXT = "# %% [markdown]"


@dataclass(frozen=True)
class Cell:
    """One cell: its kind, in nbformat's words "code" or "markdown", and its text."""

    kind: str
    text: str


def read_cells(source: str) -> list[Cell]:
    """The cells of a file in the percent format.

    Raises:
        ValueError: Something stands before the first cell, or a line of text is no comment.
    """
    cells: list[Cell] = []
    kind, lines = "", []
    for line in [*source.splitlines(), CELL]:
        if line.startswith(CELL):
            if kind:
                cells.append(Cell(kind, "\n".join(lines).strip()))
            elif any(lines):
                raise ValueError("there is something before the first cell")
            kind, lines = "markdown" if line == TEXT else "code", []
        elif kind == "markdown" and line:
            if not line.startswith("#"):
                raise ValueError(f"{line!r} is to be text, but is no comment")
            lines.append(line[1:].removeprefix(" "))
        else:
            lines.append(line)
    return cells


def path_of(cell: Cell) -> str:
    """A file name for messages, whose suffix says which markers the cell has."""
    return "cell.py" if cell.kind == "code" else "cell.md"


def without_answers(cell: Cell) -> Cell:
    """The cell as students get it."""
    lines, made, copied = cell.text.split("\n"), [], 0
    for block in markers.find_blocks(cell.text, path_of(cell)):
        made += lines[copied : block.first - 1]
        if cell.kind == "markdown":
            made.append(markers.ANSWER)
        else:
            first, *further = block.hints
            made.append(f"{block.indent}# TODO {block.id}: {first}")
            made += [f"{block.indent}#     {hint}" for hint in further]
            made.append(f'{block.indent}raise NotImplementedError("{block.id} is still open")')
        copied = block.last
    return Cell(cell.kind, "\n".join([*made, *lines[copied:]]))


def with_answers(cell: Cell) -> Cell:
    """The cell with its answers, without markers and hints."""
    kept = [line for line in cell.text.split("\n") if not line.strip().startswith(_MARKERS)]
    return Cell(cell.kind, "\n".join(kept).strip())


_MARKERS = ("# BEGIN SOLUTION", "# END SOLUTION", "# HINT", "<!-- BEGIN SOLUTION", "<!-- END SOLUTION")


def cells_of(name: str, solved: bool = False) -> list[Cell]:
    """The cells of a notebook, for students or solved."""
    cells = read_cells((HERE / f"{name}.py").read_text(encoding="utf-8"))
    return [with_answers(cell) if solved else without_answers(cell) for cell in cells]


def is_stale(name: str) -> bool:
    """Whether the notebook in the solution holds other cells than its source gives."""
    path = SOLUTION_DIR / f"{name}.ipynb"
    if not path.is_file():
        return True
    found = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [Cell(cell["cell_type"], "".join(cell["source"])) for cell in found] != cells_of(name)


def write(cells: list[Cell], path: Path) -> None:
    """Writes a notebook; the same cells give the same bytes."""
    import nbformat
    from nbformat import v4

    make = {"code": v4.new_code_cell, "markdown": v4.new_markdown_cell}
    notebook = v4.new_notebook(
        cells=[make[cell.kind](cell.text, id=f"cell-{number:02}") for number, cell in enumerate(cells, start=1)],
        metadata={
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
    )
    nbformat.validate(notebook)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
    print(f"wrote {path}")


def main() -> None:
    """Builds what the arguments ask for."""
    parser = argparse.ArgumentParser(description="Builds the notebooks of Beras.")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--solved", type=Path, metavar="DIR")
    options = parser.parse_args()
    if options.check:
        stale = [name for name in NAMES if is_stale(name)]
        sys.exit(f"stale: {', '.join(stale)}" if stale else 0)
    if options.solved:
        write(cells_of("exploration", solved=True), options.solved / "exploration.ipynb")
        return
    for name in NAMES:
        write(cells_of(name), SOLUTION_DIR / f"{name}.ipynb")


if __name__ == "__main__":
    main()
