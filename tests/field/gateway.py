#!/usr/bin/env python3
"""How many terminals a gateway serves: `tests/field/gateway.py PROGRAM [SECONDS [TERMINALS ...]]`. A table for docs/sizing.md.

Each terminal is a client that pays as fast as it gets answers: three cards of four payments, one in cash. The acquirer answers after 5 ms. Processor time and
memory are the daemon's alone, from /proc; bytes are what the data folder holds after it, a payment. Judges nothing but that no payment was refused or lost.
"""
import os
import shutil
import sys
import tempfile
import threading
import time

from store import Store

LATENCY = "latency_ms = 5\n"


def cpu(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid):
    with open(f"/proc/{pid}/status") as file:
        return int(next(line for line in file if line.startswith("VmRSS")).split()[1])


def measure(program, terminals, seconds):
    folder = tempfile.mkdtemp()
    store = Store(folder, program, terminals)
    store.write("scenario.toml", LATENCY)
    try:
        for who, name in (("1001", "A"), ("1002", "B")):
            store.must(program, "cashier", "add", who, "--name", name, "--role", "cashier", "--pin-stdin", stdin="246810\n")
        store.start(program)
        store.open_acquirer("--scenario", store.path("scenario.toml"))
        pid, idle = store.daemon.pid, memory(store.daemon.pid)
        times, wrong, end = [], [], time.monotonic() + seconds

        def till(device):
            n = 0
            while time.monotonic() < end:
                began = time.monotonic()
                # Drawers are not shared: cash belongs to the cashier who holds the first.
                method = "cash" if n % 4 == 3 and device == "POS1" else "card"
                paid = store.pay(f"{device}-{n}", device, method, 1000 + n)
                times.append(time.monotonic() - began)
                if paid["state"] != "approved":
                    wrong.append(paid)
                n += 1

        spent = cpu(pid)
        threads = [threading.Thread(target=till, args=(device,)) for device in store.terminals]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        spent, busy = cpu(pid) - spent, memory(pid)
        assert not wrong, wrong[:1]
        assert len(store.payments()) == len(times)
        times.sort()
        return {
            "terminals": terminals, "payments a second": round(len(times) / seconds, 1), "median ms": round(times[len(times) // 2] * 1000),
            "p99 ms": round(times[len(times) * 99 // 100] * 1000), "processor ms a payment": round(spent * 1000 / len(times), 2),
            "idle MB": round(idle / 1024, 1), "busy MB": round(busy / 1024, 1), "bytes a payment": round(grown(store) / len(times)),
        }
    finally:
        store.end()
        shutil.rmtree(folder)


def grown(store):
    """The database, once the daemon has stopped and the WAL is folded into it."""
    store.daemon.terminate()
    store.daemon.wait()
    return sum(os.path.getsize(store.path(f"data/{name}")) for name in os.listdir(store.path("data")))


def main():
    program = os.path.abspath(sys.argv[1])
    seconds = int(sys.argv[2]) if len(sys.argv) > 2 else 10
    rows = [measure(program, int(n), seconds) for n in sys.argv[3:] or (1, 8, 32, 64)]
    print("| " + " | ".join(rows[0]) + " |")
    print("|" + "---|" * len(rows[0]))
    for row in rows:
        print("| " + " | ".join(str(value) for value in row.values()) + " |")


main()
