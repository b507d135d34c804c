#!/usr/bin/env python3
"""How many terminals a gateway serves: `tests/field/gateway.py PROGRAM [SECONDS [TERMINALS ...]]`. A table for docs/sizing.md.

Each terminal is a client that pays as fast as it gets answers: three cards of four payments, one in cash. The acquirer answers after 5 ms. Processor time and
memory and what is written are the daemon's alone, from /proc; what is kept is the database's growth. Judges nothing but that no payment was refused or lost.
"""
import os
import shutil
import sqlite3
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
        empty = held(store)
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

        spent, wrote = cpu(pid), written(pid)
        threads = [threading.Thread(target=till, args=(device,)) for device in store.terminals]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        spent, wrote, busy = cpu(pid) - spent, written(pid) - wrote, memory(pid)
        assert not wrong, wrong[:1]
        assert len(store.payments()) == len(times)
        times.sort()
        return {
            "terminals": terminals, "payments a second": round(len(times) / seconds, 1), "median ms": round(times[len(times) // 2] * 1000),
            "p99 ms": round(times[len(times) * 99 // 100] * 1000), "processor ms a payment": round(spent * 1000 / len(times), 2),
            "idle MB": round(idle / 1024, 1), "busy MB": round(busy / 1024, 1), "KB written a payment": round(wrote / 1024 / len(times)), "KB kept a payment": round((held(store) - empty) / 1024 / len(times), 1),
        }
    finally:
        store.end()
        shutil.rmtree(folder)


def written(pid):
    with open(f"/proc/{pid}/io") as file:
        return int(next(line for line in file if line.startswith("write_bytes")).split()[1])


def held(store):
    """The database's bytes with its WAL folded into it, looked at in a copy."""
    with tempfile.TemporaryDirectory() as copy:
        for name in ("tilld.sqlite", "tilld.sqlite-wal"):
            shutil.copy(store.path(f"data/{name}"), copy)
        database = sqlite3.connect(os.path.join(copy, "tilld.sqlite"))
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.close()
        return os.path.getsize(os.path.join(copy, "tilld.sqlite"))


def main():
    program = os.path.abspath(sys.argv[1])
    seconds = int(sys.argv[2]) if len(sys.argv) > 2 else 10
    rows = [measure(program, int(n), seconds) for n in sys.argv[3:] or (1, 8, 32, 64)]
    print("| " + " | ".join(rows[0]) + " |")
    print("|" + "---|" * len(rows[0]))
    for row in rows:
        print("| " + " | ".join(str(value) for value in row.values()) + " |")


main()
