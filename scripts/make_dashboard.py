"""Make a W&B workspace for the runs of a project: `python scripts/make_dashboard.py ENTITY/PROJECT`.

It prints the link to the workspace. `--dry-run` prints its specification as JSON instead, without a login.
"""

from __future__ import annotations

import argparse
import json

from seqlab.cli.command import command
from seqlab.tracking.dashboard import METRICS, specification, workspace
from seqlab.types import ConfigError


@command
def main() -> None:
    """Make a W&B workspace with the sections learning, gradients, through time, gates and sweep."""
    parser = argparse.ArgumentParser(prog="python scripts/make_dashboard.py", description=main.__doc__)
    parser.add_argument("project", metavar="ENTITY/PROJECT")
    parser.add_argument("--metrics", default=",".join(METRICS), help="those with a panel, joined by commas")
    parser.add_argument("--dry-run", action="store_true", help="print the specification as JSON")
    arguments = parser.parse_args()
    entity, slash, project = arguments.project.partition("/")
    if not (entity and slash and project) or "/" in project:
        raise ConfigError(f"ENTITY/PROJECT must be like my-team/my-project, got {arguments.project}")
    made = workspace(entity, project, arguments.metrics.split(","))
    if arguments.dry_run:
        print(json.dumps(specification(made), indent=2))
        return
    try:
        print(made.save().url)
    except Exception as error:  # of W&B's client, whose errors have no common class
        raise ConfigError(f"W&B did not take the workspace: {error}") from error


if __name__ == "__main__":
    main()
