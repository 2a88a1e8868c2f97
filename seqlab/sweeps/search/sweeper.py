"""Search instead of a grid, by ask and tell; `hydra_plugins.seqlab_sweeper` is the plugin."""

from __future__ import annotations

import collections
import itertools
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.types import Override
from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from omegaconf import DictConfig, OmegaConf

from seqlab.registry import bind
from seqlab.runs import UnfinishedRunError
from seqlab.runs.resume import readable_summary
from seqlab.runs.study import ENDS, absolute_storage, drop_torn_line, note_study, optuna
from seqlab.sweeps.grid import overrides_of, values_of
from seqlab.sweeps.search import study as studies
from seqlab.sweeps.search.objectives import directions_of, evaluated_key, fitting, require_objectives
from seqlab.sweeps.search.space import read_space
from seqlab.sweeps.search.trials import STATUS, Job, Trials
from seqlab.tracking import write_atomically
from seqlab.tracking.run_folder import UNFINISHED
from seqlab.training.devices import num_cores
from seqlab.types import ConfigError

_log = logging.getLogger(__name__)

RESULTS = "optimization_results.yaml"
"""The file with the best trial of a search."""

TOGETHER = 8
"""The trials at a time of launchers that train them as one program, or on other machines."""

MOST_CANDIDATES = 64
"""How many combinations are tried, at most, to find one that fits."""


class Search:
    """A search of a sweep."""

    def __init__(self, config: DictConfig, loader: ConfigLoader, launcher: Launcher) -> None:
        """Take the config of the sweep, Hydra's loader of configs, and what launches runs."""
        self._config, self._loader, self._launcher = config, loader, launcher
        self._settings: dict[str, Any] = _checked(config.hydra.sweeper)
        self._folder = Path(str(config.hydra.sweep.dir))

    def run(self, arguments: Sequence[str]) -> None:
        """Launch runs until the search is over, and write its result.

        Args:
            arguments: the overrides of the command.

        Raises:
            ConfigError: a setting that is not legal.
            UnfinishedRunError: no run finished.
        """
        settings = self._settings
        trials, study = self._trials(arguments)
        size = settings["n_jobs"] or _most_at_a_time(self._config.hydra)
        print(f"search: at most {size} trials at a time (hydra.sweeper.n_jobs)", flush=True)
        search = getattr(self._launcher, "search", None)  # of our own launcher
        if search is not None and search(trials, size):
            _conclude(study, self._folder)
            return
        while jobs := trials.batch(size):
            for part in _consecutive(jobs):
                results = self._launcher.launch([list(job.overrides) for job in part], part[0].number)
                for job, result in zip(part, results, strict=True):
                    trials.tell(job.number, _summary(result))
        _conclude(study, self._folder)

    def _trials(self, arguments: Sequence[str]) -> tuple[Trials, Any]:
        """Return the trials of the search and Optuna's study, which is created unless there is one."""
        settings = self._settings
        overrides = overrides_of(settings["params"], arguments, self._loader)
        node = settings["space"]
        function = None if node is None else bind(node, "hydra.sweeper.space")
        space = read_space(overrides, settings["when"] or {}, function)
        if not space.parameters and function is None:
            raise ConfigError(
                "hydra/sweeper=optuna needs a key to search, as cell=lstm,gru: nothing is swept"
            )
        fits = fitting(self._config, _candidates(overrides, settings["when"] or {}))
        first, program = next(fits)
        goal = program.task.goal(program.network.framing)
        directions = directions_of(settings["objectives"], settings["directions"], goal.higher_is_better)
        require_objectives(settings["objectives"], itertools.chain([(first, program)], fits))
        _require_prunable(settings)
        parts = {"pruner": studies.make_pruner(settings["pruner"], first["training"])}
        studies.make_sampler(
            settings["sampler"], 0
        )  # one that is not legal is refused before a study is made
        if OmegaConf.select(self._config, "sweep.resume") is not None:
            studies.require_kept(settings, self._folder)
            drop_torn_line(self._folder)
        studies.create(settings, self._folder, directions)
        self._folder.mkdir(parents=True, exist_ok=True)
        OmegaConf.save(self._config, self._folder / "multirun.yaml")  # for sweep.resume
        sweep = note_study(self._folder, settings["storage"], settings["study_name"])
        known = len(studies.load(settings, self._folder).get_trials(deepcopy=False))
        parts["sampler"] = studies.make_sampler(settings["sampler"], known)
        study = studies.load(settings, self._folder, **parts)
        limits = settings["n_trials"], settings["timeout"]
        is_own = settings["storage"] is None
        return Trials(study, space, settings["objectives"], sweep, limits, is_own), study


def _checked(node: DictConfig) -> dict[str, Any]:
    """Return the settings of a search.

    Raises:
        ConfigError: a number that is not legal.
    """
    optuna()
    settings: Any = OmegaConf.to_container(node, resolve=True)
    for key in ("n_trials", "n_jobs", "timeout"):
        value = settings[key]
        kinds = (int, float) if key == "timeout" else (int,)
        is_number = isinstance(value, kinds) and not isinstance(value, bool) and value > 0
        if not is_number and value is not None:
            raise ConfigError(f"hydra.sweeper.{key} must be null or a positive number, got {value!r}")
    if settings["n_trials"] is None and settings["timeout"] is None:
        raise ConfigError("hydra.sweeper.n_trials and hydra.sweeper.timeout are both null: give one of them")
    return settings | {"storage": absolute_storage(settings["storage"])}


def _require_prunable(settings: Mapping[str, Any]) -> None:
    """Raise ConfigError where runs are to be pruned by what their evaluations do not have."""
    if not studies.prunes(settings["pruner"]):
        return
    if len(settings["objectives"]) > 1:
        raise ConfigError(
            "hydra.sweeper.pruner does not fit several objectives: legal is "
            f"hydra.sweeper.pruner.name={studies.NO_PRUNER}"
        )
    objective = settings["objectives"][0]
    if evaluated_key(objective, objective) is None:
        raise ConfigError(
            f"hydra.sweeper.pruner does not fit hydra.sweeper.objectives=[{objective}], which evaluations do "
            f"not have: legal are score, best.eval/… and final.eval/…, or "
            f"hydra.sweeper.pruner.name={studies.NO_PRUNER}"
        )


def _most_at_a_time(hydra: DictConfig) -> int:
    """Return how many trials run at a time where the config does not say."""
    launcher = hydra.runtime.choices["hydra/launcher"]
    return {"basic": 1, "cores": num_cores()}.get(launcher, TOGETHER)


def _candidates(overrides: Sequence[Override], when: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Return some combinations of the search space, without its conditional parameters."""
    always = [one for one in overrides if one.key_or_group not in when]
    return list(itertools.islice(itertools.product(*map(values_of, always)), MOST_CANDIDATES))


def _consecutive(jobs: Sequence[Job]) -> list[list[Job]]:
    """Return jobs in parts of consecutive numbers, as a launcher numbers them."""
    groups = itertools.groupby(enumerate(jobs), key=lambda pair: pair[1].number - pair[0])
    return [[job for _, job in group] for _, group in groups]


def _summary(result: JobReturn) -> Mapping[str, Any]:
    """Return the summary of a run that a launcher has run; of one that was killed, its status alone."""
    try:
        _ = result.return_value
    except Exception as error:  # a run can fail in any way
        _log.warning("a trial did not finish: %s", error)
    hydra = result.hydra_cfg
    assert hydra is not None
    summary = readable_summary(Path(str(hydra.hydra.runtime.output_dir)))
    return summary or {"status": UNFINISHED}


def _status(trial: Any) -> str:
    """Return how the run of a trial ended."""
    names = {"COMPLETE": "finished", "PRUNED": "pruned", "FAIL": "failed"}
    return str(trial.user_attrs.get(STATUS) or names.get(trial.state.name, UNFINISHED))


def _conclude(study: Any, folder: Path) -> None:
    """Write and print the best trials of a search.

    Raises:
        UnfinishedRunError: no trial finished.
    """
    trials = study.get_trials(deepcopy=False)
    ended = collections.Counter(map(_status, trials))
    if not ended["finished"]:
        raise UnfinishedRunError("no trial of the search finished: each run's summary.json says why")
    best = study.best_trials
    if len(study.directions) == 1:
        content = {"best_params": best[0].params, "best_value": best[0].value, "best_trial": best[0].number}
    else:
        content = {
            "solutions": [{"trial": one.number, "params": one.params, "values": one.values} for one in best]
        }
    write_atomically(folder / RESULTS, yaml.safe_dump({"name": "optuna", **content}, sort_keys=False))
    ended = dict.fromkeys(ENDS, 0) | ended
    counts = ", ".join(f"{count} {status}" for status, count in ended.items())
    print(f"{len(trials)} trials: {counts}", flush=True)
    for one in best:
        chosen = " ".join(f"{key}={value}" for key, value in one.params.items())
        values = ", ".join(f"{value:g}" for value in one.values)
        print(f"best: {values} by trial {one.number}: {chosen}", flush=True)
