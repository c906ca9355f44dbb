"""The audit log: a line for every write to the API server, and one for every person's wish obeyed.

Lines are of the logger `resilience_operator.audit` and have `audit: true`; no log level hides them.
They hold names and what the operator decided itself, never the content that was written.
"""

import logging
from collections.abc import Mapping

from resilience_operator.core.human_actions import HumanAction
from resilience_operator.kube.calls import Call
from resilience_operator.purpose import Errand, Purpose

log = logging.getLogger(__name__)


def write_made(call: Call, errand: Errand) -> None:
    """A request that was to change something is over; renewals of the lease are left out."""
    if errand.purpose is Purpose.RENEWAL:
        return
    resource = "/".join(filter(None, (call.resource.plural, call.subresource)))
    where = "/".join(filter(None, (call.namespace, call.name)))
    policy = errand.policy[1] if errand.policy else ""
    fields = {
        "verb": call.api_verb,
        "resource": resource,
        "api_group": call.resource.group,
        "namespace": call.namespace,
        "object": call.name,
        "field_manager": call.field_manager,
        "purpose": errand.purpose.value,
        "policy": policy,
        "decision": errand.decision_id,
        "outcome": call.outcome,
        "code": None if call.ok else call.code,
    }
    log.info("%s %s %s: %s", call.api_verb, resource, where, call.outcome, extra=_said(fields))


def person_acted(action: HumanAction) -> None:
    """Something that a person asked for is acted upon, or has ended."""
    namespace, policy = action.policy
    fields = {
        "action": action.action.value,
        "namespace": namespace,
        "policy": policy,
        "decision": action.decision_id,
        **action.facts,
    }
    log.info("%s: %s", action.action, action.message, extra=_said(fields))


def _said(fields: Mapping[str, object]) -> dict[str, object]:
    return {"audit": True, **{name: value for name, value in fields.items() if value}}
