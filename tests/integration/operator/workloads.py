"""A Deployment with a ReplicaSet and pods, as controllers and a kubelet would have made them."""

from tests.integration.operator.policies import FLAGS
from tests.integration.operator.stage import Body, Stage

DIGEST = "resilience.aidrive.dev/flags-digest"


def deployment(stage: Stage, name: str) -> str:
    """Create a Deployment that mounts the flags; its uid."""
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": _pod_spec()}
    spec = {"selector": {"matchLabels": labels}, "template": template}
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}
    made = stage.create("apps/v1/deployments", body)
    return str(made["metadata"]["uid"])


def pods(stage: Stage, name: str, count: int) -> list[str]:
    """Create pods of that Deployment's ReplicaSet; their names."""
    labels = {"app": name}
    owner = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "name": f"{name}-1",
        "uid": "00000000-0000-4000-8000-000000000001",
        "controller": True,
    }
    names = [f"{name}-1-{number}" for number in range(count)]
    for each in names:
        metadata = {"name": each, "labels": labels, "ownerReferences": [owner]}
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": _pod_spec()}
        stage.create("v1/pods", body)
    return names


def digests(stage: Stage, names: list[str]) -> list[str | None]:
    """The annotation of each pod."""
    found = [stage.find(f"v1/pods/{name}") or {} for name in names]
    return [each["metadata"].get("annotations", {}).get(DIGEST) for each in found]


def _pod_spec() -> Body:
    mount = {"name": "flags", "mountPath": "/flags"}
    container = {"name": "app", "image": "app", "volumeMounts": [mount]}
    return {
        "containers": [container],
        "volumes": [{"name": "flags", "configMap": {"name": FLAGS, "optional": True}}],
    }
