"""The work of curlew.lua with trio."""

import gc
import time

import trio


async def nothing():
    pass


async def spawn_await(count):
    for _ in range(count):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(nothing)


async def switch(count):
    async def work():
        for _ in range(count // 100):
            await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        for _ in range(100):
            nursery.start_soon(work)


async def sleep(count):
    async with trio.open_nursery() as nursery:
        for _ in range(count):
            nursery.start_soon(trio.sleep, 0.05)


async def queue(count):
    put, get = trio.open_memory_channel(1)

    async def produce():
        for i in range(count):
            await put.send(i)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(produce)
        for _ in range(count):
            await get.receive()


async def cancel(count):
    async with trio.open_nursery() as nursery:
        for _ in range(count):
            nursery.start_soon(trio.sleep, 3600)
        await trio.sleep(0)
        nursery.cancel_scope.cancel()


async def main():
    for work, count in (
        (spawn_await, 20000),
        (switch, 200000),
        (sleep, 20000),
        (queue, 50000),
        (cancel, 20000),
    ):
        gc.collect()
        before = time.process_time()
        await work(count)
        print(work.__name__, "%.3f" % ((time.process_time() - before) / count * 1e6))


trio.run(main)
