"""How long pyiso8583 takes to decode and to encode one frame: the frame as hex on standard input, two numbers (ns) out."""

import importlib.util
import io
import pathlib
import sys
import time

import iso8583

frame = bytes.fromhex(sys.stdin.readline())
# The table of the conformance check's peer, without running its loop.
path = pathlib.Path(__file__).parents[2] / "conformance" / "peer.py"
loader = importlib.util.spec_from_file_location("peer", path)
peer = importlib.util.module_from_spec(loader)
sys.stdin = io.StringIO("")
loader.loader.exec_module(peer)

decoded, _ = iso8583.decode(frame, peer.SPEC)
assert bytes(iso8583.encode(dict(decoded), peer.SPEC)[0]) == frame


def best(work, times=2000, rounds=7):
    took = []
    for _ in range(rounds):
        began = time.perf_counter_ns()
        for _ in range(times):
            work()
        took.append((time.perf_counter_ns() - began) / times)
    return min(took)


meant = dict(decoded)
print(best(lambda: iso8583.decode(frame, peer.SPEC)), best(lambda: iso8583.encode(dict(meant), peer.SPEC)))
