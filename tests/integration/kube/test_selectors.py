"""What the settings take for a label selector is one to the API server too, and nothing else is."""

import pytest

from resilience_operator.core.errors import Invalid
from resilience_operator.core.resources import CONFIG_MAPS
from resilience_operator.kube.client import KubeClient
from tests.selectors import BAD, GOOD


@pytest.mark.parametrize("text", GOOD)
async def test_the_api_server_takes_it(client: KubeClient, text: str) -> None:
    await client.list(CONFIG_MAPS, "default", text)


@pytest.mark.parametrize("text", BAD)
async def test_the_api_server_refuses_it(client: KubeClient, text: str) -> None:
    with pytest.raises(Invalid):
        await client.list(CONFIG_MAPS, "default", text)
