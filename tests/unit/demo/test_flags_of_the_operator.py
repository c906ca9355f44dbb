"""The application reads what the operator really writes, for the reference policy at each level."""

from pathlib import Path

import pytest
import yaml
from openfeature import api

from e2e.demo.app.flags import FlagReader
from resilience_operator.api.v1alpha1.base import Level
from resilience_operator.api.v1alpha1.policy import FlagFormat, PolicySpec, ResiliencePolicy
from resilience_operator.core.features import feature_states
from resilience_operator.core.flags import FLAGD_KEY, render_flags
from tests.unit.demo.conftest import KubeletVolume, holds

POLICY_FILE = Path(__file__).resolve().parents[3] / "manifests" / "demo" / "policy.yaml"


@pytest.fixture(scope="module")
def policy() -> ResiliencePolicy:
    """The reference policy."""
    spec = PolicySpec.model_validate(yaml.safe_load(POLICY_FILE.read_text())["spec"])
    return ResiliencePolicy(namespace="retail", name="inventario", uid="1", generation=1, spec=spec)


@pytest.mark.parametrize("level", list(Level))
async def test_every_level_is_read(
    volume: KubeletVolume, policy: ResiliencePolicy, level: Level
) -> None:
    states = feature_states(policy.spec.features, level, {"openai"})
    flags = render_flags("inventario-flags", [FlagFormat.FLAGD], level, 50, 7, states, policy)
    volume.write(flags.data[FLAGD_KEY])
    reader = FlagReader(volume.file, 100)
    reader.start()
    try:
        assert await holds(lambda: reader.snapshot.read_at is not None)
        assert reader.snapshot.features == states
        assert (reader.snapshot.level, reader.snapshot.health) == (level.value, 50)
        assert reader.snapshot.generation == 7
    finally:
        reader.stop()
        api.clear_providers()
