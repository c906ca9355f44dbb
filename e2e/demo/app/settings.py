"""Settings of the application, from its environment."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """Where the flags are, who this process is, and how badly it should behave."""

    flags_file: Path = Path("/etc/flags/flagd.json")
    poll_milliseconds: int = 100
    port: int = 8080
    pod: str = "local"
    version: str = "dev"
    error_percent: float = 0.0  # this share of requests fails: a bad release, to be caught
    delay_milliseconds: float = 0.0  # added to every request: a slow release, to be caught

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read the settings; what is not set keeps its default."""
        return cls(
            flags_file=Path(environment.get("FLAGS_FILE", str(cls.flags_file))),
            poll_milliseconds=int(environment.get("FLAGS_POLL_MS", cls.poll_milliseconds)),
            port=int(environment.get("PORT", cls.port)),
            pod=environment.get("POD_NAME") or socket.gethostname(),
            version=environment.get("VERSION", cls.version),
            error_percent=float(environment.get("ERROR_PERCENT", cls.error_percent)),
            delay_milliseconds=float(environment.get("DELAY_MS", cls.delay_milliseconds)),
        )
