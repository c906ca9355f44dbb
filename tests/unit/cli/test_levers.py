"""`level override|freeze|release`: what is written, what comes of it, and what is said."""

import pytest

from tests.unit.cli.world import World

OVERRIDE = {
    "level": "MINIMAL",
    "reason": "before",
    "requestedBy": "luis",
    "expiresAt": "2026-11-24T13:00:00Z",
}
FREEZE = {"reason": "migration", "expiresAt": "2026-11-24T12:15:00Z"}
FREEZING = ("level", "freeze", "inventario", "--for", "15m", "--reason", "migration")
FORCE = ("level", "override", "inventario", "--level", "limited", "--reason", " game day ")


def test_an_override_has_a_level_a_reason_a_name_and_an_end(world: World) -> None:
    world.level()
    world.level_operator()

    result = world.run(*FORCE, "--for", "2h")

    assert result.exit_code == 0
    assert result.output == (
        "inventario is forced to LIMITED for 2h, until 2026-11-24T14:00:00Z. "
        "The probes say LIMITED.\n"
    )
    lever = {
        "level": "LIMITED",
        "reason": "game day",
        "requestedBy": "ana",
        "expiresAt": "2026-11-24T14:00:00Z",
    }
    assert world.cluster.patches == [
        ("degradationlevels", "inventario", {"spec": {"override": lever}})
    ]


def test_an_override_says_whose_it_replaces(world: World) -> None:
    world.level(override=OVERRIDE)
    world.level_operator()

    result = world.run(*FORCE, "--for", "30m", "--requested-by", "eva")

    assert "It replaces MINIMAL, forced by luis." in result.output
    assert world.cluster.patches[0][2]["spec"]["override"]["requestedBy"] == "eva"


def test_who_forced_it_before_cannot_steer_the_terminal(world: World) -> None:
    world.level(override={**OVERRIDE, "requestedBy": "eva\x1b[2J\nroot"})
    world.level_operator()

    output = world.run(*FORCE, "--for", "30m").output

    assert "forced by eva [2J root." in output
    assert "\x1b" not in output


def test_a_freeze_keeps_the_level(world: World) -> None:
    world.level(override=OVERRIDE)
    world.level_operator()

    result = world.run(*FREEZING)

    assert result.output == (
        "inventario is frozen at MINIMAL for 15m, until 2026-11-24T12:15:00Z. "
        "Its override comes first for as long as it lasts.\n"
    )
    assert world.cluster.patches[0][2] == {"spec": {"freeze": FREEZE}}


def test_a_freeze_of_what_has_no_level_yet_says_so(world: World) -> None:
    world.level()["status"] = {}
    world.level_operator()

    result = world.run(*FREEZING)

    assert "is frozen, as soon as it has a level" in result.output


def test_a_release_takes_both_off(world: World) -> None:
    world.level(override=OVERRIDE, freeze=FREEZE)
    world.level_operator()

    result = world.run("level", "release", "inventario")

    assert "is released from its override and freeze; the probes say LIMITED." in result.output
    assert world.cluster.patches[0][2] == {"spec": {"override": None, "freeze": None}}


def test_a_release_of_nothing_is_no_error_and_no_write(world: World) -> None:
    world.level()

    result = world.run("level", "release", "inventario")

    assert result.exit_code == 0
    assert "nothing to release" in result.output
    assert world.cluster.patches == []


def test_what_cannot_be_written_is_refused_before(world: World) -> None:
    world.level()

    for words, code in (
        (("--for", "2h", "--level", "SUPER"), 2),
        (("--for", "soon"), 2),
        (("--for", "0s"), 2),
        (("--for", "2h", "--reason", " "), 1),
        (("--for", "2h", "--reason", "x" * 257), 1),
    ):
        assert world.run(*FORCE, *words).exit_code == code
    assert world.run("level", "override", "inventario").exit_code == 2
    assert world.run("level", "release", "nobody").exit_code == 3
    assert world.cluster.patches == []


def test_an_end_beyond_the_calendar_is_refused(world: World) -> None:
    world.level()

    result = world.run(*FORCE, "--for", "99999999d")

    assert result.exit_code == 2
    assert "is no length of time" in result.stderr


def test_a_freeze_is_waited_for(world: World) -> None:
    world.level()
    world.level_operator()

    assert "inventario is frozen at LIMITED for 15m" in world.run(*FREEZING).stdout


RELEASE = ("level", "release", "inventario")


@pytest.mark.parametrize(
    ("words", "verb", "withdrawal"),
    [
        ((*FORCE, "--for", "2h"), "override", True),
        (FREEZING, "freeze", True),
        (RELEASE, "release", False),
    ],
)
def test_an_operator_that_does_not_run_is_noticed(
    world: World, words: tuple[str, ...], verb: str, withdrawal: bool
) -> None:
    """Its last word on an override of before counts for nothing."""
    world.level(override=OVERRIDE)
    world.level_operator()
    world.clock.each(world.clock.now())
    world.clock.each = lambda now: None

    result = world.run(*words)

    assert result.exit_code == 1
    assert result.stdout == ""
    withdraw = "; withdraw it with kubectl resilience level release inventario -n retail"
    assert result.stderr == (
        f"The operator has not taken {verb} of inventario within 30 s: see whether it runs. "
        f"The request stands{withdraw if withdrawal else ''}.\n"
    )
    assert len(world.cluster.patches) == 1


@pytest.mark.parametrize("words", [(*FORCE, "--for", "2h"), FREEZING, RELEASE])
def test_a_lever_is_pulled_without_waiting(world: World, words: tuple[str, ...]) -> None:
    world.level(override=OVERRIDE)

    result = world.run(*words, "--no-wait")

    assert result.exit_code == 0
    what = f"{words[1]} is asked of inventario; the operator takes it from there.\n"
    assert result.stdout == what
    assert len(world.cluster.patches) == 1


def test_a_wait_ends_in_time(world: World) -> None:
    world.level()

    result = world.run(*FORCE, "--for", "2h", "--timeout", "5s")

    assert result.exit_code == 1
    assert "has not taken override of inventario within 5 s" in result.stderr


def test_an_override_of_which_nothing_comes_says_so(world: World) -> None:
    """As when the operator's clock is ahead, and it has ended before it began."""
    world.level()["status"]["message"] = "openai is down."
    world.level_operator(obeys=False)

    result = world.run(*FORCE, "--for", "1m")

    assert result.exit_code == 1
    assert result.stderr == (
        "The operator has taken override of inventario, and nothing has come of it: LIMITED, "
        "openai is down.\n"
    )


def test_an_override_that_somebody_else_changes_has_given_way(world: World) -> None:
    level = world.level()
    world.level_operator()
    turn = world.clock.each

    def meddle(now: float) -> None:
        level["spec"]["override"] = OVERRIDE
        level["metadata"]["generation"] = 3
        turn(now)

    world.clock.each = meddle

    result = world.run(*FORCE, "--for", "2h")

    assert result.exit_code == 1
    assert "override of inventario has given way to what somebody has set since." in result.stderr


def test_a_release_that_the_operator_has_yet_to_see_is_waited_for(world: World) -> None:
    world.level(override=OVERRIDE)
    world.level_operator()
    world.clock.each(world.clock.now())
    assert world.run(*RELEASE, "--no-wait").exit_code == 0

    result = world.run(*RELEASE)

    assert result.exit_code == 0
    assert "inventario is released from its override" in result.stdout
