"""A forwarded port: what is told of it is what this very forwarding has said."""

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from e2e.cluster.errors import ClusterError
from e2e.cluster.forwarding import Forward
from e2e.cluster.processes import ProcessTable
from e2e.cluster.provider import Provider

# As kubectl does, a while after its start.
KUBECTL = """#!/bin/sh
for last; do :; done
sleep 0.3
echo "Forwarding from 127.0.0.1:${last%:*} -> 8080"
exec sleep 60
"""


@dataclass
class Cluster:
    """One whose kubectl is a program of the test."""

    processes: ProcessTable
    program: Path
    kubeconfig: Path = Path("/none")

    def kubectl(self) -> str:
        return str(self.program)


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    program = tmp_path / "kubectl"
    program.write_text(KUBECTL)
    program.chmod(0o755)
    return Cluster(ProcessTable(tmp_path, die_with_parent=True), program)


def test_the_port_is_that_of_the_last_start(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = iter((18080, 28080))
    monkeypatch.setattr("e2e.cluster.ports.preferred", lambda *_: next(free))
    forward = Forward(cast(Provider, cluster), "forward", "shop", "web")

    assert forward.start(8080, 80) == "http://127.0.0.1:18080"
    forward.stop()
    assert forward.url() is None
    assert forward.start(8080, 80) == "http://127.0.0.1:28080"
    forward.stop()


def test_one_that_ends_says_why(cluster: Cluster) -> None:
    cluster.program.write_text("#!/bin/sh\necho 'error: no such service'\nexit 1\n")
    with pytest.raises(ClusterError, match="no such service"):
        Forward(cast(Provider, cluster), "forward", "shop", "web").start(8080, 80)
