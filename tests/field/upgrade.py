#!/usr/bin/env python3
"""A new program over a day in progress: `tests/field/upgrade.py OLD NEW`.

OLD opens a day: cards, cash, a void, a refund; then the acquirer goes away, sales are taken offline, one card is under way without an answer, and OLD is
killed. NEW is started in its place: every payment and every fen is where it was. The acquirer comes back, what waited is forwarded, the day is closed,
settled and verified, every row of the statement matches. At last OLD is put back by mistake: it must refuse the newer store in plain words, and change
nothing.
"""
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

KEY = "0123456789ABCDEFFEDCBA9876543210"
TRACK2 = "6222021234567890128=49121010000000000"
MID = "123456789012345"
TERMINALS = {"POS1": "12345678", "POS2": "12345679"}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Store:
    """A folder with a configuration and keys, an acquirer, and a daemon of either program."""

    def __init__(self, folder, acquirer_program):
        self.dir, self.acquirer_program = folder, acquirer_program
        self.port, self.acquirer_port = free_port(), free_port()
        self.daemon = self.acquirer = None
        os.umask(0o077)
        terminals = ""
        for name, tid in TERMINALS.items():
            self.write(f"{name}.tmk", KEY)
            terminals += f'[[terminal]]\nid = "{name}"\ntid = "{tid}"\nmid = "{MID}"\nmaster_key_file = "{name}.tmk"\nserial_number = "0000{tid}"\n'
        self.write("tilld.toml", f"""[store]
id = "S001"
name = "望京店"
timezone = "Asia/Shanghai"
currency = "CNY"
day_cut = "manual"
[data]
dir = "data"
mark_file = "tilld.mark"
[api]
socket = "tilld.sock"
listen = "127.0.0.1:{self.port}"
token_file = "token"
[acquirer]
profile = "unionpay-pos"
endpoint = "tcp://127.0.0.1:{self.acquirer_port}"
tpdu = "6000030000"
header = "602200000000"
timeout_ms = 3000
[offline]
max_amount = 50000
max_total = 2000000
max_count = 500
max_age_hours = 72
{terminals}""")

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def run(self, program, *words, stdin=""):
        """One command of one of the programs; gives its exit code and what it said."""
        env = {**os.environ, "LC_ALL": "C.UTF-8"}
        done = subprocess.run([program, *words, "--config", self.path("tilld.toml")], input=stdin, text=True, env=env, cwd=self.dir,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
        return done.returncode, done.stdout.strip()

    def must(self, program, *words, stdin=""):
        code, said = self.run(program, *words, stdin=stdin)
        assert code == 0, f"{words}: {code}: {said}"
        return said

    def start(self, program):
        log = open(self.path("tilld.log"), "a")
        self.daemon = subprocess.Popen([program, "run", "--config", self.path("tilld.toml")], cwd=self.dir, stderr=log)
        self.until("the API answers", lambda: self.answers())

    def answers(self):
        try:
            return self.till("/healthz") is not None
        except (OSError, urllib.error.URLError):
            assert self.daemon.poll() is None, open(self.path("tilld.log")).read()[-2000:]
            return False

    def open_acquirer(self):
        self.acquirer = subprocess.Popen(
            [self.acquirer_program, "sim", "acquirer", "--listen", f"127.0.0.1:{self.acquirer_port}", "--books", self.path("books.jsonl"),
             "--statement", self.path("statement.csv"), *[w for t in TERMINALS.values() for w in ("--terminal", f"{t}={KEY}={MID}")]],
            cwd=self.dir, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.until("every line is up", lambda: self.daemon is None or all(t["line"] == "up" and t["signed_on"] for t in self.till("/healthz")["terminals"]))

    def close_acquirer(self):
        """Its own judgement."""
        self.acquirer.send_signal(signal.SIGCONT)
        self.acquirer.terminate()
        out, _ = self.acquirer.communicate(timeout=30)
        self.acquirer = None
        return json.loads(out)

    def till(self, path, body=None):
        with open(self.path("token")) as file:
            token = file.read().strip()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data=None if body is None else json.dumps(body).encode())
        request.add_header("Authorization", f"Bearer {token}")
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)

    def pay(self, request, device, method, amount, kind="sale", **more):
        body = {"request_id": request, "kind": kind, "device": device, "cashier": "1001" if device == "POS1" else "1002", "method": method,
                "amount": amount, "currency": "CNY", **more}
        if method == "card" and kind == "sale":
            body["card"] = {"track2": TRACK2, "entry": "magstripe"}
        return self.till("/v1/payments", body)

    def payments(self):
        found, cursor = {}, ""
        while True:
            page = self.till(f"/v1/payments?limit=500{cursor}")
            found.update({p["request_id"]: p for p in page["items"]})
            if not page["next_cursor"]:
                return found
            cursor = f"&cursor={page['next_cursor']}"

    def until(self, what, holds, seconds=60):
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, f"not within {seconds} s: {what}"
            time.sleep(0.1)

    def end(self):
        for process in (self.daemon, self.acquirer):
            if process and process.poll() is None:
                process.kill()
                process.wait()


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
    held = {name: digest(store.path(f"data/{name}")) for name in os.listdir(store.path("data")) if name.endswith(".db")}
    assert held, os.listdir(store.path("data"))
    for words in (("run",), ("status",), ("verify",)):
        code, said = store.run(old, *words)
        assert code not in (0, 1, 70, 101) and code > 0, (words, code, said)
        assert "newer" in said and "panicked" not in said and len(said) < 400, (words, said)
        print(f"the old program's {words[0]}: exit {code}: {said}")
    assert held == {name: digest(store.path(f"data/{name}")) for name in held}, "the old program wrote into the newer store"
    store.must(new, "verify")


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


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
