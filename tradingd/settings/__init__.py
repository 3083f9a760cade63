"""Configuration: a TOML file, systemd credentials and the environment, read into strict frozen models.

load                                      reads the file and the layers above it
layers                                    file, credentials, environment: each over the one before
loaded                                    the settings, and where each value came from
root                                      the whole model
sections, feeds, broker, ib, risk, venue  its parts
fields                                    kinds of value
shape                                     questions about the models
check                                     sections compared with each other
params                                    a strategy's class and its parameters
conflicts                                 the configuration against what the journal holds
changes                                   how two configurations differ
positions                                 where each key of a TOML file stands
problems                                  what is wrong, each with its place
explain                                   what pydantic found, in the operator's words
effective                                 what is in force
secrets                                   the values that no log may show
paths                                     the files under the state folder
places                                    whether the daemon may write where it has to
to_core                                   from settings to what the core works with

Nothing here reads `os.environ` by itself.
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
