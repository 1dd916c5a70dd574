"""Serve the console of one hive, in all places at once.

Each client has a task of its own; there are few of them, and each line ends with a checkpoint, so that
neither workers nor other doors wait for more than one line of every client.
"""

import logging
from collections.abc import Iterator, Sequence

import trio

from ninedoor.doors.console.bytestream import ByteStream, Cut, Gone
from ninedoor.doors.console.codecs import Typed
from ninedoor.doors.console.conversation import Conversation
from ninedoor.doors.console.counters import Counters
from ninedoor.doors.console.dialogue import QUIT, Dialogue, House
from ninedoor.doors.console.facts import Facts, Listening
from ninedoor.doors.console.guard import Guard
from ninedoor.doors.console.places import LinePlace, Place, SocketPlace, refuse_sample_secrets
from ninedoor.doors.console.reception import Reception
from ninedoor.doors.console.visitor import Visitor
from ninedoor.doors.stream.bound import ListenError
from ninedoor.doors.stream.drops import Drops
from ninedoor.runtime.app import App

_log = logging.getLogger(__name__)

TALLY_S = 0.5
"""Seconds after which suppressed log lines are accounted for."""

PAUSE_S = 0.25
"""Seconds between a dialogue that was cut and the next one on the same line: nothing that goes wrong there is
tried more often."""


class Door:
    """The console of one hive in every one of `places`. It owns them from now on. Raises ListenError, with
    all of them closed, when one of them is where this hive must not be served."""

    def __init__(self, app: App, places: Sequence[Place]) -> None:
        self._places = tuple(places)
        self.counters = Counters()
        self._drops = Drops()
        facts = Facts(app, self.counters, self._looked_at)
        self._house = House(app, Guard(app.hive.refusals, self.counters), facts)
        try:
            refuse_sample_secrets(app.config, places)
        except ListenError:
            self._close()
            raise

    async def serve(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled; then end every session and let go of every place. Can be called once."""
        try:
            async with trio.open_nursery() as nursery:
                for place in self._places:
                    if isinstance(place, SocketPlace):
                        reception = Reception(place, self._house, self.counters, self._drops, nursery)
                        nursery.start_soon(reception.run)
                    else:
                        nursery.start_soon(self._serve_line, place)
                    _log.info("console on %s", place.url)
                nursery.start_soon(self._keep_tally)
                task_status.started()
        finally:
            self._close()

    async def _serve_line(self, place: LinePlace) -> None:
        """One dialogue after the other: who leaves a terminal, or is cut, leaves it to the next one."""
        visitor = Visitor(place.url, place.url, trusted=True)
        self.counters.clients += 1
        try:
            while True:
                self.counters.accepted += 1
                why = await self._talk(place, visitor)
                if why != QUIT:
                    self._drop(visitor, why)
                    await trio.sleep(PAUSE_S)
        except Gone as gone:
            self._drop(visitor, f"no longer served: {gone.why or 'hung up'}")
        finally:
            self.counters.clients -= 1
            place.close()

    async def _talk(self, place: LinePlace, visitor: Visitor) -> str:
        dialogue = Dialogue(self._house, visitor)
        conversation = Conversation(
            ByteStream(place.terminal.descriptor),
            Typed(echo=True),
            dialogue,
            place.console,
            self.counters,
            self._house.app.clock,
            fixed=True,
        )
        try:
            return await conversation.run()
        except Gone:
            raise
        except Cut as cut:
            place.terminal.discard()
            return cut.why
        except Exception:
            _log.exception("bug in a console's conversation")
            return "a bug, see above"
        finally:
            dialogue.close()

    async def _keep_tally(self) -> None:
        while True:
            await trio.sleep(TALLY_S)
            self._drops.tally(trio.current_time())

    def _drop(self, visitor: Visitor, why: str) -> None:
        self.counters.dropped += 1
        self._drops.drop(f"console {visitor.label}", why, trio.current_time())

    def _looked_at(self) -> Iterator[Listening]:
        return (place.looked_at() for place in self._places)

    def _close(self) -> None:
        for place in self._places:
            place.close()
