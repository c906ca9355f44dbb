"""Only Services of the policy's own namespace are asked."""

import pytest

from resilience_operator.probes.http_check import in_namespace


@pytest.mark.parametrize(
    ("url", "inside"),
    [
        ("http://smoke/ok", True),
        ("http://smoke:8080/ok?x=1", True),
        ("http://smoke.retail/ok", True),
        ("https://smoke.retail.svc", True),
        ("http://smoke.retail.svc.cluster.local:80", True),
        ("http://SMOKE.retail.svc.cluster.local.", True),
        ("http://smoke.other", False),
        ("http://smoke.other.svc", False),
        ("http://smoke.retail.example.com", False),
        ("http://retail.svc.cluster.local", False),
        ("http://example.com", False),
        ("http://10.0.0.1", False),
        ("http://2130706433", False),
        ("http://[::1]", False),
        ("http://169.254.169.254/latest", False),
        ("ftp://smoke", False),
        ("http://", False),
    ],
)
def test_hosts(url: str, inside: bool) -> None:
    assert in_namespace(url, "retail") == inside
