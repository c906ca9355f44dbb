"""How `make demo` ends when it cannot go on: a sentence and a code, never a traceback."""

import pytest

from e2e.cluster.errors import ClusterError
from e2e.demo import __main__ as demo
from e2e.demo.kubectl import CommandFailed, run_program


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        (CommandFailed("kubectl get: [/none] not found"), 1, "failed: kubectl get: [/none]"),
        (ClusterError("cannot build helm"), 1, "failed: cannot build helm"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
    ids=["command", "cluster", "interrupt"],
)
def test_it_ends_with_a_sentence(
    raised: BaseException,
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def deploy(*_: object) -> None:
        raise raised

    monkeypatch.setattr(demo, "deploy", deploy)

    assert demo.main(["up"]) == code
    assert said in capsys.readouterr().out


def test_a_program_that_does_not_end_is_a_failed_command() -> None:
    with pytest.raises(CommandFailed, match=r"sleep 60: no end in 0 s"):
        run_program("sleep", "60", environment={"PATH": "/usr/bin:/bin"}, timeout=0.1)
