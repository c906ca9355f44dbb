"""A real API server for the integration tests: one per session, one namespace per test."""

import re
import secrets
import signal
import tempfile
from collections.abc import Iterator

import pytest

from e2e.cluster.controlplane import Audit, ControlPlane
from tests.integration.crd_cases import Namespace
from tests.integration.custom_resources import Api, install
from tests.integration.stories import is_story
from tests.integration.whole_suite import note_deselected

STORY_SECONDS = 300


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What looks back at all the other tests comes last; a story may have to wait for others."""
    items.sort(key=lambda item: item.path.name == "test_rights_used.py")
    for item in items:
        if is_story(item):
            item.add_marker(pytest.mark.timeout(STORY_SECONDS))


def pytest_deselected(items: list[pytest.Item]) -> None:
    note_deselected(items)


@pytest.fixture(scope="session", autouse=True)
def orderly_end(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests that are ended by SIGTERM end as by Ctrl-C, and take along what they have started.

    What those leave that are killed is among pytest's own folders, of which it keeps three.
    """
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    tempfile.tempdir = str(tmp_path_factory.getbasetemp())
    yield
    tempfile.tempdir = None
    signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="session")
def control_plane() -> Iterator[ControlPlane]:
    """etcd and an API server that logs every request; ready in seconds, gone at the end.

    `python -m e2e.cluster build kubernetes etcd` has to have run once on this machine.
    """
    with ControlPlane(audit=Audit.ALL) as running:
        yield running


@pytest.fixture
def namespace(control_plane: ControlPlane, request: pytest.FixtureRequest) -> str:
    """A namespace of the test's own, named after it; it goes with the control plane."""
    words = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[:40].strip("-")
    name = f"{words or 'test'}-{secrets.token_hex(4)}"
    control_plane.client.create("/api/v1/namespaces", {"metadata": {"name": name}})
    return name


@pytest.fixture(scope="session")
def api(control_plane: ControlPlane) -> Iterator[Api]:
    """Requests of an administrator; the CRDs are installed."""
    made = Api(control_plane.kubeconfig)
    assert install(made) == [], "the API server has objections to a CRD"
    yield made
    made.close()


@pytest.fixture
def here(api: Api, namespace: str) -> Namespace:
    """Custom resources of the test's namespace."""
    return Namespace(api, namespace)
