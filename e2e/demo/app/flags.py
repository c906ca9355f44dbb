"""The flags as this process sees them: OpenFeature with the flagd provider, reading a file.

The provider polls the file's modification time through the kubelet's symbolic links, so that a swap
of the volume is seen within one poll. A file that is missing or broken changes nothing: the last
good values stay, and before the first file every feature is on.
"""

import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

from openfeature import api
from openfeature.contrib.provider.flagd import FlagdProvider
from openfeature.contrib.provider.flagd.config import ResolverType
from openfeature.event import EventDetails, ProviderEvent

from .features import FEATURES, ON

UNKNOWN_LEVEL = "UNKNOWN"
EVENTS = (ProviderEvent.PROVIDER_READY, ProviderEvent.PROVIDER_CONFIGURATION_CHANGED)
REPEAT_SECONDS = 60.0

_domains = count()


@dataclass(frozen=True)
class Snapshot:
    """One content of the flags file."""

    level: str = UNKNOWN_LEVEL
    health: int | None = None
    generation: int | None = None
    features: Mapping[str, str] = field(default_factory=lambda: dict.fromkeys(FEATURES, ON))
    read_at: int | None = None  # milliseconds since the epoch when this process first saw it


class FlagReader:
    """Keeps the newest good snapshot of the flags file."""

    def __init__(self, path: Path, poll_milliseconds: int) -> None:
        self._lock = threading.Lock()
        self._snapshot = Snapshot()
        self._domain = f"inventario-{next(_domains)}"
        self._client = api.get_client(self._domain)
        self._provider = FlagdProvider(
            resolver_type=ResolverType.FILE,
            offline_flag_source_path=str(path),
            deadline_ms=poll_milliseconds,  # in file mode, this is the provider's poll interval
        )

    @property
    def snapshot(self) -> Snapshot:
        """The newest good content, whatever became of the file since."""
        return self._snapshot

    def start(self) -> None:
        """Begin to follow the file; returns at once, whether the file is there or not."""
        for event in EVENTS:
            self._client.add_handler(event, self._refresh)
        api.set_provider(self._provider, self._domain)

    def stop(self) -> None:
        """Stop following the file."""
        for event in EVENTS:
            self._client.remove_handler(event, self._refresh)
        self._provider.shutdown()

    def _refresh(self, _: EventDetails) -> None:
        with self._lock:
            seen = self._read(self._snapshot)
            if seen != self._snapshot:
                self._snapshot = replace(seen, read_at=time.time_ns() // 1_000_000)

    def _read(self, last: Snapshot) -> Snapshot:
        results = {
            name: self._client.get_string_details(name, state)
            for name, state in last.features.items()
        }
        good = [result for result in results.values() if result.error_code is None]
        if not good:
            return last
        metadata = good[-1].flag_metadata
        return replace(
            last,
            level=str(metadata.get("level", UNKNOWN_LEVEL)),
            health=_integer(metadata.get("health")),
            generation=_integer(metadata.get("generation", metadata.get("version"))),
            features={name: result.value for name, result in results.items()},
        )


def _integer(value: object) -> int | None:
    """A number, written as one or as text; None for anything else."""
    try:
        return int(value) if isinstance(value, int | float | str) else None
    except ValueError:
        return None


class OncePerMinute(logging.Filter):
    """Lets a message through once a minute: the provider repeats its complaints at every poll."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether this record is new enough to be worth a line; without its traceback."""
        record.exc_info = None
        message, now = record.getMessage(), time.monotonic()
        if now - self._last.get(message, -REPEAT_SECONDS) < REPEAT_SECONDS:
            return False
        self._last[message] = now
        return True
