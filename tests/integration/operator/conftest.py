"""A stage per test: a namespace, the operator's identity in it, the CRDs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.cluster.controlplane import ControlPlane
from tests.integration.custom_resources import Api, install
from tests.integration.operator.harness import OperatorProcess
from tests.integration.operator.stage import Stage, staged
from tests.integration.stories import Stories, selected

_AT_ONCE = 4


@pytest.fixture(scope="session")
def admin(control_plane: ControlPlane) -> Iterator[Api]:
    """An administrator's requests; the CRDs are installed."""
    made = Api(control_plane.kubeconfig)
    install(made)
    yield made
    made.close()


@pytest.fixture(scope="session", autouse=True)
def stories(
    control_plane: ControlPlane,
    admin: Api,
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stories]:
    """The tests that run in the background, as many as were selected."""
    told, folder = selected(request.session, "stage"), tmp_path_factory.mktemp("stories")
    begun = Stories(control_plane, told, staged, _AT_ONCE, folder)
    yield begun
    begun.close()


@pytest.fixture
def stage(
    control_plane: ControlPlane, admin: Api, namespace: str, tmp_path: Path
) -> Iterator[Stage]:
    with staged(control_plane, admin, namespace, tmp_path) as made:
        yield made


@pytest.fixture
def operator(stage: Stage) -> OperatorProcess:
    """A replica that leads."""
    return stage.operator().start_leading()
