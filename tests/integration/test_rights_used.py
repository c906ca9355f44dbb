"""The operator may do what it does, and nothing else.

Every story plays an operator with the roles that it is installed with, and the API server notes
each of its requests. All stories together use every right there is; a right that none of them uses
is taken away, or has a story told that shows what it is for.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from e2e.cluster.controlplane import ControlPlane
from e2e.rights import Use, compare, granted, used
from tests.integration.operator.stage import ACCOUNT, HOME, installed_rights
from tests.integration.whole_suite import require

FOLDERS = ("cli", "operator", "rollouts")
"""Where the operator plays on the API server of the session."""


def uses(log: Path) -> Iterator[Use]:
    """What all operators have done, as if each had been of `HOME`."""
    with log.open() as lines:
        for line in lines:
            if f':{ACCOUNT}"' not in line:
                continue
            event = json.loads(line)
            _, _, namespace, _ = event["user"]["username"].split(":")
            for use in used([event], namespace, ACCOUNT):
                yield replace(use, namespace=HOME) if use.namespace == namespace else use


def test_all_stories_together_use_every_right(
    control_plane: ControlPlane, request: pytest.FixtureRequest
) -> None:
    require(request.session, FOLDERS)
    assert control_plane.audit_log is not None
    rights = granted(installed_rights(), HOME, ACCOUNT)
    found = compare(rights, uses(control_plane.audit_log), HOME)
    assert len(found.uses) > 30
    differences = [*found.unused(), *found.unaccounted()]
    assert not differences, "\n".join(found.sentences())
