"""aiohttp's client, on asyncio's loop or, with BENCH_UVLOOP, on uvloop's."""

import asyncio
import os
import ssl

import aiohttp

import peer


def connector():
    if peer.tls and peer.work == "get":
        peer.unsupported("no HTTP/2")
    context = ssl.create_default_context(cafile=peer.ca) if peer.tls else None
    fresh = peer.work == "connect"
    return aiohttp.TCPConnector(limit=peer.concurrency, force_close=fresh, ssl=context)


async def get(session, url=peer.url, size=peer.SMALL):
    try:
        async with session.get(url) as response:
            body = await response.read()
        peer.check(response.status == 200 and len(body) == size, response.status)
        return body
    except aiohttp.ClientError as error:
        peer.check(False, error)


async def run_all(session, fn):
    numbers = iter(range(1, peer.total + 1))

    async def worker():
        for number in numbers:
            await fn(session, number)

    await asyncio.gather(*(worker() for _ in range(peer.concurrency)))


async def small(session, _):
    await get(session)


async def picture(session, number):
    body = await get(session, f"{peer.url}/{number}", peer.PICTURE)
    peer.save(number, body)


async def pour(session, take):
    size = 0
    async with session.get(peer.url) as response:
        async for chunk in response.content.iter_any():
            size += len(chunk)
            take(chunk)
    peer.check(response.status == 200 and size == peer.total, size)


async def to_file(session):
    with open(f"{peer.directory}/body", "wb") as file:
        await pour(session, file.write)


async def bursts(session):
    for _ in range(peer.BURSTS):
        await run_all(session, small)


WORKS = {
    "get": lambda session: run_all(session, small),
    "connect": lambda session: run_all(session, small),
    "files": lambda session: run_all(session, picture),
    "discard": lambda session: pour(session, lambda chunk: None),
    "read": lambda session: pour(session, lambda chunk: None),
    "file": to_file,
    "bursts": bursts,
}


async def main():
    async with aiohttp.ClientSession(connector=connector()) as session:
        await WORKS[peer.work](session)


def run():
    if os.environ.get("BENCH_UVLOOP"):
        import uvloop

        uvloop.install()
    asyncio.run(main())


if peer.work not in WORKS:
    peer.unsupported("not that work")
peer.main(run)
