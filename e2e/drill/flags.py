"""Follows ConfigMaps of flags, to see that on the way back no feature is ever in a wrong state."""

import json
import subprocess
import threading
import time
from dataclasses import dataclass

from e2e.demo.kubectl import Kubectl
from e2e.drill.standing import meaning

_SEEN_SECONDS = 20.0
_EACH_CHANGE = 'jsonpath={.data}{"\\n"}'


@dataclass(frozen=True)
class Seen:
    """What a ConfigMap said, and when."""

    at: float
    said: dict[str, str]


class FlagsFollower:
    """Every state that a ConfigMap is in, from `start` to `stop`."""

    def __init__(self, kubectl: Kubectl, namespace: str, name: str) -> None:
        self.subject = f"flags {namespace}/{name}"
        self.seen: list[Seen] = []
        self._kubectl = kubectl
        self._words = ("-n", namespace, "get", "configmap", name, "--watch", "-o", _EACH_CHANGE)
        self._process: subprocess.Popen[str] | None = None
        self._begun = threading.Event()

    def start(self) -> None:
        """Begin with the ConfigMap as it is; it has to be there. Returns once it was seen."""
        self._process = self._kubectl.follow(*self._words)
        threading.Thread(target=self._read, daemon=True).start()
        self._begun.wait(_SEEN_SECONDS)

    def stop(self) -> None:
        """End what `start` began."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()

    def flips(self, exported: dict[str, str]) -> list[str]:
        """Features that were in another state than the exported one, however shortly."""
        if not self.seen:
            return [f"{self.subject}: it could not be followed"]
        return sorted(
            {
                f"{self.subject}: {name} was {seen.said.get(name)}, exported {state}"
                for seen in self.seen
                for name, state in exported.items()
                if seen.said.get(name) != state
            }
        )

    def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.strip():
                self.seen.append(Seen(time.time(), meaning(json.loads(line))))
                self._begun.set()
        self._begun.set()  # nothing more will come
