"""What `grader preview` does around a preview: progress, results.json, and the pages on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from grader.files import replace_file
from grader.gradescope.fitting import judge
from grader.gradescope.preview import preview
from grader.gradescope.results import to_json
from grader.gradescope.show import show
from grader.gradescope.sizes import SIZES


def preview_and_show(
    bundle: Path,
    submission: Path,
    names: Sequence[str],
    metadata: Path | None,
    python: Path | None,
    json_file: Path | None,
    console: Console,
    progress_console: Console,
) -> bool:
    """Previews a bundle with progress on `progress_console`, and prints what was found.

    Returns:
        Whether every size that was asked for fits; or, where none was, whether any does.

    Raises:
        PreviewUnavailable, UnusableSubmission, UnreadableResult: See `preview`.
        OSError: A file can't be written.
    """
    if json_file is not None:
        json_file.parent.mkdir(parents=True, exist_ok=True)
    found = preview(
        bundle,
        submission,
        sizes=[size for size in SIZES if size.name in names],
        metadata=metadata,
        python=python,
        say=lambda text: progress_console.print(Text(f"preview: {text}"), highlight=False),
    )
    if json_file is not None:
        replace_file(json_file, to_json(found.shown.results))
    show(found, console)
    judgements = [one for one in judge(found.measured) if not found.asked or one.size in found.asked]
    return all(one.fits for one in judgements) if found.asked else any(one.fits for one in judgements)
