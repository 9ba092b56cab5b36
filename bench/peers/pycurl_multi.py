"""pycurl's CurlMulti on epoll, with handles used again."""

import io
import select
import time

import pycurl

import peer

EVENTS = {
    pycurl.POLL_IN: select.EPOLLIN,
    pycurl.POLL_OUT: select.EPOLLOUT,
    pycurl.POLL_INOUT: select.EPOLLIN | select.EPOLLOUT,
}

multi = pycurl.CurlMulti()
epoll = select.epoll()
watched = set()
deadline = None  # of curl's timer
running = 0


def on_timer(ms):
    global deadline
    deadline = None if ms < 0 else time.monotonic() + ms / 1000


def on_socket(what, descriptor, _multi, _data):
    if what == pycurl.POLL_REMOVE:
        if descriptor in watched:
            watched.discard(descriptor)
            try:
                epoll.unregister(descriptor)
            except OSError:
                pass  # closed already
    elif descriptor in watched:
        epoll.modify(descriptor, EVENTS[what])
    else:
        watched.add(descriptor)
        epoll.register(descriptor, EVENTS[what])


multi.setopt(pycurl.M_MAXCONNECTS, peer.concurrency)
multi.setopt(pycurl.M_TIMERFUNCTION, on_timer)
multi.setopt(pycurl.M_SOCKETFUNCTION, on_socket)


def take_finished():
    left = 1
    while left:
        left, good, bad = multi.info_read()
        for easy in good:
            multi.remove_handle(easy)
            easy.finish(easy.getinfo(pycurl.RESPONSE_CODE) == 200)
        for easy, _, message in bad:
            multi.remove_handle(easy)
            peer.check(False, message)
            easy.start()


def loop():
    """Turns until nothing is under way."""
    while running:
        wait = -1 if deadline is None else max(0, deadline - time.monotonic())
        for descriptor, events in epoll.poll(wait):
            flags = (pycurl.CSELECT_IN if events & ~select.EPOLLOUT else 0) | (
                pycurl.CSELECT_OUT if events & ~select.EPOLLIN else 0
            )
            multi.socket_action(descriptor, flags)
        if deadline is not None and time.monotonic() >= deadline:
            on_timer(-1)
            multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
        take_finished()


class Worker:
    """An easy handle that takes numbers as long as there are some."""

    def __init__(self, numbers, size, begin=None, end=None):
        self.numbers, self.size, self.begin, self.end = numbers, size, begin, end
        self.easy = pycurl.Curl()
        self.easy.start, self.easy.finish = self.start, self.finish
        self.easy.setopt(pycurl.URL, peer.url)
        self.easy.setopt(pycurl.NOSIGNAL, 1)
        self.easy.setopt(pycurl.PIPEWAIT, 1 if peer.tls else 0)
        if peer.ca:
            self.easy.setopt(pycurl.CAINFO, peer.ca)
        if peer.work == "connect":
            self.easy.setopt(pycurl.FRESH_CONNECT, 1)
            self.easy.setopt(pycurl.FORBID_REUSE, 1)
        self.start(first=True)

    def start(self, first=False):
        global running
        self.number = next(self.numbers, None)
        if self.number is None:
            running -= 0 if first else 1
            return
        running += 1 if first else 0
        self.body = io.BytesIO()
        self.easy.setopt(pycurl.WRITEFUNCTION, self.body.write)
        if self.begin:
            self.begin(self)
        multi.add_handle(self.easy)

    def finish(self, fine):
        body = self.body.getvalue()
        if self.end:
            self.end(self, body)
        peer.check(fine and self.size in (None, len(body)), len(body))
        self.start()


def run_all(size=peer.SMALL, **hooks):
    numbers = iter(range(1, peer.total + 1))
    workers = [Worker(numbers, size, **hooks) for _ in range(peer.concurrency)]
    loop()
    return workers


def files():
    run_all(
        peer.PICTURE,
        begin=lambda worker: worker.easy.setopt(pycurl.URL, f"{peer.url}/{worker.number}"),
        end=lambda worker, body: peer.save(worker.number, body),
    )


def pour(take):
    size = 0

    def write(chunk):
        nonlocal size
        size += len(chunk)
        take(chunk)

    worker = Worker(
        iter([1]), None, begin=lambda worker: worker.easy.setopt(pycurl.WRITEFUNCTION, write)
    )
    loop()
    if size != peer.total:
        raise RuntimeError(f"{size} bytes")
    return worker


def to_file():
    with open(f"{peer.directory}/body", "wb") as file:
        pour(file.write)


def bursts():
    for _ in range(peer.BURSTS):
        run_all()


WORKS = {
    "get": run_all,
    "connect": run_all,
    "files": files,
    "discard": lambda: pour(lambda chunk: None),
    "read": lambda: pour(lambda chunk: None),
    "file": to_file,
    "bursts": bursts,
}
if peer.work not in WORKS:
    peer.unsupported("not that work")
peer.main(WORKS[peer.work])
