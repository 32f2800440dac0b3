"""The worker against a scripted hub on a real socket. Run: python -m unittest"""

import asyncio
import json
import logging
import unittest

import websockets

import worker as module
from worker import Worker

logging.disable(logging.CRITICAL)


ROOM = "responder:x"
CONNECTED = {"client": "x", "ping": 25, "pong": True, "subs": {ROOM: {}, "user:y": {}}}


def turn(text: str, lease: str = "lease-1", lease_ms: int = 60_000) -> dict:
    return {"id": "turn-1", "lease": lease, "lease_ms": lease_ms, "conversation": "c", "attempt": 1,
            "contact": {"id": "p", "name": "Ari"}, "messages": [{"text": text}], "history": []}


class Hub:
    """Accepts everything; what the worker asks for comes out of `calls`."""

    def __init__(self) -> None:
        self.calls: asyncio.Queue = asyncio.Queue()
        self.connections: asyncio.Queue = asyncio.Queue()
        self.errors: dict[str, dict] = {}  # error to answer, by method

    async def serve(self, socket) -> None:
        async for frame in socket:
            for command in map(json.loads, frame.split("\n")):
                await self.command(socket, command)

    async def command(self, socket, command: dict) -> None:
        if "connect" in command:
            await socket.send(json.dumps({"id": command["id"], "connect": CONNECTED}))
            await self.connections.put((socket, command["connect"]))
        elif "rpc" in command:
            rpc = command["rpc"]
            error = self.errors.get(rpc["method"])
            if error != "silence":
                result = {"error": error} if error else {"rpc": {"data": {}}}
                await socket.send(json.dumps({"id": command["id"], **result}))
            await self.calls.put((rpc["method"], rpc["data"]))

    async def call(self, *methods: str) -> tuple[str, dict]:
        """The next call that is one of these; others before it are passed over."""
        while True:
            method, data = await asyncio.wait_for(self.calls.get(), 10)
            if method in methods:
                return method, data


async def push(socket, data: dict, room: str = ROOM) -> None:
    await socket.send(json.dumps({"push": {"channel": room, "pub": {"data": data}}}))


class WorkerTest(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        self.hub = Hub()
        self.server = await websockets.serve(self.hub.serve, "127.0.0.1", 0)
        port = self.server.sockets[0].getsockname()[1]
        self.worker = Worker(f"ws://127.0.0.1:{port}/connection/websocket", "hbk_test", capacity=3)
        self.running = asyncio.create_task(self.worker.run())
        self.socket, self.connect = await self.connected()
        self.original_answer = module.answer

    async def asyncTearDown(self) -> None:
        module.answer = self.original_answer
        await self.worker.client.disconnect()
        await asyncio.wait_for(self.running, 10)
        self.server.close()

    async def connected(self):
        return await asyncio.wait_for(self.hub.connections.get(), 10)

    async def offer(self, offered: dict) -> None:
        await push(self.socket, {"type": "turn.offered", "turn": offered})

    async def test_connects_with_key_and_capacity(self) -> None:
        self.assertEqual(self.connect["data"], {"api_key": "hbk_test", "capacity": 3})

    async def test_streams_and_replies_once(self) -> None:
        await self.offer(turn("is it blue?"))
        pieces = []
        while (call := await self.hub.call("turn.delta", "turn.reply"))[0] == "turn.delta":
            pieces.append(call[1]["text"])
        reply = call[1]
        self.assertEqual(reply["text"], "Thank you, Ari! You wrote: is it blue?")
        self.assertEqual("".join(pieces).strip(), reply["text"])
        self.assertEqual((reply["turn"], reply["lease"]), ("turn-1", "lease-1"))

    async def test_listens_to_its_own_room_only(self) -> None:
        await push(self.socket, {"type": "turn.offered", "turn": turn("not for me")}, room="user:y")
        await self.offer({**turn("for me"), "id": "turn-2"})
        _, data = await self.hub.call("turn.reply")
        self.assertEqual(data["turn"], "turn-2")

    async def test_hands_off_when_asked_for_a_person(self) -> None:
        for word in ("Human!", "Позовите: ОПЕРАТОР."):
            await self.offer(turn(word))
            method, data = await self.hub.call("turn.handoff", "turn.reply")
            self.assertEqual(method, "turn.handoff")
            self.assertTrue(data["reason"])

    async def test_withdrawal_cancels_only_its_lease(self) -> None:
        cancelled, started = asyncio.Event(), asyncio.Event()

        async def endless(_):
            started.set()
            try:
                await asyncio.Event().wait()
                yield ""
            finally:
                cancelled.set()

        module.answer = endless
        await self.offer(turn("hello", lease="lease-2"))
        await asyncio.wait_for(started.wait(), 10)
        withdrawn = {"type": "turn.withdrawn", "turn": "turn-1", "reason": "superseded"}
        module.answer = self.original_answer
        await push(self.socket, {**withdrawn, "lease": "lease-1"})
        await self.offer({**turn("other"), "id": "turn-2"})
        await self.hub.call("turn.reply")
        self.assertFalse(cancelled.is_set(), "an old lease ends nothing")
        await push(self.socket, {**withdrawn, "lease": "lease-2"})
        await asyncio.wait_for(cancelled.wait(), 10)
        self.assertNotIn("turn-1", self.worker.work)

    async def test_reply_survives_a_cut(self) -> None:
        self.hub.errors["turn.reply"] = "silence"
        await self.offer(turn("hello"))
        _, first = await self.hub.call("turn.reply")
        self.hub.errors.clear()
        await self.socket.close(1011)
        self.socket, connect = await self.connected()
        self.assertEqual(connect["data"]["capacity"], 3)
        _, second = await self.hub.call("turn.reply")
        self.assertEqual(first, second, "the repeated reply is the same, lease included")

    async def test_refused_reply_is_dropped_and_work_goes_on(self) -> None:
        self.hub.errors["turn.reply"] = {"code": 410, "message": "turn is over"}
        await self.offer(turn("hello"))
        await self.hub.call("turn.reply")
        self.hub.errors.clear()
        await self.offer({**turn("again"), "id": "turn-2"})
        _, data = await self.hub.call("turn.reply", "turn.fail")
        self.assertEqual(data["turn"], "turn-2")

    async def test_failing_answer_gives_the_turn_back(self) -> None:
        async def broken(_):
            yield "Well, "
            raise ValueError("model is down")

        module.answer = broken
        await self.offer(turn("hello"))
        method, _ = await self.hub.call("turn.fail", "turn.reply")
        self.assertEqual(method, "turn.fail")

    async def test_lease_is_extended_while_working(self) -> None:
        async def slow(_):
            await asyncio.Event().wait()
            yield ""

        module.answer = slow
        await self.offer(turn("hello", lease_ms=30))
        await self.hub.call("turn.extend")

    async def test_drain_refuses_new_turns_and_finishes_the_open_one(self) -> None:
        for answer_to_capacity in (None, {"code": 400, "message": "between 1 and 1000"}):
            with self.subTest(answer_to_capacity):
                await self.drains(answer_to_capacity)
                await self.asyncTearDown()
                await self.asyncSetUp()

    async def drains(self, answer_to_capacity: dict | None) -> None:
        go = asyncio.Event()

        async def waiting(_):
            await go.wait()
            yield "Done."

        module.answer = waiting
        if answer_to_capacity:
            self.hub.errors["responder.capacity"] = answer_to_capacity
        await self.offer(turn("hello"))
        while not self.worker.work:
            await asyncio.sleep(0)
        draining = asyncio.create_task(self.worker.drain())
        _, data = await self.hub.call("responder.capacity")
        self.assertEqual(data, {"capacity": 0})
        await self.offer({**turn("too late"), "id": "turn-2"})
        go.set()
        _, data = await self.hub.call("turn.reply")
        self.assertEqual(data["turn"], "turn-1")
        await asyncio.wait_for(draining, 10)
        self.assertTrue(self.hub.calls.empty(), "the late turn is left alone")


if __name__ == "__main__":
    unittest.main()
