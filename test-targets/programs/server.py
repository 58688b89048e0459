# SPDX-License-Identifier: MIT
# server: an aiohttp server and its clients in one loop, stopped with requests half answered.
# needs: aiohttp
import asyncio

import planted

from aiohttp import ClientSession, web

waiting = []


async def echo(request):
    body = await request.json()
    return web.json_response({"got": body, "by": request.match_info["name"]})


async def slow(request):
    """Waits for what never comes."""
    future = asyncio.get_running_loop().create_future()
    waiting.append((request, future))
    await future


async def feed(request):
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        await socket.send_str(message.data + "!")
    return socket


async def ask(session, url, i):
    async with session.post("%s/echo/n%d" % (url, i), json={"number": i}) as answer:
        return await answer.json()


async def main():
    app = web.Application()
    app.add_routes([web.post("/echo/{name}", echo), web.get("/slow", slow), web.get("/feed", feed)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]
    url = "http://127.0.0.1:%d" % port
    async with ClientSession() as session:
        answers = await asyncio.gather(*[ask(session, url, i) for i in range(60)])
        pending = [asyncio.create_task(session.get(url + "/slow")) for _ in range(5)]
        socket = await session.ws_connect(url + "/feed")
        await socket.send_str("hello")
        assert (await socket.receive()).data == "hello!"
        while len(waiting) < 5:
            await asyncio.sleep(0.01)
        planted.stop({"pending": planted.addresses(pending), "answers": id(answers)})


asyncio.run(main())
