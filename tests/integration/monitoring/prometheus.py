"""A real Prometheus, as a process of this machine, that scrapes operators once a second."""

import json
import math
import socket
import subprocess
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import yaml

from e2e.cluster import debian
from tests.integration.operator.harness import wait_until

# What prometheus-operator adds to a target that it finds by the chart's ServiceMonitor.
_OF_THE_POD = {
    "namespace": "resilience-system",
    "service": "resilience-operator",
    "pod": "resilience-operator-0",
    "container": "operator",
    "endpoint": "http",
}


class RealPrometheus:
    """Scrapes ports of this machine as the chart has it done, and evaluates a file of rules."""

    def __init__(self, folder: Path, rules: Path, *ports: int) -> None:
        self.url = f"http://127.0.0.1:{_free_port()}"
        targets = [f"127.0.0.1:{port}" for port in ports]
        config = {
            "global": {
                "scrape_interval": "1s",
                "scrape_timeout": "1s",
                "evaluation_interval": "1s",
            },
            "rule_files": [str(_at_once(rules, folder / "rules.yaml"))],
            "scrape_configs": [
                {
                    "job_name": "resilience-operator",
                    "honor_labels": True,
                    "static_configs": [{"targets": targets, "labels": _OF_THE_POD}],
                },
            ],
        }
        file = folder / "prometheus.yaml"
        file.write_text(yaml.safe_dump(config))
        self._log = (folder / "prometheus.log").open("wb")
        self._process = subprocess.Popen(
            [
                "setpriv",
                "--pdeathsig",
                "KILL",
                debian.which("prometheus") or "prometheus",
                f"--config.file={file}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address={self.url.removeprefix('http://')}",
                "--log.level=warn",
            ],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
        )
        wait_until(self._ready, "Prometheus is ready")

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._log.close()

    def values(self, query: str) -> list[float]:
        """The numbers that a query gives now; those that are none are left out."""
        result = self._get("/api/v1/query", query=query)["result"]
        numbers = [float(each["value"][1]) for each in result]
        return [number for number in numbers if not math.isnan(number)]

    def unhealthy_rules(self) -> list[str]:
        """Rules whose evaluation failed, or was not tried yet."""
        groups = self._get("/api/v1/rules")["groups"]
        return [
            f"{rule['name']}: {rule['health']} {rule.get('lastError', '')}"
            for group in groups
            for rule in group["rules"]
            if rule["health"] != "ok"
        ]

    def _get(self, path: str, **query: str) -> Any:
        url = f"{self.url}{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)["data"]

    def _ready(self) -> bool:
        assert self._process.poll() is None, Path(self._log.name).read_text()
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


def _at_once(rules: Path, copy: Path) -> Path:
    """The rules without the intervals of their own that some groups have."""
    groups = yaml.safe_load(rules.read_text())["groups"]
    copy.write_text(yaml.safe_dump({"groups": [{**group, "interval": "1s"} for group in groups]}))
    return copy


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
