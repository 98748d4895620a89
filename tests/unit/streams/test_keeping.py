"""For how long calls wait for a node that cannot be reached."""

import asyncio

from pygorums.streams.keeping import Keeping


class Clock(asyncio.SelectorEventLoop):
    """An event loop whose time is what a test says, and whose timers are looked at only."""

    now = 100.0

    def time(self) -> float:
        return self.now


def test_it_is_measured_from_the_break() -> None:
    over: list[bool] = []
    loop = Clock()

    async def run() -> None:
        keeping = Keeping(5.0, lambda: over.append(True))
        assert not keeping.goes_on(), "no stream of it ever broke"
        keeping.broke(loop.now)
        loop.now += 4.9
        assert keeping.goes_on()
        assert keeping.goes_on(), "a further attempt"
        loop.now += 0.2
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert over == [True], "once"
        assert not keeping.goes_on()
        keeping.broke(loop.now)
        assert keeping.goes_on(), "another break, another time"
        loop.now += 5.1
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert over == [True, True]
        keeping.broke(loop.now)
        assert keeping.goes_on()
        keeping.stop()
        loop.now += 10
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert over == [True, True], "it goes on, or is over"

    try:
        loop.run_until_complete(run())
    finally:
        loop.close()


def test_none_at_all() -> None:
    async def run() -> bool:
        keeping = Keeping(0.0, lambda: None)
        keeping.broke(asyncio.get_running_loop().time())
        return keeping.goes_on()

    assert not asyncio.run(run())
