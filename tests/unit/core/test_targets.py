import pytest

from resilience_operator.api.v1alpha1.base import SecretKeyRef
from resilience_operator.api.v1alpha1.probes import HttpProbe, PostgresProbe, ProbeSpec
from resilience_operator.core.targets import probe_key, typed
from tests.builders import make_probe


def postgres(secret: str = "pg", **spec: object) -> ProbeSpec:
    ref = SecretKeyRef(name=secret, key="dsn")
    return ProbeSpec(postgres=PostgresProbe(dsn_secret_ref=ref), **spec)  # type: ignore[arg-type]


def test_the_type_and_its_options() -> None:
    name, options = typed(make_probe("a:1"))
    assert (name, options.model_dump()) == ("tcp", {"address": "a:1"})


def test_a_probe_without_a_type_is_an_error() -> None:
    with pytest.raises(ValueError, match="exactly one type"):
        typed(ProbeSpec())


def test_the_same_question_is_the_same_probe_at_whatever_pace() -> None:
    one = probe_key("retail", make_probe("a:1", interval_seconds=10))
    other = probe_key("retail", make_probe("a:1", interval_seconds=60, confirm_interval_seconds=5))
    assert one == other
    assert (one.namespace, one.type) == ("retail", "tcp")


@pytest.mark.parametrize(
    ("story", "namespace", "spec"),
    [
        ("another namespace", "other", postgres()),
        ("another secret", "retail", postgres("pg2")),
        ("another time-out", "retail", postgres(timeout_seconds=5)),
        ("another type", "retail", ProbeSpec(http=HttpProbe(url="https://pg.example.com"))),
    ],
)
def test_what_is_never_shared(story: str, namespace: str, spec: ProbeSpec) -> None:
    assert probe_key(namespace, spec) != probe_key("retail", postgres()), story
