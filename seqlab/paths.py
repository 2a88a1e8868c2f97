"""Where do the configs lie?"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_INSTALLED = _PACKAGE / "conf"

CONF = _INSTALLED if _INSTALLED.is_dir() else _PACKAGE.parent / "conf"
"""The folder of the Hydra groups: inside an installed wheel, beside the package in a checkout."""
