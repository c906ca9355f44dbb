"""`level override|freeze|release`: what is written, and what the person is told."""

from tests.unit.cli.world import World

OVERRIDE = {
    "level": "MINIMAL",
    "reason": "before",
    "requestedBy": "luis",
    "expiresAt": "2026-11-24T13:00:00Z",
}
FREEZE = {"reason": "migration", "expiresAt": "2026-11-24T12:15:00Z"}
FORCE = ("level", "override", "inventario", "--level", "limited", "--reason", " game day ")


def test_an_override_has_a_level_a_reason_a_name_and_an_end(world: World) -> None:
    world.level()

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

    result = world.run(*FORCE, "--for", "30m", "--requested-by", "eva")

    assert "It replaces MINIMAL, forced by luis." in result.output
    assert world.cluster.patches[0][2]["spec"]["override"]["requestedBy"] == "eva"


def test_who_forced_it_before_cannot_steer_the_terminal(world: World) -> None:
    world.level(override={**OVERRIDE, "requestedBy": "eva\x1b[2J\nroot"})

    output = world.run(*FORCE, "--for", "30m").output

    assert "forced by eva [2J root." in output
    assert "\x1b" not in output


def test_a_freeze_keeps_the_level(world: World) -> None:
    world.level(override=OVERRIDE)

    result = world.run("level", "freeze", "inventario", "--for", "15m", "--reason", "migration")

    assert result.output == (
        "inventario is frozen at LIMITED for 15m, until 2026-11-24T12:15:00Z. "
        "Its override comes first for as long as it lasts.\n"
    )
    assert world.cluster.patches[0][2] == {"spec": {"freeze": FREEZE}}


def test_a_freeze_of_what_has_no_level_yet_says_so(world: World) -> None:
    world.level()["status"] = {}

    result = world.run("level", "freeze", "inventario", "--for", "15m", "--reason", "migration")

    assert "is frozen, as soon as it has a level" in result.output


def test_a_release_takes_both_off(world: World) -> None:
    world.level(override=OVERRIDE, freeze=FREEZE)

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
