"""Configuration: a TOML file, systemd credentials and the environment, read into strict frozen models.

`load` reads; `check` compares sections with each other; `effective` shows what is in force; `root` is the whole model,
`sections`, `feeds`, `broker`, `risk` and `venue` its parts. Nothing here reads `os.environ` by itself.
"""

from tradingd.settings.check import check_settings
from tradingd.settings.effective import effective_settings, settings_schema
from tradingd.settings.load import load_settings
from tradingd.settings.loaded import LoadedSettings
from tradingd.settings.params import import_strategy, validate_params
from tradingd.settings.problems import ConfigurationProblems, Problem
from tradingd.settings.root import Settings

__all__ = [
    "ConfigurationProblems",
    "LoadedSettings",
    "Problem",
    "Settings",
    "check_settings",
    "effective_settings",
    "import_strategy",
    "load_settings",
    "settings_schema",
    "validate_params",
]
