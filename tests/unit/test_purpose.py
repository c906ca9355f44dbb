"""What a write is for goes along with the task, and no further."""

import asyncio

from resilience_operator.purpose import Errand, Purpose, errand, present

KEY = ("retail", "inventario")


def test_an_inner_errand_keeps_what_it_does_not_change() -> None:
    with errand(Purpose.UNSAID, KEY, "0123"):
        with errand(Purpose.FLAGS):
            assert present() == Errand(Purpose.FLAGS, KEY, "0123")
        with errand(Purpose.EVENT, decision_id="4567"):
            assert present() == Errand(Purpose.EVENT, KEY, "4567")
        assert present() == Errand(Purpose.UNSAID, KEY, "0123")
    assert present() == Errand()


def test_a_failure_ends_it_too() -> None:
    try:
        with errand(Purpose.FLAGS, KEY):
            raise ValueError
    except ValueError:
        assert present() == Errand()


async def test_tasks_have_the_errand_in_which_they_began() -> None:
    async def look() -> Errand:
        await asyncio.sleep(0)
        return present()

    with errand(Purpose.PODS, KEY):
        inside = asyncio.create_task(look())
    outside = asyncio.create_task(look())
    assert (await inside, await outside) == (Errand(Purpose.PODS, KEY), Errand())
