from resilience_operator.actuators import Applied
from resilience_operator.api.v1alpha1.base import Level
from resilience_operator.api.v1alpha1.level import LevelStatus
from resilience_operator.api.v1alpha1.policy_status import PolicyStatus
from resilience_operator.controller.store import Store
from tests.builders import make_level, make_policy
from tests.unit.controller.fakes import KEY


def test_the_first_status_counts_and_later_ones_are_echoes() -> None:
    store = Store()
    old, new = PolicyStatus(level=Level.LIMITED), PolicyStatus(level=Level.OPTIMAL)
    entry = store.put_policy(make_policy().status(old).build())
    assert store.put_policy(make_policy().status(new).build()) is entry
    assert entry.policy_status.level is Level.LIMITED


def test_another_uid_is_another_policy() -> None:
    store = Store()
    first = store.put_policy(make_policy().build())
    again = make_policy().build().model_copy(update={"uid": "another"})
    assert store.put_policy(again) is not first
    assert len(store) == 1


def test_levels_are_found_by_their_policy_before_and_after_it_is_there() -> None:
    store = Store()
    assert store.put_level(make_level("checkout").build()) == KEY
    store.put_level(make_level("search").build())
    store.put_level(make_level("other", policy="other").build())
    assert [level.name for level in store.levels_of(KEY)] == ["checkout", "search"]
    assert store.drop_level(("retail", "checkout")) == KEY
    assert store.drop_level(("retail", "checkout")) is None
    assert [level.name for level in store.levels_of(KEY)] == ["search"]
    assert {key for key, _ in store.level_uids()} == {("retail", "search"), ("retail", "other")}


def test_who_wrote_a_config_map_is_found_by_the_name_that_it_is_to_have() -> None:
    store = Store()

    def put(name: str, config_map: str) -> None:
        policy = make_policy().named(name).flags(config_map_name=config_map).build()
        applied = Applied(config_map, "content", "digest", "1", None)
        store.put_policy(policy).applied = applied

    def writers(config_map: str) -> list[str]:
        found = store.writers_of(("retail", config_map))
        return sorted(entry.policy.name for entry in found)

    put("one", "shared")
    put("two", "shared")
    put("three", "own")
    assert (writers("shared"), writers("own"), writers("none")) == (["one", "two"], ["three"], [])
    put("two", "own")
    assert (writers("shared"), writers("own")) == (["one"], ["three", "two"])
    store.drop_policy(("retail", "one"))
    assert writers("shared") == []
    assert store.writers_of(("other", "own")) == []


def test_what_is_dropped_is_forgotten() -> None:
    store = Store()
    store.put_policy(make_policy().build())
    assert list(store.policy_keys()) == [KEY]
    assert store.drop_policy(KEY) is not None
    assert store.drop_policy(KEY) is None
    assert store.get(KEY) is None
    assert store.writers_of(("retail", "inventario-flags")) == []


def test_of_a_level_what_was_written_stands_in_the_place_of_its_echo() -> None:
    store = Store()
    entry = store.put_policy(make_policy().build())
    written, echo = LevelStatus(level=Level.LIMITED), LevelStatus(level=Level.OPTIMAL)
    store.put_level(make_level("checkout").status(echo).build())
    assert store.levels_of(KEY)[0].status is echo
    entry.level_statuses["checkout"] = written
    store.put_level(make_level("checkout").status(echo).build())
    assert store.levels_of(KEY)[0].status is written
