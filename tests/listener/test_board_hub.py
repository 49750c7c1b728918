"""The hub of the live page: nobody who looks is forgotten."""

import asyncio
import threading

from kelly_cli.listener.board_hub import Hub


class Source:
    def __init__(self):
        self.resting, self.go_on = threading.Event(), threading.Event()

    def mark(self):
        return 1

    def draw(self, name):
        return f"drawing of {name!r}"

    def rest(self):
        self.resting.set()
        self.go_on.wait(10)


def test_whoever_comes_while_the_source_goes_to_rest_is_drawn_for():
    source = Source()

    async def story():
        hub = Hub(source)
        hub.start()
        try:
            assert await asyncio.to_thread(source.resting.wait, 10)
            with hub.watching("174379") as page:
                source.go_on.set()
                assert await hub.newer(page, 0, within_s=5)
                return page.html
        finally:
            source.go_on.set()
            hub.stop()

    assert asyncio.run(story()) == "drawing of '174379'"
