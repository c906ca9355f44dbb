from collections.abc import Callable

import pytest

from resilience_operator.core import errors
from resilience_operator.core.resources import CONFIG_MAPS, DEPLOYMENTS, NAMESPACES
from resilience_operator.kube.client import KubeClient, Object

US, ARGO = "resilience-operator", "argocd"


def deployment(replicas: int) -> Object:
    labels = {"app": "shop"}
    container = {"name": "app", "image": "shop:1"}
    return {
        "metadata": {"name": "shop"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


class TestServerSideApply:
    async def test_it_creates_updates_and_takes_away_what_we_no_longer_set(
        self, client: KubeClient, namespace: str
    ) -> None:
        async def apply(**data: str) -> Object:
            return await client.apply(CONFIG_MAPS, namespace, "flags", {"data": data}, US)

        assert (await apply(A="on", B="on"))["data"] == {"A": "on", "B": "on"}
        assert (await apply(A="off"))["data"] == {"A": "off"}

    async def test_the_same_again_changes_nothing(self, client: KubeClient, namespace: str) -> None:
        body: Object = {"data": {"A": "on"}}
        first = await client.apply(CONFIG_MAPS, namespace, "flags", body, US)
        again = await client.apply(CONFIG_MAPS, namespace, "flags", body, US)
        assert again["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]

    async def test_what_others_set_beside_us_stays(
        self, client: KubeClient, namespace: str
    ) -> None:
        await client.apply(CONFIG_MAPS, namespace, "flags", {"data": {"B": "theirs"}}, ARGO)
        await client.apply(CONFIG_MAPS, namespace, "flags", {"data": {"A": "on"}}, US)
        both = await client.apply(CONFIG_MAPS, namespace, "flags", {"data": {"A": "off"}}, US)
        assert both["data"] == {"A": "off", "B": "theirs"}

    async def test_a_field_that_another_owns_is_a_conflict_that_names_it(
        self, client: KubeClient, namespace: str
    ) -> None:
        await client.apply(CONFIG_MAPS, namespace, "flags", {"data": {"A": "theirs"}}, ARGO)
        with pytest.raises(errors.Conflict) as caught:
            await client.apply(CONFIG_MAPS, namespace, "flags", {"data": {"A": "ours"}}, US)
        assert caught.value.managers == (ARGO,)
        assert caught.value.fields == (".data.A",)
        unchanged = await client.get(CONFIG_MAPS, namespace, "flags")
        assert unchanged is not None
        assert unchanged["data"] == {"A": "theirs"}

    async def test_force_takes_the_field_over(self, client: KubeClient, namespace: str) -> None:
        await client.apply(CONFIG_MAPS, namespace, "flags", {"data": {"A": "theirs"}}, ARGO)
        body: Object = {"data": {"A": "ours"}}
        forced = await client.apply(CONFIG_MAPS, namespace, "flags", body, US, force=True)
        assert forced["data"] == {"A": "ours"}
        with pytest.raises(errors.Conflict):
            await client.apply(CONFIG_MAPS, namespace, "flags", {"data": {"A": "theirs"}}, ARGO)


class TestStatus:
    async def test_a_status_is_written_without_touching_the_spec(
        self, client: KubeClient, namespace: str
    ) -> None:
        created = await client.create(DEPLOYMENTS, namespace, deployment(3))
        body: Object = {"spec": {"replicas": 9}, "status": {"replicas": 2}}
        written = await client.apply_status(DEPLOYMENTS, namespace, "shop", body, US)
        assert written["status"]["replicas"] == 2
        assert written["spec"]["replicas"] == 3
        assert written["metadata"]["generation"] == created["metadata"]["generation"]

    async def test_a_spec_is_written_without_touching_the_status(
        self, client: KubeClient, namespace: str
    ) -> None:
        await client.create(DEPLOYMENTS, namespace, deployment(3))
        status: Object = {"status": {"replicas": 2, "readyReplicas": 1}}
        await client.apply_status(DEPLOYMENTS, namespace, "shop", status, US)
        body: Object = {"spec": {"replicas": 5}, "status": {"replicas": 0}}
        written = await client.merge_patch(DEPLOYMENTS, namespace, "shop", body)
        assert written["spec"]["replicas"] == 5
        assert written["status"]["readyReplicas"] == 1
        assert written["status"]["replicas"] == 2

    async def test_two_managers_of_one_status_field_are_a_conflict(
        self, client: KubeClient, namespace: str
    ) -> None:
        await client.create(DEPLOYMENTS, namespace, deployment(1))
        body: Object = {"status": {"replicas": 1}}
        await client.apply_status(DEPLOYMENTS, namespace, "shop", body, ARGO)
        body = {"status": {"replicas": 2}}
        with pytest.raises(errors.Conflict) as caught:
            await client.apply_status(DEPLOYMENTS, namespace, "shop", body, US)
        assert caught.value.managers == (ARGO,)


class TestOtherWrites:
    async def test_creating_what_exists_is_a_conflict_that_says_so(
        self, client: KubeClient, namespace: str, make_config_map: Callable[..., Object]
    ) -> None:
        await client.create(CONFIG_MAPS, namespace, make_config_map("a"))
        with pytest.raises(errors.Conflict) as caught:
            await client.create(CONFIG_MAPS, namespace, make_config_map("a"))
        assert caught.value.exists

    async def test_replacing_an_outdated_version_is_a_conflict(
        self, client: KubeClient, namespace: str, make_config_map: Callable[..., Object]
    ) -> None:
        old = await client.create(CONFIG_MAPS, namespace, make_config_map("a", A="1"))
        await client.merge_patch(CONFIG_MAPS, namespace, "a", {"data": {"A": "2"}})
        with pytest.raises(errors.Conflict) as caught:
            await client.replace(CONFIG_MAPS, namespace, "a", old)
        assert not caught.value.exists
        assert caught.value.managers == ()

    async def test_a_merge_patch_removes_what_is_none(
        self, client: KubeClient, namespace: str, make_config_map: Callable[..., Object]
    ) -> None:
        await client.create(CONFIG_MAPS, namespace, make_config_map("a", A="1", B="2"))
        patched = await client.merge_patch(CONFIG_MAPS, namespace, "a", {"data": {"A": None}})
        assert patched["data"] == {"B": "2"}

    async def test_a_json_patch_is_all_or_nothing(
        self, client: KubeClient, namespace: str, make_config_map: Callable[..., Object]
    ) -> None:
        await client.create(CONFIG_MAPS, namespace, make_config_map("a", A="1"))
        test = {"op": "test", "path": "/data/A", "value": "1"}
        swap = {"op": "replace", "path": "/data/A", "value": "2"}
        patched = await client.json_patch(CONFIG_MAPS, namespace, "a", [test, swap])
        assert patched["data"] == {"A": "2"}
        with pytest.raises(errors.Invalid):
            await client.json_patch(CONFIG_MAPS, namespace, "a", [test, swap])

    async def test_deleting_is_idempotent(
        self, client: KubeClient, namespace: str, make_config_map: Callable[..., Object]
    ) -> None:
        created = await client.create(CONFIG_MAPS, namespace, make_config_map("a"))
        with pytest.raises(errors.Conflict):
            await client.delete(CONFIG_MAPS, namespace, "a", uid="another")
        await client.delete(CONFIG_MAPS, namespace, "a", uid=created["metadata"]["uid"])
        await client.delete(CONFIG_MAPS, namespace, "a")
        assert await client.get(CONFIG_MAPS, namespace, "a") is None


async def test_what_does_not_validate_is_invalid_and_what_is_missing_not_found(
    client: KubeClient, namespace: str
) -> None:
    with pytest.raises(errors.Invalid, match=r"metadata\.name"):
        await client.apply(CONFIG_MAPS, namespace, "No_Name", {"data": {}}, US)
    with pytest.raises(errors.NotFound, match="nowhere"):
        await client.apply(CONFIG_MAPS, "nowhere", "flags", {"data": {}}, US)
    with pytest.raises(errors.NotFound):
        await client.merge_patch(CONFIG_MAPS, namespace, "flags", {"data": {}})
    assert await client.get(NAMESPACES, None, namespace) is not None
