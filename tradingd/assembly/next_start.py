"""What an edit of the configuration file would do, found out while the daemon runs on the old one.

Owns: reading the file anew, and asking `tradingd check` about the next start. That runs in a process of its own: a
strategy's new code must not be loaded into a daemon that trades. Never: changes what the running daemon does.
"""

import asyncio
import os
import sys
from collections.abc import Mapping

from tradingd.errors import EXIT_OK, EXIT_USAGE, TradingdError
from tradingd.journal.segments import segment_paths
from tradingd.settings.changes import FileEdit, setting_changes
from tradingd.settings.load import load_settings
from tradingd.settings.loaded import LoadedSettings
from tradingd.settings.paths import StatePaths

CHECK_TIMEOUT_S = 60.0


async def examine_edit(running: LoadedSettings, environ: Mapping[str, str] = os.environ) -> FileEdit:
    """Compare the file on disk with the configuration of this run, and ask what the next start would make of it."""
    changes: tuple[str, ...] = ()
    is_readable, leaves_state = True, False
    try:
        found = await asyncio.to_thread(load_settings, running.path, environ)
        changes = setting_changes(running.settings, found.settings)
        there = StatePaths(found.settings.daemon.state_dir)
        leaves_state = there.state_dir != running.settings.daemon.state_dir and not segment_paths(there.journal)
    except (TradingdError, OSError):
        is_readable = False  # what is wrong with it is for the check to say
    refusals, unknown = await _check(running, environ)
    return FileEdit(
        changes=changes, is_readable=is_readable, leaves_state=leaves_state, refusals=refusals, unknown=unknown
    )


async def _check(running: LoadedSettings, environ: Mapping[str, str]) -> tuple[tuple[str, ...], str]:
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tradingd",
            "check",
            "-c",
            str(running.path),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env=dict(environ),
        )
    except OSError as error:
        return (), f"tradingd check cannot be run: {error.strerror}"
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            _, said = await process.communicate()
    except TimeoutError:
        return (), f"tradingd check did not end within {CHECK_TIMEOUT_S:g} s"
    finally:
        if process.returncode is None:  # also when the daemon stops meanwhile
            process.kill()
            await process.wait()
    lines = tuple(said.decode(errors="replace").splitlines())
    if process.returncode == EXIT_OK:
        return (), ""
    if process.returncode == EXIT_USAGE:
        return lines, ""
    return (), f"tradingd check ended with {process.returncode}: {' '.join(lines[-1:])}"
