"""Debian's Prometheus and Alertmanager: the programs only, no service is started."""

import pytest

from e2e.cluster import debian


@pytest.fixture(scope="session", autouse=True)
def programs() -> None:
    """Installed where they are missing; a machine that may not install them is told what is."""
    debian.ensure({"prometheus": "prometheus", "promtool": "prometheus"})
    debian.ensure({"amtool": "prometheus-alertmanager"})
