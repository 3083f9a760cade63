"""Where the daemon keeps its state: the one place that names the files under the state directory.

Owns: the names of the files and folders under `[daemon].state_dir`.
Reads: nothing; a path is computed, never looked for.
Never: creates a file or a folder.
"""

from pathlib import Path

import msgspec


class StatePaths(msgspec.Struct, frozen=True):
    """Name every file and folder under one state directory."""

    state_dir: Path

    @property
    def journal(self) -> Path:
        """Give the folder of the journal's segments, the truth."""
        return self.state_dir / "journal"

    @property
    def database(self) -> Path:
        """Give the database projected from the journal."""
        return self.state_dir / "tradingd.db"

    @property
    def control_socket(self) -> Path:
        """Give the Unix socket on which the daemon answers its operator."""
        return self.state_dir / "control.sock"

    @property
    def venue_database(self) -> Path:
        """Give the database in which the simulated venue keeps its accounts."""
        return self.state_dir / "venue.db"

    @property
    def reports(self) -> Path:
        """Give the folder in which daily reports are written."""
        return self.state_dir / "reports"

    @property
    def replay_journal(self) -> Path:
        """Give the folder in which a replay writes its own journal unless told otherwise."""
        return self.state_dir / "replay"
