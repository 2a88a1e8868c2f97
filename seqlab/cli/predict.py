"""Prediction: the answers of a run to the rows of a file, or forecasts of its series."""

from __future__ import annotations

import sys
from pathlib import Path

import rich.console
from rich.progress import Progress

from seqlab.cli.arguments import Parser
from seqlab.cli.command import command, naming_options
from seqlab.cli.frames import ENDINGS, require_ending, write_frame
from seqlab.runs import load_run
from seqlab.runs.file_prediction import predict_file
from seqlab.tasks.series.series import Series


@command
def main() -> None:
    """Answer the rows of a file, or forecast its series, without labels and without the data of the run."""
    parser = Parser(prog="python -m seqlab.predict", description=main.__doc__)
    parser.add_argument("run", metavar="RUN_DIR", type=Path, help="the folder of a run")
    parser.add_argument(
        "file", metavar="FILE", type=Path, help="a file or a folder of such rows as the run's"
    )
    parser.add_argument("--output", metavar="OUT", type=Path, help=f"write to a file: {' '.join(ENDINGS)}")
    parser.add_argument("--skip-bad", action="store_true", help="leave out rows that cannot be read")
    parser.add_argument("--steps", type=int, help="of series: steps to forecast; default: the horizon")
    options = parser.parse_args()
    require_ending(options.output, read=options.file)
    run, screen = load_run(options.run), rich.console.Console(stderr=True)
    if isinstance(run.task, Series) or options.steps is not None:
        with naming_options("steps"):
            forecasts = run.forecast(options.file, options.steps)
        write_frame(forecasts, options.output)
        return
    with (
        naming_options("skip_bad"),
        Progress(console=screen, transient=True, disable=not screen.is_terminal) as progress,
    ):
        bar = progress.add_task("predicting", total=None)
        found = predict_file(run, options.file, options.skip_bad, lambda count: progress.advance(bar, count))
    write_frame(found.frame(), options.output)
    if found.bad:
        name, complaint = next(iter(found.bad.items()))
        print(f"skipped {len(found.bad)} rows, such as {name}: {complaint}", file=sys.stderr)
