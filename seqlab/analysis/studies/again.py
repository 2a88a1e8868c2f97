"""Writing of a study again, from the folders of its sweeps."""

from __future__ import annotations

from pathlib import Path

from omegaconf import OmegaConf

from seqlab.analysis.studies.study import Study
from seqlab.registry import make
from seqlab.runs.files import read_yaml
from seqlab.types import ConfigError


def write_study(folder: str | Path) -> Study:
    """Write the figure and the table of a study again, as its sweep does at its end.

    Hydra does not call a study where a run of the sweep diverged or failed. This function writes the study
    then, and that of a sweep which several machines trained in parts.

    Args:
        folder: the folder of the sweep, or one with the folders of its parts below it, of which the first
            one says what study it is.

    Returns:
        The study.

    Raises:
        ConfigError: there is no sweep of a study below the folder.
    """
    found = sorted(Path(folder).rglob("multirun.yaml"))
    node = read_yaml(found[0]).hydra.callbacks.get("study") if found else None
    if node is None:
        raise ConfigError(f"{folder} holds no sweep of a study: legal is the folder of one")
    study = make(OmegaConf.to_container(node, resolve=True), "hydra.callbacks.study")
    if not isinstance(study, Study):
        raise ConfigError(f"hydra.callbacks.study of {found[0]} is no study, but {type(study).__name__}")
    study.write(Path(folder))
    return study
