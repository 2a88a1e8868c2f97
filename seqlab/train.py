"""Train: `python -m seqlab.train [+experiment=NAME] [key=value …]`, or `-m` for a sweep."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from seqlab.cli.command import SHOW_TRACES, complain
from seqlab.registry import CONF
from seqlab.runs.compose import HYDRA_ERRORS, composed, explain
from seqlab.runs.execution import Job, UnfinishedRunError, concluded, execute
from seqlab.sweeps.resume import resumed
from seqlab.sweeps.shortfall import shortfall
from seqlab.sweeps.vectorized import register
from seqlab.training import offer_cores
from seqlab.types import ConfigError, IncompatibleError


def main() -> None:
    """Read the command line and run what it asks for; exit 0 only where every run finished."""
    offer_cores()
    register()

    def application() -> None:
        sys.argv[1:] = resumed(sys.argv[1:])
        hydra.main(config_path=str(CONF), config_name="train", version_base="1.3")(_job)()

    if SHOW_TRACES:
        application()
    else:
        os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra then raises instead of printing over many lines
        sys.exit(_guarded(application))


def run(overrides: list[str]) -> dict[str, Any]:
    """Train one model from Python; see `seqlab.run`."""
    offer_cores()
    config = composed(overrides)
    folder = Path(config.hydra.run.dir)
    (folder / ".hydra").mkdir(parents=True, exist_ok=True)
    plain = OmegaConf.create({key: value for key, value in config.items_ex(resolve=False) if key != "hydra"})
    OmegaConf.save(plain, folder / ".hydra" / "config.yaml")
    OmegaConf.save(
        OmegaConf.create({"hydra": {"runtime": {"choices": config.hydra.runtime.choices}}}),
        folder / ".hydra" / "hydra.yaml",
    )
    own = [override for override in overrides if not override.startswith("hydra.")]  # as Hydra writes them
    OmegaConf.save(OmegaConf.create(own), folder / ".hydra" / "overrides.yaml")
    return execute(Job(plain, config.hydra.runtime.choices, folder))


def _job(config: DictConfig) -> float | None:
    """Do one job of Hydra's, a run alone or one of a sweep, and return its cost, which a search minimises.

    A sweep goes on after a combination that does not fit.
    """
    context = HydraConfig.get()
    job = Job(config, context.runtime.choices, Path(context.runtime.output_dir))
    swept = context.mode == RunMode.MULTIRUN
    try:
        return concluded(execute(job))
    except (ConfigError, UnfinishedRunError) as error:
        if swept and isinstance(error, IncompatibleError):
            print(f"incompatible: {error}", flush=True)
            return None
        if swept or SHOW_TRACES:
            raise
        sys.exit(complain(error))  # raised, Hydra would print a line of its own before it


def _guarded(application: Callable[[], None]) -> int:
    """Call the application and return its exit status, each error being one line."""
    try:
        application()
    except KeyboardInterrupt:
        return 130
    except HYDRA_ERRORS as error:
        return complain(explain(error, sys.argv[1:]))
    except (ConfigError, UnfinishedRunError) as error:
        return complain(error)
    except OSError as error:
        return complain(ConfigError(f"hydra.run.dir cannot be written: {error}"))
    except Exception as error:
        if (fell_short := shortfall(error)) is None:
            raise
        return complain(fell_short)
    return 0


if __name__ == "__main__":
    main()
