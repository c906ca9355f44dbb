"""The Secrets that a policy names: whether they are there, with the keys that are read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import BaseModel

from resilience_operator.api.v1alpha1.base import SecretKeyRef, SecretRef
from resilience_operator.api.v1alpha1.http_probes import S3_KEY_NAMES, S3Probe
from resilience_operator.api.v1alpha1.policy import PolicySpec
from resilience_operator.cli.preflight.model import Check, Denied, failed, listed, passed, unseen

Keys = frozenset[str] | Denied | None
"""The keys of a Secret that have a value; None if there is no such Secret."""

_S3 = (S3_KEY_NAMES["access"], S3_KEY_NAMES["secret"])
_CERTIFICATE = (("tls.crt",), ("tls.key",))


@dataclass(frozen=True, slots=True)
class Reference:
    """A Secret, and the keys that must have a value: of each of `keys` any one name."""

    secret: str
    keys: tuple[tuple[str, ...], ...]


def references(part: BaseModel) -> Iterator[Reference]:
    """Every Secret that is named somewhere in a spec, or in a part of it."""
    for name in type(part).model_fields:
        value = getattr(part, name)
        if isinstance(value, SecretKeyRef):
            yield Reference(value.name, ((value.key,),))
        elif isinstance(value, SecretRef):
            yield Reference(value.name, _S3 if isinstance(part, S3Probe) else _CERTIFICATE)
        elif isinstance(value, BaseModel):
            yield from references(value)
        elif isinstance(value, tuple):
            for each in value:
                if isinstance(each, BaseModel):
                    yield from references(each)


def judge(namespace: str, spec: PolicySpec, secrets: Mapping[str, Keys]) -> Iterator[Check]:
    """A check for each dependency and each notification that needs Secrets."""
    for dependency in spec.dependencies:
        yield from _of(f"{dependency.name}: Secret", namespace, dependency, secrets)
    for notification in spec.notifications:
        yield from _of(
            f"notification {notification.name}: Secret", namespace, notification, secrets
        )


def _of(name: str, namespace: str, part: BaseModel, secrets: Mapping[str, Keys]) -> Iterator[Check]:
    wanted = tuple(dict.fromkeys(references(part)))
    checks = [_one(name, namespace, each, secrets.get(each.secret)) for each in wanted]
    bad = [check for check in checks if check is not None]
    if bad:
        yield from bad
    elif wanted:
        told = [f"{each.secret} ({listed([keys[0] for keys in each.keys])})" for each in wanted]
        yield passed(name, f"There with what is read of it: {listed(told)}.")


def _one(name: str, namespace: str, reference: Reference, keys: Keys) -> Check | None:
    secret = reference.secret
    if isinstance(keys, Denied):
        return unseen(
            name,
            keys,
            f"Ask somebody who may: kubectl -n {namespace} get secret {secret}. What the operator "
            "says of the dependency counts in any case.",
        )
    if keys is None:
        return failed(
            name,
            f"There is no Secret {secret} in namespace {namespace}.",
            f"Make it: kubectl -n {namespace} create secret generic {secret} "
            + " ".join(f"--from-literal={names[0]}=…" for names in reference.keys),
        )
    missing = [names for names in reference.keys if not keys.intersection(names)]
    if not missing:
        return None
    told = listed([" or ".join(names) for names in missing])
    there = listed(sorted(keys)) or "none"
    return failed(
        name,
        f"Secret {secret} has no value under {told}; it has {there}.",
        "Add the key to the Secret, or correct the key in the policy.",
    )
