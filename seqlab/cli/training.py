"""One run, or a sweep of them, from the words of the command line."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from seqlab.cli.command import SHOW_TRACES, complain
from seqlab.cli.line import Line, read_line, require_overrides, require_sweep
from seqlab.registry import CONF
from seqlab.runs import UnfinishedRunError, compose_config, execute
from seqlab.runs.compose import request_of, with_quoted_paths
from seqlab.runs.explain import HYDRA_ERRORS, explain, require_choices
from seqlab.runs.last import command_line, in_folder, with_last_run
from seqlab.runs.open_keys import with_new_keys
from seqlab.runs.outcome import cost_of
from seqlab.runs.trust import require_trusted_hydra
from seqlab.runs.verdict import next_commands
from seqlab.sweeps.folder_check import remove_new_folder
from seqlab.sweeps.requeue import requeued_when_interrupted, resumed_when_restarted
from seqlab.sweeps.resume import resumed, resuming
from seqlab.sweeps.search.pruning import pruning_of
from seqlab.sweeps.shortfall import shortfall
from seqlab.tracking import Console
from seqlab.training import offer_cores
from seqlab.training.processes import is_first
from seqlab.types import ConfigError, IncompatibleError


def train() -> None:
    """Train what the command line asks for; exit with 0 only where every run finished."""
    offer_cores()
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra then raises instead of printing a trace itself
    line = read_line(sys.argv[1:])
    require_overrides(line.overrides)
    sys.argv[1:] = with_new_keys(with_quoted_paths(resumed(line.words)))
    line = read_line(sys.argv[1:])
    with _one_line_errors(line):
        require_choices(line.overrides)
        config_dir = line.value("--config-dir", "-cd")
        require_trusted_hydra(line.overrides, config_dir)
        require_sweep(line)
        sys.argv[1:] = with_last_run(sys.argv[1:], config_dir)
        try:
            hydra.main(config_path=str(CONF), config_name="train", version_base="1.3")(_run)()
        except KeyboardInterrupt:
            from seqlab.analysis.sweep_summary import summarise_pending  # imports Matplotlib

            summarise_pending()
            raise


def _run(config: DictConfig) -> float | None:
    """Execute one run for Hydra and return its cost, which a search minimises.

    A sweep continues after a combination that does not fit.
    """
    hydra_node = HydraConfig.get()
    request = resumed_when_restarted(request_of(config))
    in_sweep = hydra_node.mode == RunMode.MULTIRUN
    try:
        with requeued_when_interrupted(hydra_node.launcher.get("max_num_timeout", 0)):
            summary = execute(request, pruning_of(request))
            if not is_first():
                return cost_of(summary)
            if summary["status"] == "interrupted":
                words = in_folder(sys.argv[1:], request.folder)
                words = resuming(Path(hydra_node.sweep.dir)) if in_sweep else words
                print(f"to continue: {command_line(words)}", flush=True)
            elif not in_sweep and OmegaConf.select(config, "tracking.console.mode") not in (None, "off"):
                _print_next(request.folder, summary)
            return cost_of(summary)
    except (ConfigError, UnfinishedRunError) as error:
        if isinstance(error, ConfigError) and not in_sweep:
            remove_new_folder()
        if in_sweep and isinstance(error, IncompatibleError):
            print(f"incompatible: {error}", flush=True)
            return None
        if in_sweep or SHOW_TRACES:
            raise
        sys.exit(complain(error))  # an error that is raised here makes Hydra print a line before ours


def _print_next(folder: Path, summary: Mapping[str, Any]) -> None:
    """Print the commands that go on with a run."""
    folder = folder.absolute()
    folder = folder.relative_to(Path.cwd()) if Path.cwd() in folder.parents else folder
    screen = Console().screen
    for line in ("next:", *(f"  {words}" for words in next_commands(folder, summary))):
        screen.out(line, highlight=False)  # which folds no line, so that commands can be copied


@contextlib.contextmanager
def _one_line_errors(line: Line) -> Generator[None]:
    """Turn errors of Hydra and of its launchers and sweepers, and of the disk, into one of ours."""
    if SHOW_TRACES:
        yield
        return
    try:
        yield
    except (ConfigError, UnfinishedRunError):
        raise
    except HYDRA_ERRORS as error:
        config_dir = line.value("--config-dir", "-cd")
        raise explain(error, line.overrides, lambda chosen: compose_config(chosen, config_dir)) from error
    except OSError as error:
        raise ConfigError(f"hydra.run.dir cannot be written: {error}") from error
    except Exception as error:
        if (unfinished := shortfall(error)) is None:
            raise
        raise unfinished from error
