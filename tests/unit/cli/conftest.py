import pytest

from tests.unit.cli.world import World


@pytest.fixture
def world() -> World:
    return World()
