"""Hydra plugin that adds the config folders of seqlab's plug-ins to the search path of seqlab's commands."""

from __future__ import annotations

from hydra.core.config_search_path import ConfigSearchPath
from hydra.plugins.search_path_plugin import SearchPathPlugin


class PluginConfigs(SearchPathPlugin):
    """Search path of the plug-ins' configs; other Hydra applications keep their own."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Append the folders, after our own."""
        from seqlab.plugins import config_folders
        from seqlab.registry import CONF

        if any(str(CONF) in str(element.path) for element in search_path.get_path()):
            for folder in config_folders():
                search_path.append(provider="seqlab.plugins", path=f"file://{folder}")
