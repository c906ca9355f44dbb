"""Whose ConfigMap it is: the label that says so, and the reasons to keep our hands off.

The label's value tells three cases apart: absent, the ConfigMap is somebody else's and is refused;
a policy's name, it is that policy's; empty, a policy has let go of it and any policy may take it.
"""

import hashlib

from resilience_operator.actuators.base import Object
from resilience_operator.api.v1alpha1.base import MANAGED_BY_LABEL
from resilience_operator.core.model import Problem

RELEASED = ""
_LABEL_LIMIT = 63
_HASH_LENGTH = 10


def policy_label(policy: str) -> str:
    """A policy's name as a label value: itself, or shortened and told apart by a hash."""
    if len(policy) <= _LABEL_LIMIT:
        return policy
    digest = hashlib.sha256(policy.encode()).hexdigest()[:_HASH_LENGTH]
    return f"{policy[: _LABEL_LIMIT - _HASH_LENGTH - 1].rstrip('-.')}-{digest}"


def policy_selector(policy: str) -> str:
    """Selects the ConfigMaps that belong to a policy."""
    return f"{MANAGED_BY_LABEL}={policy_label(policy)}"


def labels_of(live: Object) -> dict[str, str]:
    """An object's labels."""
    return dict(live["metadata"].get("labels") or {})


def is_free(live: Object | None) -> bool:
    """Whether the name is any policy's to have: nothing has it, or what has it was released."""
    return live is None or labels_of(live).get(MANAGED_BY_LABEL) == RELEASED


def reason_to_refuse(live: Object, policy: str) -> Problem | None:
    """Why a policy must not write into an existing ConfigMap, if there is a reason."""
    name = live["metadata"]["name"]
    owner = labels_of(live).get(MANAGED_BY_LABEL)
    if owner is None:
        return Problem(
            "ConfigMapNotOurs",
            f"ConfigMap {name} exists and was not made by the operator. Choose another "
            f"flags.configMapName, or label it {policy_selector(policy)} to hand it over.",
        )
    if owner not in (RELEASED, policy_label(policy)):
        return Problem(
            "ConfigMapOwnedByOtherPolicy",
            f"ConfigMap {name} belongs to the policy {owner}. Choose another "
            f"flags.configMapName, or label it {policy_selector(policy)} to hand it over.",
        )
    if live.get("immutable"):
        return Problem(
            "ConfigMapImmutable",
            f"ConfigMap {name} is immutable. Delete it, and the operator makes it again.",
        )
    return None
