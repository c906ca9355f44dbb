"""What the settings take for a label selector is one to the API server too, and nothing else is."""

import pytest

from resilience_operator.core.errors import Invalid
from resilience_operator.core.resources import CONFIG_MAPS
from resilience_operator.core.selectors import matches
from resilience_operator.kube.client import KubeClient
from tests.selectors import BAD, GOOD


@pytest.mark.parametrize("text", GOOD)
async def test_the_api_server_takes_it(client: KubeClient, text: str) -> None:
    await client.list(CONFIG_MAPS, "default", text)


@pytest.mark.parametrize("text", BAD)
async def test_the_api_server_refuses_it(client: KubeClient, text: str) -> None:
    with pytest.raises(Invalid):
        await client.list(CONFIG_MAPS, "default", text)


LABELS = ({}, {"shard": "a"}, {"shard": "b", "tier": "x"}, {"shard": "", "other": "1"},
          {"resilience.aidrive.dev/shard": "a"}, {"a.b-c/Name_of.it": "Value_1.2"})  # fmt: skip


async def test_both_select_the_same(client: KubeClient, namespace: str) -> None:
    for number, labels in enumerate(LABELS):
        body = {"metadata": {"name": f"number-{number}", "labels": labels}}
        await client.create(CONFIG_MAPS, namespace, body)

    for text in GOOD:
        found = {
            each["metadata"]["name"] for each in await client.list(CONFIG_MAPS, namespace, text)
        }
        ours = {f"number-{n}" for n, labels in enumerate(LABELS) if matches(text, labels)}
        assert ours == found, text
