import asyncio
import base64
from collections.abc import Callable
from dataclasses import replace

import pytest

from e2e.cluster.controlplane import ControlPlane
from resilience_operator.core import errors
from resilience_operator.core.resources import CONFIG_MAPS, LEASES, POLICIES, SECRETS
from resilience_operator.kube.client import KubeClient, Object
from resilience_operator.kube.connection import Connection, Request, connect
from resilience_operator.kube.secrets import SecretReader
from resilience_operator.runtime.clock import SystemClock


def names(objects: list[Object]) -> set[str]:
    return {each["metadata"]["name"] for each in objects} - {"kube-root-ca.crt"}


async def test_a_list_goes_through_all_pages(
    client: KubeClient, namespace: str, make_config_map: Callable[..., Object]
) -> None:
    made = [make_config_map(f"c{n}", {"even": str(n % 2 == 0)}) for n in range(25)]
    await asyncio.gather(*(client.create(CONFIG_MAPS, namespace, each) for each in made))
    pages = [page async for page in client.pages(CONFIG_MAPS, namespace, limit=10)]
    assert [len(page["items"]) for page in pages] == [10, 10, 5]
    assert names(await client.list(CONFIG_MAPS, namespace)) == {f"c{n}" for n in range(25)}
    even = await client.list(CONFIG_MAPS, namespace, "even=True")
    assert names(even) == {f"c{n}" for n in range(0, 25, 2)}
    assert names(await client.list(CONFIG_MAPS)) >= {f"c{n}" for n in range(25)}


async def test_what_is_not_there_is_none_and_a_kind_that_is_not_there_an_error(
    client: KubeClient, namespace: str
) -> None:
    unknown = replace(POLICIES, plural="nosuchkinds")
    assert await client.get(CONFIG_MAPS, namespace, "nothing") is None
    assert await client.get(CONFIG_MAPS, "nowhere", "nothing") is None
    assert await client.get(unknown, namespace, "nothing") is None
    assert await client.list(CONFIG_MAPS, "nowhere") == []
    with pytest.raises(errors.NotFound):
        await client.list(unknown, namespace)


async def test_whether_a_kind_is_served(client: KubeClient) -> None:
    assert await client.serves(LEASES)
    assert not await client.serves(replace(LEASES, plural="nosuchkinds"))
    assert not await client.serves(replace(LEASES, group="nowhere.example"))


async def test_a_secret_is_read_decoded(client: KubeClient, namespace: str) -> None:
    reader = SecretReader(client)
    body: Object = {
        "metadata": {"name": "pg"},
        "data": {"dsn": base64.b64encode(b"postgresql://").decode()},
        "stringData": {"plain": "text"},
    }
    await client.create(SECRETS, namespace, body)
    await client.create(SECRETS, namespace, {"metadata": {"name": "empty"}})
    assert await reader.read(namespace, "pg") == {"dsn": b"postgresql://", "plain": b"text"}
    assert await reader.read(namespace, "empty") == {}
    assert await reader.read(namespace, "nothing") is None


async def test_a_token_without_a_role_is_forbidden(
    control_plane: ControlPlane, namespace: str
) -> None:
    kubeconfig = control_plane.kubeconfig_for_service_account(namespace, "nobody")
    connection = await connect(SystemClock(), kubeconfig)
    with pytest.raises(errors.Forbidden, match="nobody"):
        await KubeClient(connection).get(SECRETS, namespace, "pg")
    await connection.close()


async def test_an_answer_that_takes_too_long_is_transient(connection: Connection) -> None:
    with pytest.raises(errors.TransientError, match="no answer within"):
        await connection.send(Request("GET", CONFIG_MAPS.path(), {}, seconds=0.0001))
