"""From an object of the API server to a model, and from a status back to the wire.

Objects arrive as dicts from watches and lists. The API server has validated them, against the CRD
of the day on which they were written: a spec stored under an older CRD may break the rules of
today, and a status may have been written by another version. A spec that cannot be understood is
an error for whoever owns the object; what cannot be of a status is only forgotten, because the
operator makes a new one.
"""

from collections.abc import Mapping
from copy import deepcopy
from functools import reduce
from operator import getitem
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from resilience_operator.api.v1alpha1.base import (
    API_VERSION,
    ROLLOUT_ANNOTATION,
    Condition,
    Level,
    Model,
    Refusal,
)
from resilience_operator.api.v1alpha1.level import DegradationLevel, LevelSpec, LevelStatus
from resilience_operator.api.v1alpha1.policy import (
    Flags,
    OnDelete,
    PolicySpec,
    ResiliencePolicy,
)
from resilience_operator.api.v1alpha1.policy_status import PolicyStatus
from resilience_operator.api.v1alpha1.probes import PROBE_TYPES

_M = TypeVar("_M", bound=BaseModel)
_EMPTY: tuple[Any, ...] = (None, "", [], {})


UNREADABLE = PolicySpec.model_construct(dependencies=(), flags=Flags(on_delete=OnDelete.KEEP))
"""Stands for a spec that is not understood, of a policy that is being deleted."""


class _Conditions(Model):
    """The part that the status of every kind has."""

    conditions: tuple[Condition, ...] = ()


class InvalidResource(Exception):  # noqa: N818  the resource is invalid; nothing went wrong here
    """A spec that the operator cannot work from. The message names the field."""


def parse_policy(body: Mapping[str, Any]) -> ResiliencePolicy:
    """A ResiliencePolicy as the API server returns it; raises InvalidResource.

    Not of one that is on its way out: it could never go, for want of somebody to let it.
    """
    identity = _identity(body)
    try:
        spec = _policy_spec(body)
    except InvalidResource:
        if not identity["deleting"]:
            raise
        spec = UNREADABLE
    return ResiliencePolicy(
        **identity,
        created=body["metadata"].get("creationTimestamp", ""),
        finalizers=_finalizers(body),
        rollout_verb=_rollout_verb(body),
        spec=spec,
        status=_status(PolicyStatus, body) or PolicyStatus(),
    )


def parse_level(body: Mapping[str, Any]) -> DegradationLevel:
    """A DegradationLevel as the API server returns it; raises InvalidResource."""
    return DegradationLevel(
        **_identity(body),
        owned=_owned_by_policy(body),
        spec=_spec(LevelSpec, body),
        status=parse_level_status(body),
    )


def keep_policy(held: ResiliencePolicy, body: Mapping[str, Any], why: str) -> ResiliencePolicy:
    """The policy that is held, as it stands now that its present spec is refused."""
    parts = {
        "finalizers": _finalizers(body),
        "rollout_verb": _rollout_verb(body),
        "status": _status(PolicyStatus, body) or PolicyStatus(),
        "refused": _refusal(body, why),
    }
    return held.model_copy(update=parts)


def keep_level(held: DegradationLevel, body: Mapping[str, Any], why: str) -> DegradationLevel:
    """The level that is held, as it stands now that its present spec is refused."""
    parts = {
        "deleting": _identity(body)["deleting"],
        "status": parse_level_status(body),
        "refused": _refusal(body, why),
    }
    return held.model_copy(update=parts)


def parse_level_status(body: Mapping[str, Any]) -> LevelStatus:
    """What can be understood of a level's status, whatever its spec."""
    return _status(LevelStatus, body) or LevelStatus()


def parse_conditions(body: Mapping[str, Any]) -> tuple[Condition, ...]:
    """What can be understood of an object's conditions, whatever its spec."""
    return (_status(_Conditions, body) or _Conditions()).conditions


def dump_status(status: BaseModel) -> dict[str, Any]:
    """A status as a dict for the wire, without what is absent or empty.

    Made for server-side apply and for replacing: there a field that is left out is removed. A merge
    patch would leave it standing. Required fields stay, though they be empty.
    """
    dumped: dict[str, Any] = status.model_dump(mode="json", by_alias=True, exclude_none=True)
    return _without_empty(status, dumped)


def _identity(body: Mapping[str, Any]) -> dict[str, Any]:
    """The part of the metadata that the models carry."""
    metadata = body["metadata"]
    return {
        "namespace": metadata["namespace"],
        "name": metadata["name"],
        "uid": metadata["uid"],
        "generation": metadata.get("generation", 0),
        "deleting": "deletionTimestamp" in metadata,
    }


def _refusal(body: Mapping[str, Any], why: str) -> Refusal:
    return Refusal(generation=body["metadata"].get("generation", 0), why=why)


def _finalizers(body: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(body["metadata"].get("finalizers", ()))


def _rollout_verb(body: Mapping[str, Any]) -> str | None:
    """What somebody has asked of the rollout by annotation, without the blanks around it."""
    annotations = body["metadata"].get("annotations") or {}
    verb = annotations.get(ROLLOUT_ANNOTATION)
    return None if verb is None else verb.strip()


def _owned_by_policy(body: Mapping[str, Any]) -> bool:
    """Whether the operator made the object: then a policy is its controller."""
    return any(
        owner.get("kind") == "ResiliencePolicy"
        and owner.get("apiVersion") == API_VERSION
        and owner.get("controller", False)
        for owner in body["metadata"].get("ownerReferences", ())
    )


def _policy_spec(body: Mapping[str, Any]) -> PolicySpec:
    spec = _spec(PolicySpec, body)
    _require_one_probe_type(spec)
    _require_optimal_state(spec)
    return spec


def _spec(model: type[_M], body: Mapping[str, Any]) -> _M:
    try:
        return model.model_validate(body.get("spec") or {})
    except ValidationError as error:
        raise InvalidResource(_describe(error)) from error


def _status(model: type[_M], body: Mapping[str, Any]) -> _M | None:
    """What can be understood of a status: a word of another version costs its field, not the rest.

    Else a version that is rolled back would forget every breaker for one new reason of a failure.
    """
    status: Any = body.get("status") or {}
    while True:
        try:
            return model.model_validate(status)
        except ValidationError as error:
            where = error.errors(include_url=False, include_context=False, include_input=False)
        # One at a time, for the others may have gone with it, or moved up in their list.
        location = where[-1]["loc"]
        status = deepcopy(status)
        # Half of a rollout is worse than none: it would be carried on with.
        if not _drop(status, location[:1] if location[:1] == ("rollout",) else location):
            return None


def _drop(status: Any, location: tuple[int | str, ...]) -> bool:
    """Remove what is there, or what lacks it; False where that is the whole."""
    if not location:
        return False
    *path, last = location
    at: Any = reduce(getitem, path, status)
    present = last in at if isinstance(at, dict) else isinstance(at, list)
    if present:
        del at[last]
        return True
    return _drop(status, tuple(path))


def _describe(error: ValidationError) -> str:
    """Each mistake with its path, as `spec.levels.optimal: …`; never the value itself."""
    mistakes = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{_path(one['loc'])}: {one['msg']}" for one in mistakes[:5])


def _path(location: tuple[int | str, ...]) -> str:
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return "spec" + "".join(parts)


def _require_one_probe_type(spec: PolicySpec) -> None:
    """The one rule between fields without which nothing can be probed."""
    for index, dependency in enumerate(spec.dependencies):
        given = [name for name in PROBE_TYPES if getattr(dependency.probe, name) is not None]
        if len(given) != 1:
            raise InvalidResource(
                f"spec.dependencies[{index}].probe: needs exactly one type, "
                f"has {', '.join(given) or 'none'}"
            )


def _require_optimal_state(spec: PolicySpec) -> None:
    """The one without which a feature may have no state at all."""
    for index, feature in enumerate(spec.features):
        if Level.OPTIMAL not in feature.states:
            raise InvalidResource(f"spec.features[{index}].states: must name OPTIMAL")


def _without_empty(model: BaseModel, dumped: dict[str, Any]) -> dict[str, Any]:
    """Drop what is empty, at every depth, where reading nothing gives the same again."""
    kept = {}
    for name, field in type(model).model_fields.items():
        key = field.alias or name
        if key not in dumped:
            continue
        value = _value(getattr(model, name), dumped[key])
        unsaid = value in _EMPTY and getattr(model, name) == field.get_default()
        if field.is_required() or not unsaid:
            kept[key] = value
    return kept


def _value(value: Any, dumped: Any) -> Any:
    if isinstance(value, BaseModel):
        return _without_empty(value, dumped)
    if isinstance(value, tuple):
        return [_value(*pair) for pair in zip(value, dumped, strict=True)]
    return dumped
