"""What did the user mistype? Hydra's complaints, each as one line with the legal values."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import ConfigCompositionException, HydraException, MissingConfigException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from seqlab.registry import CONF
from seqlab.types import ConfigError


def explain(error: Exception, overrides: Sequence[str]) -> ConfigError:
    """Return a one-line ConfigError that says what Hydra said, with the legal values where they are known.

    Args:
        error: what Hydra raised.
        overrides: the words of the command line.
    """
    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        return _missing_choice(error)
    if isinstance(error, ConfigCompositionException) and (key := _unknown_key(error)):
        return _misspelt(key, overrides)
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return ConfigError("; ".join(lines))


GROUPS = ("cell", "task", "architecture", "optimizer", "schedule")
"""The groups whose keys depend on the choice."""

HYDRA_ERRORS = (HydraException, OmegaConfBaseException)
"""What Hydra raises where the command line or a config file is wrong."""


def composed(overrides: Sequence[str]) -> DictConfig:
    """Compose the config outside of a Hydra application, Hydra's own node included.

    Raises:
        ConfigError: an override that does not fit.
    """
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        try:
            return compose("train", list(overrides), return_hydra_config=True)
        except HYDRA_ERRORS as error:
            raise explain(error, overrides) from error


EXTRAS = {
    "hydra/launcher/submitit_slurm": "slurm",
    "hydra/launcher/submitit_local": "slurm",
    "hydra/launcher/ray": "ray",
    "hydra/sweeper/optuna": "optuna",
}
"""Which extra brings a choice that is another package's."""


def _missing_choice(error: MissingConfigException) -> ConfigError:
    group, _, name = error.missing_cfg_file.rpartition("/")
    if extra := EXTRAS.get(error.missing_cfg_file):
        return ConfigError(f"{group}={name} is not installed: pip install 'seqlab[{extra}]'")
    return ConfigError(f"{group}={name}: legal values are {', '.join(error.options or ['none'])}")


def _unknown_key(error: ConfigCompositionException) -> str | None:
    """Return the key of an override that the config lacks, or None where that was not the complaint."""
    words = str(error).split("'")
    return words[1] if str(error).startswith("Could not override") and len(words) > 2 else None


def _misspelt(key: str, overrides: Sequence[str]) -> ConfigError:
    """Name the legal keys where the override's path leaves the config of the chosen cell, task and so on."""
    chosen = dict(word.split("=", 1) for word in overrides if word.split("=")[0] in GROUPS and "=" in word)
    node, path = composed([f"{group}={values.split(',')[0]}" for group, values in chosen.items()]), []
    for name in key.split("@")[0].replace("/", ".").split("."):
        if not isinstance(node, DictConfig) or name not in node:
            break
        path.append(name)
        node = node[name]
    else:
        name = None
    legal = [] if not isinstance(node, DictConfig) else [k for k in node if k not in ("hydra", "_target_")]
    group = "".join(path[:1])
    chooser = "task" if group == "architecture" and group not in chosen else group
    swept = "," in chosen.get(chooser, "")
    if not swept and (name is None or not legal):
        return ConfigError(f"{key} cannot be overridden here: it takes no value of this form")
    hint = difflib.get_close_matches(name or "", legal, n=1)
    meant = f" (did you mean {'.'.join([*path, hint[0]])}?)" if hint else ""
    where = f" of {'.'.join(path)}" if path else ""
    if key.split("=")[0] == "experiment":
        return ConfigError("experiment is added, not overridden: write +experiment=NAME")
    legal_keys = f"the legal keys{where} are {', '.join(map(str, legal))}"
    if swept:
        legal_keys = f"where {chooser} is swept, write ++{key}, and every choice must have it"
    return ConfigError(f"{key} is not a key{meant}: {legal_keys}")
