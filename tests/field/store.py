"""A store for tests from outside: a folder with a configuration and keys, a simulated acquirer, and the daemon of any program."""
import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

KEY = "0123456789ABCDEFFEDCBA9876543210"
TRACK2 = "6222021234567890128=49121010000000000"
MID = "123456789012345"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Store:
    """A folder with a configuration and keys, an acquirer, and a daemon of either program."""

    def __init__(self, folder, acquirer_program, terminals=2):
        self.dir, self.acquirer_program = folder, acquirer_program
        self.terminals = {f"POS{n + 1}": f"{12345678 + n}" for n in range(terminals)}
        self.port, self.acquirer_port = free_port(), free_port()
        self.daemon = self.acquirer = None
        os.umask(0o077)
        terminals = ""
        for name, tid in self.terminals.items():
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
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
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

    def open_acquirer(self, *more):
        self.acquirer = subprocess.Popen(
            [self.acquirer_program, "sim", "acquirer", "--listen", f"127.0.0.1:{self.acquirer_port}", "--books", self.path("books.jsonl"),
             "--statement", self.path("statement.csv"), *[w for t in self.terminals.values() for w in ("--terminal", f"{t}={KEY}={MID}")], *more],
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
        cashier = "1001" if device == "POS1" else "1002"
        body = {"request_id": request, "kind": kind, "device": device, "cashier": cashier, "method": method,
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
