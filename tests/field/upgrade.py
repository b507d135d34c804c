#!/usr/bin/env python3
"""A new program over a day in progress: `tests/field/upgrade.py OLD NEW`.

OLD opens a day: cards, cash, a void, a refund; then the acquirer goes away, sales are taken offline, one card is under way without an answer, and OLD is
killed. NEW is started in its place: every payment and every fen is where it was. The acquirer comes back, what waited is forwarded, the day is closed,
settled and verified, every row of the statement matches. At last OLD is put back by mistake: it must refuse the newer store in plain words, and change
nothing.
"""
import contextlib
import hashlib
import os
import shutil
import signal
import sqlite3
import sys
import tempfile

from store import Store


def story(store, old, new):
    for who, name, role in (("1001", "小王", "cashier"), ("1002", "小李", "cashier"), ("9001", "周店长", "manager")):
        store.must(old, "cashier", "add", who, "--name", name, "--role", role, "--pin-stdin", stdin="246810\n")
    store.start(old)
    store.open_acquirer()
    for n in range(20):
        device = ("POS1", "POS2")[n % 2]
        assert store.pay(f"card-{n}", device, "card", 1000 + n)["state"] == "approved"
        assert store.pay(f"cash-{n}", device, "cash", 500 + n)["state"] == "approved"
    sold = store.payments()
    assert store.pay("void-0", "POS1", "card", 1000, kind="void", original=sold["card-0"]["id"])["state"] == "approved"
    assert store.pay("back-1", "POS2", "cash", 100, kind="refund", original=sold["cash-1"]["id"], confirm_amount=100)["state"] == "approved"

    # The acquirer falls silent with a card under way; then its line is gone, and sales are taken offline.
    store.acquirer.send_signal(signal.SIGSTOP)
    lost = store.pay("lost", "POS2", "card", 7700)
    assert lost["state"] in ("unknown", "reversed"), lost
    store.acquirer.kill()
    store.acquirer.wait()
    store.acquirer = None
    store.until("every line is down", lambda: all(t["line"] == "down" for t in store.till("/healthz")["terminals"]))
    for n in range(10):
        stored = store.pay(f"stored-{n}", "POS1", "card", 2000 + n)
        assert stored["state"] == "stored", stored
    before, day_before = store.payments(), store.till("/v1/day")
    store.daemon.kill()
    store.daemon.wait()
    print(f"{len(before)} payments by the old program, {day_before['offline']['waiting']} of them waiting, net {day_before['net']}; killed")

    store.start(new)
    after, day_after = store.payments(), store.till("/v1/day")
    assert before.keys() == after.keys()
    for request, payment in before.items():
        for field in ("id", "kind", "state", "amount", "device", "cashier", "method", "business_date", "batch", "stan", "masked_pan"):
            assert payment[field] == after[request][field], (request, field, payment[field], after[request][field])
    for table in ("by_cashier", "by_device", "by_method", "offline", "net", "business_date"):
        assert day_before[table] == day_after[table], (table, day_before[table], day_after[table])
    # A request that was answered by the old program is the same payment for the new one.
    assert store.pay("card-3", "POS2", "card", 1003)["id"] == before["card-3"]["id"]
    store.open_acquirer()
    assert store.pay("new-1", "POS1", "card", 3300)["state"] == "approved"
    store.until("what waited is forwarded", lambda: store.till("/v1/day")["offline"]["waiting"] == 0)
    done = store.payments()
    assert all(done[f"stored-{n}"]["state"] == "forwarded" for n in range(10))
    assert done["lost"]["state"] == "reversed", done["lost"]
    day = store.till("/v1/day/close", {"by": "9001", "wait": 60})
    assert day["cross_foot"] and {s["result"] for s in day["settlement"]} == {"balanced"}, day["settlement"]
    judgement = store.close_acquirer()
    assert not judgement["findings"] and judgement["duplicates"] == 0, judgement
    print("verify, while it runs:", store.must(new, "verify"))
    print("reconcile:", store.must(new, "reconcile", store.path("statement.csv")).splitlines()[0])
    store.daemon.terminate()
    assert store.daemon.wait(timeout=30) == 0
    print("verify:", store.must(new, "verify"))
    assert len(done) == len(before) + 1


def put_back(store, old, new):
    """The old program over the newer store."""
    held = {name: digest(store.path(f"data/{name}")) for name in os.listdir(store.path("data")) if name.endswith(".sqlite")}
    assert held, os.listdir(store.path("data"))
    for words in (("run",), ("status",), ("verify",)):
        code, said = store.run(old, *words)
        assert code not in (0, 1, 70, 101) and code > 0, (words, code, said)
        assert "newer" in said and "panicked" not in said and len(said) < 400, (words, said)
        print(f"the old program's {words[0]}: exit {code}: {said}")
    assert held == {name: digest(store.path(f"data/{name}")) for name in held}, "the old program wrote into the newer store"
    store.must(new, "verify")


def digest(path):
    """Of what the database says: whoever opens it last may move it from the write-ahead log into the file."""
    dump = hashlib.sha256()
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        for line in database.iterdump():
            dump.update(line.encode())
        dump.update(repr(database.execute("PRAGMA user_version").fetchone()).encode())
    return dump.hexdigest()


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: tests/field/upgrade.py OLD NEW")
    old, new = (os.path.abspath(p) for p in sys.argv[1:])
    folder = tempfile.mkdtemp()
    store = Store(folder, new)
    try:
        story(store, old, new)
        put_back(store, old, new)
    finally:
        store.end()
        shutil.rmtree(folder)
    print("upgrade: nothing lost")


main()
