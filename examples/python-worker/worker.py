"""An AI worker for Hubbub: takes turns over a socket, streams an answer and sends it.

Replace `answer` with your model; everything else is the protocol. The worker holds no state that
matters: the hub owns the turns, and whatever this process loses is offered again.
"""

import asyncio
import logging
import os
import re
import signal
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from centrifuge import (
    CentrifugeError,
    Client,
    ClientDisconnectedError,
    ClientEventHandler,
    ClientState,
    OperationTimeoutError,
    ReplyError,
)

log = logging.getLogger("worker")

HUMAN_WORDS = {"human", "оператор"}


async def answer(turn: dict) -> AsyncGenerator[str, None]:
    """Yields the answer piece by piece. `turn["messages"]` are the customer's new messages,
    `turn["history"]` what was said before. Cancelled when the turn is withdrawn.
    Everything that is yielded reaches the customer: leave out what your model says to itself."""
    name = turn["contact"].get("name")
    said = " ".join(m["text"] for m in turn["messages"] if m.get("text")) or "something without words"
    greeting = f"Thank you, {name}!" if name else "Thank you!"
    for word in f"{greeting} You wrote: {said}".split(" "):
        yield word + " "


def wants_human(turn: dict) -> bool:
    words = re.findall(r"\w+", " ".join(m.get("text") or "" for m in turn["messages"]).lower())
    return not HUMAN_WORDS.isdisjoint(words)


@dataclass
class Work:
    lease: str
    task: asyncio.Task


class Worker(ClientEventHandler):
    def __init__(self, url: str, api_key: str, capacity: int = 8) -> None:
        self.work: dict[str, Work] = {}  # by turn id
        self.finished = asyncio.Event()
        self.draining = False
        data = {"api_key": api_key, "capacity": capacity}
        self.client = Client(url, events=self, data=data, name="python-worker", max_reconnect_delay=5.0)

    async def run(self) -> None:
        """Works until the hub refuses us for good or `drain` was called."""
        await self.client.connect()
        await self.finished.wait()

    async def drain(self) -> None:
        """Takes no new turns, finishes those at hand, disconnects. A turn that is offered meanwhile is
        left alone: its lease ends soon after we are gone, and the hub offers it to another worker."""
        self.draining = True
        try:
            await self.client.rpc("responder.capacity", {"capacity": 0})
        except CentrifugeError as error:
            log.info("offers cannot be turned off: %s", error)
        await asyncio.gather(*(work.task for work in self.work.values()), return_exceptions=True)
        await self.client.disconnect()

    async def on_connected(self, ctx) -> None:
        log.info("connected, client %s", ctx.client)

    async def on_connecting(self, ctx) -> None:
        log.info("connecting: %s", ctx.reason)

    async def on_error(self, ctx) -> None:
        log.warning("connection error: %s", ctx.error)

    async def on_disconnected(self, ctx) -> None:
        """The client reconnects by itself; this is called only when it will not."""
        log.info("disconnected: %s (%s)", ctx.reason, ctx.code)
        for work in self.work.values():
            work.task.cancel()
        self.finished.set()

    async def on_publication(self, ctx) -> None:
        """Turns come in the room of this connection, to which the hub itself subscribes it."""
        if ctx.channel.startswith("responder:"):
            self.receive(ctx.pub.data)

    def receive(self, message: dict) -> None:
        """Called inside the client's reading loop, where awaiting a call would wait for itself:
        so it only starts and stops tasks."""
        match message:
            case {"type": "turn.offered", "turn": turn} if not self.draining:
                # A newer lease of the same turn replaces the work on the older one.
                self.stop(turn["id"])
                self.work[turn["id"]] = Work(turn["lease"], asyncio.create_task(self.handle(turn)))
            case {"type": "turn.withdrawn", "turn": turn_id, "lease": lease, "reason": reason}:
                if turn_id in self.work and self.work[turn_id].lease == lease:
                    log.info("turn %s withdrawn: %s", turn_id, reason)
                    self.stop(turn_id)

    def stop(self, turn_id: str) -> None:
        if work := self.work.pop(turn_id, None):
            work.task.cancel()

    async def handle(self, turn: dict) -> None:
        keeper = asyncio.create_task(self.keep_lease(turn))
        try:
            if wants_human(turn):
                await self.settle("turn.handoff", turn, reason="the customer asks for a person")
            else:
                text = await self.compose(turn)
                await self.settle("turn.reply", turn, text=text)
        except ReplyError as error:
            # Stale lease, taken over, closed: somebody else answers, and nothing of ours was sent.
            log.info("turn %s is not ours any more: %s", turn["id"], error)
        except Exception:
            log.exception("turn %s failed", turn["id"])
            await self.give_back(turn)
        finally:
            keeper.cancel()
            work = self.work.get(turn["id"])
            if work and work.task is asyncio.current_task():
                del self.work[turn["id"]]

    async def compose(self, turn: dict) -> str:
        text = ""
        async with aclosing(answer(turn)) as pieces:
            async for piece in pieces:
                text += piece
                await self.show(turn, piece)
        return text.strip()

    async def show(self, turn: dict, piece: str) -> None:
        """Pieces are only shown live: while the connection is away, the answer goes on without them."""
        if self.client.state is not ClientState.CONNECTED:
            return
        try:
            await self.call("turn.delta", turn, text=piece)
        except (OperationTimeoutError, ClientDisconnectedError) as error:
            log.debug("piece not shown: %s", error)

    async def give_back(self, turn: dict) -> None:
        try:
            await self.settle("turn.fail", turn, reason="the worker failed")
        except CentrifugeError as error:
            log.warning("could not give turn %s back: %s", turn["id"], error)

    async def keep_lease(self, turn: dict) -> None:
        while True:
            await asyncio.sleep(turn["lease_ms"] / 3000)
            try:
                await self.call("turn.extend", turn)
            except ReplyError as error:
                log.info("lease of turn %s is over: %s", turn["id"], error)
                return
            except CentrifugeError as error:
                log.warning("lease of turn %s not extended: %s", turn["id"], error)

    async def settle(self, method: str, turn: dict, **fields) -> None:
        """A call that ends the turn, repeated until it is answered, across reconnects. Safe, because
        the hub accepts one answer for a lease and refuses every other."""
        while True:
            try:
                return await self.call(method, turn, **fields)
            except ReplyError as error:
                if not error.temporary:
                    raise
            except CentrifugeError:
                if self.client.state is ClientState.DISCONNECTED:
                    raise
            await asyncio.sleep(0.5)

    async def call(self, method: str, turn: dict, **fields) -> None:
        await self.client.rpc(method, {"turn": turn["id"], "lease": turn["lease"], **fields})


async def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    worker = Worker(
        url=os.environ.get("HUBBUB_URL", "ws://127.0.0.1:8080/connection/websocket"),
        api_key=os.environ["HUBBUB_API_KEY"],
        capacity=int(os.environ.get("HUBBUB_CAPACITY", "8")),
    )
    draining = []
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(
            number, lambda: draining.append(asyncio.create_task(worker.drain()))
        )
    await worker.run()


if __name__ == "__main__":
    asyncio.run(main())
