"""The stock Python client against the engine with everything allowed, in JSON and in Protobuf.
Run: python -m unittest open_test; OPEN_HUB names the program if it is not in the usual place."""

import asyncio
import base64
import hashlib
import hmac
import json
import logging
import os
import pathlib
import re
import time
import unittest

from centrifuge import Client, ClientEventHandler, DeltaType, StreamPosition, SubscriptionEventHandler, SubscriptionState
from centrifuge.exceptions import ReplyError

logging.disable(logging.CRITICAL)

PROGRAM = os.environ.get("OPEN_HUB") or pathlib.Path(__file__).parents[2] / "target/debug/examples/open"
PATIENCE = 20


def token(**claims) -> str:
    """Signed with the secret of the open hub."""
    part = lambda raw: base64.urlsafe_b64encode(raw).rstrip(b"=")
    text = b".".join(part(json.dumps(one).encode()) for one in ({"typ": "JWT", "alg": "HS256"}, claims))
    return (text + b"." + part(hmac.new(b"secret", text, hashlib.sha256).digest())).decode()


class Network:
    """What is between a client and the hub, and can be cut."""

    def __init__(self, port: int) -> None:
        self.far, self.down, self.pipes = port, False, set()

    async def start(self) -> int:
        self.server = await asyncio.start_server(self.carry, "127.0.0.1", 0)
        return self.server.sockets[0].getsockname()[1]

    async def carry(self, reader, writer) -> None:
        if self.down:
            return writer.close()
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.far)
        ends = {writer, far_writer}
        self.pipes |= ends

        async def pipe(source, sink) -> None:
            try:
                while piece := await source.read(4096):
                    sink.write(piece)
                    await sink.drain()
            except OSError:
                pass
            for end in ends:
                end.close()

        await asyncio.gather(pipe(reader, far_writer), pipe(far_reader, writer))
        self.pipes -= ends

    def cut(self) -> None:
        self.down = True
        for end in self.pipes:
            end.transport.abort()

    def mend(self) -> None:
        self.down = False

    def stop(self) -> None:
        self.cut()
        self.server.close()


class Seen:
    """What happened, in order, and a way to wait for what is still to come."""

    def __init__(self) -> None:
        self.all: list = []
        self.news = asyncio.Condition()

    async def add(self, one) -> None:
        async with self.news:
            self.all.append(one)
            self.news.notify_all()

    async def until(self, fits):
        async with self.news:
            await asyncio.wait_for(self.news.wait_for(lambda: any(map(fits, self.all))), PATIENCE)
        return next(filter(fits, self.all))


class Watch(ClientEventHandler):
    """Notes each event of a client as a pair of its name and what came with it."""

    def __init__(self) -> None:
        self.seen = Seen()

    async def on_connecting(self, ctx) -> None:
        await self.seen.add(("connecting", ctx))

    async def on_disconnected(self, ctx) -> None:
        await self.seen.add(("disconnected", ctx))

    async def on_subscribed(self, ctx) -> None:
        await self.seen.add(("subscribed", ctx))

    async def on_publication(self, ctx) -> None:
        await self.seen.add(("publication", ctx))


class SubWatch(SubscriptionEventHandler):
    """The same of a subscription."""

    def __init__(self) -> None:
        self.seen = Seen()

    async def on_subscribed(self, ctx) -> None:
        await self.seen.add(("subscribed", ctx))

    async def on_publication(self, ctx) -> None:
        await self.seen.add(("publication", ctx))


class Cases:
    """Once for each form."""

    protobuf: bool

    async def asyncSetUp(self) -> None:
        pipe = asyncio.subprocess.PIPE
        self.hub = await asyncio.create_subprocess_exec(str(PROGRAM), "0", stdout=pipe)
        self.addAsyncCleanup(self.end)
        line = await asyncio.wait_for(self.hub.stdout.readline(), PATIENCE)
        self.port = int(re.fullmatch(r"listening on \S+:(\d+)\n", line.decode())[1])

    async def end(self) -> None:
        self.hub.kill()
        await self.hub.wait()

    async def client(self, port: int = 0, **options) -> Client:
        address = f"ws://127.0.0.1:{port or self.port}/connection/websocket"
        client = Client(address, use_protobuf=self.protobuf, max_reconnect_delay=0.5, **options)
        self.addAsyncCleanup(client.disconnect)
        await client.connect()
        await client.ready(PATIENCE)
        return client

    def data(self, value):
        """In Protobuf the client hands over bytes as they are."""
        return json.dumps(value).encode() if self.protobuf else value

    def read(self, data):
        return json.loads(data) if self.protobuf else data

    async def test_with_a_token_a_user_is_known_and_without_one_anonymous(self) -> None:
        signed = await self.client(token=token(sub="42", info={"name": "Ann"}))
        nobody = await self.client()
        for client in (signed, nobody):
            await client.new_subscription("room").subscribe()
            await client.get_subscription("room").ready(PATIENCE)
        clients = (await nobody.presence("room")).clients
        self.assertEqual(sorted(one.user for one in clients.values()), ["", "42"])
        infos = [self.read(one.conn_info) for one in clients.values() if one.user == "42"]
        self.assertEqual(infos, [{"name": "Ann"}])

    async def test_what_is_published_arrives_and_is_kept(self) -> None:
        client = await self.client()
        watch = SubWatch()
        sub = client.new_subscription("room", events=watch)
        await sub.subscribe()
        for n in range(1, 6):
            await sub.publish(self.data({"n": n}))
        await watch.seen.until(lambda one: one[0] == "publication" and one[1].pub.offset == 5)
        pubs = [ctx.pub for name, ctx in watch.seen.all if name == "publication"]
        self.assertEqual([(pub.offset, self.read(pub.data)["n"]) for pub in pubs], [(n, n) for n in range(1, 6)])

        whole = await sub.history(limit=-1)
        self.assertEqual([self.read(pub.data)["n"] for pub in whole.publications], [1, 2, 3, 4, 5])
        self.assertEqual(whole.offset, 5)
        page = await sub.history(limit=2, since=StreamPosition(offset=2, epoch=whole.epoch))
        self.assertEqual([pub.offset for pub in page.publications], [3, 4])
        newest = await sub.history(limit=2, reverse=True)
        self.assertEqual([pub.offset for pub in newest.publications], [5, 4])
        place = await sub.history()
        self.assertEqual((place.offset, place.publications), (5, []))

    async def test_presence_counts_clients_and_users_and_ends_with_unsubscribing(self) -> None:
        one, two = await self.client(token=token(sub="42")), await self.client(token=token(sub="42"))
        subs = [client.new_subscription("room") for client in (one, two)]
        for sub in subs:
            await sub.subscribe()
            await sub.ready(PATIENCE)
        stats = await one.presence_stats("room")
        self.assertEqual((stats.num_clients, stats.num_users), (2, 1))
        await subs[1].unsubscribe()
        self.assertEqual(subs[1].state, SubscriptionState.UNSUBSCRIBED)
        # The client does not wait for the answer, so the command after it is what proves it.
        self.assertEqual((await two.presence_stats("room")).num_clients, 1)
        await subs[0].unsubscribe()
        stats = await one.presence_stats("room")
        self.assertEqual((stats.num_clients, stats.num_users), (0, 0))
        self.assertEqual((await one.presence("room")).clients, {})

    async def test_what_was_missed_in_a_cut_is_recovered_once_and_in_order(self) -> None:
        network = Network(self.port)
        self.addCleanup(network.stop)
        events, watch = Watch(), SubWatch()
        client = await self.client(await network.start(), events=events)
        other = await self.client()
        sub = client.new_subscription("room", events=watch)
        await sub.subscribe()
        await sub.ready(PATIENCE)
        await other.publish("room", self.data(1))
        await watch.seen.until(lambda one: one[0] == "publication")

        before = len(events.seen.all)
        network.cut()
        await events.seen.until(lambda one: one[0] == "connecting" and one in events.seen.all[before:])
        for n in (2, 3, 4):
            await other.publish("room", self.data(n))
        network.mend()
        back = (await watch.seen.until(lambda one: one[0] == "subscribed" and one[1].was_recovering))[1]
        self.assertTrue(back.recovered)
        await other.publish("room", self.data(5))
        await watch.seen.until(lambda one: one[0] == "publication" and one[1].pub.offset == 5)
        pubs = [ctx.pub for name, ctx in watch.seen.all if name == "publication"]
        self.assertEqual([(pub.offset, self.read(pub.data)) for pub in pubs], [(n, n) for n in range(1, 6)])

    async def test_deltas_are_put_together_again(self) -> None:
        def state(n: int) -> dict:
            return {"n": n, "text": "hardly anything of this changes, only the number at the end: \u044e", "last": n}

        client, other = await self.client(), await self.client()
        watch = SubWatch()
        sub = client.new_subscription("room", events=watch, delta=DeltaType.FOSSIL)
        await sub.subscribe()
        await sub.ready(PATIENCE)
        for n in range(1, 5):
            await other.publish("room", self.data(state(n)))
        await watch.seen.until(lambda one: one[0] == "publication" and one[1].pub.offset == 4)
        pubs = [ctx.pub for name, ctx in watch.seen.all if name == "publication"]
        self.assertEqual([(pub.offset, self.read(pub.data)) for pub in pubs], [(n, state(n)) for n in range(1, 5)])
        self.assertEqual([pub.delta for pub in pubs], [False, True, True, True])

    async def test_a_room_of_the_user_is_there_without_asking(self) -> None:
        events = Watch()
        await self.client(token=token(sub="42"), events=events)
        ctx = (await events.seen.until(lambda one: one[0] == "subscribed"))[1]
        self.assertEqual((ctx.channel, ctx.recoverable), ("#42", True))
        other = await self.client()
        await other.publish("#42", self.data("for you"))
        ctx = (await events.seen.until(lambda one: one[0] == "publication"))[1]
        self.assertEqual((ctx.channel, self.read(ctx.pub.data)), ("#42", "for you"))

    async def test_calls_and_bad_tokens_are_refused_by_their_codes(self) -> None:
        client = await self.client()
        with self.assertRaises(ReplyError) as refused:
            await client.rpc("no.such", self.data({}))
        self.assertEqual(refused.exception.code, 108)

        events = Watch()
        with self.assertRaises(Exception):
            await self.client(token="not.a.token", events=events)
        ctx = (await events.seen.until(lambda one: one[0] == "disconnected"))[1]
        self.assertEqual(ctx.code, 3500)

    async def test_a_token_is_refreshed_without_a_new_connection(self) -> None:
        events, given = Watch(), Seen()

        async def short() -> str:
            await given.add(time.time())
            return token(sub="42", exp=int(time.time()) + 2)

        client = await self.client(get_token=short, events=events)
        # The third is asked for only because the second was taken.
        await given.until(lambda _: len(given.all) >= 3)
        self.assertEqual((await client.presence_stats("#42")).num_clients, 1)
        names = [name for name, _ in events.seen.all]
        self.assertEqual((names.count("connecting"), names.count("disconnected")), (1, 0))


class Json(Cases, unittest.IsolatedAsyncioTestCase):
    protobuf = False


class Protobuf(Cases, unittest.IsolatedAsyncioTestCase):
    protobuf = True


if __name__ == "__main__":
    unittest.main()
