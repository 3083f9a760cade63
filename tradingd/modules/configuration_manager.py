"""Configuration manager: keeps the settings of this run, and notices when the file on disk is another one.

Owns: the settings, frozen; `assembly` hands each module its part of them. Reads: the configuration file's stamp, about
once a second. Emits: a line of the log when the file has changed: which settings, and what the next start would do.
Never: changes a setting while the process runs.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from tradingd.core.identifiers import StrategyId
from tradingd.core.log import Level, LogEvent
from tradingd.errors import UsageError
from tradingd.runtime.inbox import Inbox
from tradingd.runtime.module import ClockTick, Module
from tradingd.runtime.ports import EventLog, Spawn
from tradingd.settings.changes import FileEdit
from tradingd.settings.root import Settings


class ConfigurationManager(Module[ClockTick]):
    """Keeper of the settings."""

    name = "configuration_manager"

    def __init__(
        self,
        inbox: Inbox[ClockTick],
        *,
        settings: Settings,
        file_stamp: Callable[[], object],
        examine_file: Callable[[], Awaitable[FileEdit]],
        spawn: Spawn,
        log: EventLog,
    ) -> None:
        super().__init__(inbox)
        self._settings = settings
        self._file_stamp = file_stamp
        self._log = log
        self._examine_file = examine_file
        self._spawn = spawn
        self._stamp = file_stamp()
        self._examined = 0

    def get_setting(self, module_name: str, setting_key: str) -> Any:
        """One value of one section; raises `UsageError` for a section or key that does not exist."""
        section = getattr(self._settings, module_name, None)
        if section is None or module_name not in type(self._settings).model_fields:
            raise UsageError(f"there is no section [{module_name}]")
        if setting_key not in getattr(type(section), "model_fields", {}):
            raise UsageError(f"there is no setting {module_name}.{setting_key}")
        return getattr(section, setting_key)

    def get_strategy_params(self, strategy_id: StrategyId) -> dict[str, Any]:
        """The parameters that the configuration gives a strategy; raises `UsageError` for an unknown id."""
        for strategy in self._settings.strategies:
            if strategy.id == strategy_id:
                return dict(strategy.params)
        raise UsageError(f"there is no strategy {strategy_id}")

    def handle(self, event: ClockTick) -> None:
        """Look once at each edit."""
        stamp = self._file_stamp()
        if stamp != self._stamp:
            self._stamp = stamp
            self._examined += 1
            self._spawn(self._examine(self._examined), "examine the edited configuration")

    async def _examine(self, number: int) -> None:
        """Say what was edited and what the next start would do; nothing when the file was edited again meanwhile."""
        edit = await self._examine_file()
        if number != self._examined:
            return
        self._log.log_event(
            Level.WARNING,
            f"the configuration file has changed: {edit.sentence}",
            {"changes": list(edit.changes), "refusals": list(edit.refusals)},
            event=LogEvent.CONFIG_CHANGED,
            module=self.name,
        )
