"""A program between the daemon and its acquirer, on loopback: it captures every frame that the daemon sends and builds it again, field by field,
with pyiso8583 and a MAC by pycryptodome under the work keys that it saw the acquirer issue. What it builds must be what it captured.

capture.py ACQUIRER_PORT MASTER_KEY: says `listening on PORT`, and when its standard input ends one JSON object:
{"frames": N, "kinds": {"0200 22": n, ...}, "wrong": [...]}
"""

import collections
import importlib.util
import io
import json
import pathlib
import socket
import sys
import threading

import iso8583
from Crypto.Cipher import DES3

real_stdin = sys.stdin
loader = importlib.util.spec_from_file_location("peer", pathlib.Path(__file__).with_name("peer.py"))
peer = importlib.util.module_from_spec(loader)
sys.stdin = io.StringIO("")
loader.loader.exec_module(peer)

acquirer, master = int(sys.argv[1]), bytes.fromhex(sys.argv[2])
lock, maks, kinds, wrong = threading.Lock(), {}, collections.Counter(), []


def frames(sock):
    """Whole frames, whatever pieces they come in; each with its two bytes of length."""
    held = b""
    while True:
        while len(held) >= 2 and len(held) >= 2 + int.from_bytes(held[:2], "big"):
            end = 2 + int.from_bytes(held[:2], "big")
            yield held[:end]
            held = held[end:]
        more = sock.recv(4096)
        if not more:
            return
        held += more


def captured(frame):
    body = frame[2:]
    fields, _ = iso8583.decode(body, peer.SPEC)
    meant = {key: value for key, value in fields.items() if key not in ("p", "1", "64")}
    signed = "64" in fields
    built, _ = iso8583.encode({**meant, **({"64": "0" * 16} if signed else {})}, peer.SPEC)
    built = bytes(built)
    if signed:
        built = built[:-8] + peer.mac_of(built[11:-8], maks[fields["41"]])
    with lock:
        kinds[f"{fields['t']} {fields.get('60', '')[:2]}"] += 1
        if built != body:
            wrong.append({"captured": body.hex(), "built": built.hex()})


def answered(frame):
    fields, _ = iso8583.decode(frame[2:], peer.SPEC)
    if fields["t"] == "0810" and "62" in fields:
        keys = bytes.fromhex(fields["62"])
        # a PIN key of sixteen bytes, its check, then the MAC key
        mak = DES3.new(master, DES3.MODE_ECB).decrypt(keys[20:28])
        with lock:
            maks[fields["41"]] = mak.hex()


def relay(source, target, look):
    try:
        for frame in frames(source):
            try:
                look(frame)
            except Exception as error:  # what it cannot read is a finding
                with lock:
                    wrong.append({"captured": frame.hex(), "why": repr(error)})
            target.sendall(frame)
    except OSError:
        pass
    for sock in (source, target):
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def serve(listener):
    while True:
        client, _ = listener.accept()
        host = socket.create_connection(("127.0.0.1", acquirer))
        for pair in ((client, host, captured), (host, client, answered)):
            threading.Thread(target=relay, args=pair, daemon=True).start()


listener = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=serve, args=(listener,), daemon=True).start()
print(f"listening on 127.0.0.1:{listener.getsockname()[1]}", flush=True)
real_stdin.read()
with lock:
    print(json.dumps({"frames": sum(kinds.values()), "kinds": kinds, "wrong": wrong}), flush=True)
