"""What the Python programs of this folder share: arguments, counting, the line that is printed."""

import os
import resource
import sys
import time

BURSTS = 25
SMALL = 1024  # bytes
PICTURE = 100000  # bytes
UNSUPPORTED = 3  # exit status

work, url, total, concurrency = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
directory = sys.argv[5] if len(sys.argv) > 5 else "."
tls = url.startswith("https:")
ca = os.environ.get("BENCH_CA")
units = {"discard": 1, "read": 1, "file": 1, "bursts": total * BURSTS}.get(work, total)
succeeded = 0


def unsupported(reason):
    """Ends the program, as it cannot do what it was asked for."""
    print("unsupported:", reason)
    sys.exit(UNSUPPORTED)


def check(fine, what=None):
    """Counts a request, whether all of it was as it has to be."""
    global succeeded
    if fine:
        succeeded += 1
    else:
        print("failure:", what, file=sys.stderr)


def path_of(number):
    """Where the file of a request goes."""
    return f"{directory}/{number}"


def save(number, body):
    with open(path_of(number), "wb") as file:
        file.write(body)


def _cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main(fn):
    """Does the work, measured, and ends the program."""
    wall, cpu = time.perf_counter(), _cpu()
    fn()
    wall, cpu = time.perf_counter() - wall, _cpu() - cpu
    print(f"wall={wall:.3f} cpu_us={cpu * 1e6 / units:.2f} failed={units - succeeded}")
    sys.exit(0 if succeeded == units else 1)
