"""The work of curlew.lua with asyncio."""

import asyncio
import gc
import time


async def nothing():
    pass


async def spawn_await(count):
    for _ in range(count):
        await asyncio.create_task(nothing())


async def switch(count):
    async def work():
        for _ in range(count // 100):
            await asyncio.sleep(0)

    await asyncio.gather(*(work() for _ in range(100)))


async def sleep(count):
    await asyncio.gather(*(asyncio.sleep(0.05) for _ in range(count)))


async def queue(count):
    items = asyncio.Queue(1)

    async def produce():
        for i in range(count):
            await items.put(i)

    producer = asyncio.create_task(produce())
    for _ in range(count):
        await items.get()
    await producer


async def cancel(count):
    tasks = [asyncio.create_task(asyncio.sleep(3600)) for _ in range(count)]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def main():
    for work, count in (
        (spawn_await, 100000),
        (switch, 1000000),
        (sleep, 50000),
        (queue, 100000),
        (cancel, 50000),
    ):
        gc.collect()
        before = time.process_time()
        await work(count)
        print(work.__name__, "%.3f" % ((time.process_time() - before) / count * 1e6))


asyncio.run(main())
