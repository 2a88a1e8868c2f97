"""Training: one run, or a sweep of them, from Hydra's command line."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from seqlab.cli.command import SHOW_TRACES, command, complain
from seqlab.registry import CONF
from seqlab.runs import UnfinishedRunError, compose_config, execute
from seqlab.runs.compose import request_of, with_quoted_paths
from seqlab.runs.explain import HYDRA_ERRORS, explain, require_choices
from seqlab.runs.last import command_line, in_folder, with_last_run
from seqlab.runs.open_keys import with_new_keys
from seqlab.runs.outcome import cost_of
from seqlab.runs.trust import require_trusted_hydra
from seqlab.runs.verdict import next_commands
from seqlab.sweeps.requeue import requeued_when_interrupted, resumed_when_restarted
from seqlab.sweeps.resume import resumed, resuming
from seqlab.sweeps.shortfall import shortfall
from seqlab.tracking import Console
from seqlab.training import offer_cores
from seqlab.types import ConfigError, IncompatibleError


@command
def main() -> None:
    """Train what the command line asks for; exit with 0 only where every run finished."""
    offer_cores()
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra then raises instead of printing a trace itself
    sys.argv[1:] = with_new_keys(with_quoted_paths(resumed(sys.argv[1:])))
    with _one_line_errors(sys.argv[1:]):
        options, overrides = _hydra_options(sys.argv[1:])
        require_choices(overrides)
        require_trusted_hydra(overrides, options.config_dir)
        sys.argv[1:] = with_last_run(sys.argv[1:], options.config_dir)
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
            summary = execute(request)
            if summary["status"] == "interrupted":
                words = in_folder(sys.argv[1:], request.folder)
                words = resuming(Path(hydra_node.sweep.dir)) if in_sweep else words
                print(f"to continue: {command_line(words)}", flush=True)
            elif not in_sweep and OmegaConf.select(config, "tracking.console.mode") not in (None, "off"):
                _print_next(request.folder, summary)
            return cost_of(summary)
    except (ConfigError, UnfinishedRunError) as error:
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
def _one_line_errors(words: Sequence[str]) -> Generator[None]:
    """Turn errors of Hydra and of its launchers and sweepers, and of the disk, into one of ours."""
    if SHOW_TRACES:
        yield
        return
    try:
        yield
    except (ConfigError, UnfinishedRunError):
        raise
    except HYDRA_ERRORS as error:
        options, overrides = _hydra_options(words)
        raise explain(error, overrides, lambda chosen: compose_config(chosen, options.config_dir)) from error
    except OSError as error:
        raise ConfigError(f"hydra.run.dir cannot be written: {error}") from error
    except Exception as error:
        if (unfinished := shortfall(error)) is None:
            raise
        raise unfinished from error


def _hydra_options(words: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """Return Hydra's own option that changes which configs there are, and the overrides.

    Raises:
        ConfigError: an option that would replace our config.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--config-dir", "-cd")
    parser.add_argument("--config-path", "-cp")
    parser.add_argument("--config-name", "-cn")
    options, rest = parser.parse_known_args(list(words))
    if options.config_path or options.config_name:
        raise ConfigError("--config-path and --config-name are refused: use --config-dir FOLDER")
    return options, [word for word in rest if not word.startswith("-")]
