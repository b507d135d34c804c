"""A stranger on the wire: pyiso8583 with a table of its own, and a MAC by pycryptodome.

Reads a JSON object a line, answers one a line.
{"check": {"t": "0200", "3": "000000", ...}, "frame": HEX, "mak": HEX or null}  ->  {"ok": true} or {"ok": false, "why": ...}
{"build": {"t": "0210", ...}}  ->  {"frame": HEX}
Frames are TPDU, header and message, without the two bytes of length. Digits are digits, binary fields hex, text is text.
"""

import json
import sys

import iso8583
from Crypto.Cipher import DES, DES3

# bytes of BCD length
FIXED, LL, LLL = 0, 1, 2


def digits(length, kind=FIXED, **pad):
    return {"data_enc": "b", "len_enc": "bcd", "len_type": kind, "max_len": length, "len_count": "nibbles", "desc": "", **pad}


def text(length, kind=FIXED):
    return {"data_enc": "ascii", "len_enc": "bcd", "len_type": kind, "max_len": length, "len_count": "bytes", "desc": ""}


def binary(length, kind=FIXED):
    return {"data_enc": "b", "len_enc": "bcd", "len_type": kind, "max_len": length, "len_count": "bytes", "desc": ""}


# Written from a description of the UnionPay terminal interface, not from the daemon's profile.
SPEC = {
    "h": binary(11),
    "t": digits(4),
    "p": binary(8),
    "1": binary(8),
    "2": digits(19, LL, right_pad="0"),
    "3": digits(6),
    "4": digits(12),
    "11": digits(6),
    "12": digits(6),
    "13": digits(4),
    "14": digits(4),
    "15": digits(4),
    "22": digits(3, right_pad="0"),
    "23": digits(3, left_pad="0"),
    "25": digits(2),
    "26": digits(2),
    "32": digits(11, LL, right_pad="0"),
    "35": digits(37, LL, right_pad="0"),
    "36": digits(104, LLL, right_pad="0"),
    "37": text(12),
    "38": text(6),
    "39": text(2),
    "41": text(8),
    "42": text(15),
    "44": text(25, LL),
    "48": digits(322, LLL, right_pad="0"),
    "49": text(3),
    "52": binary(8),
    "53": digits(16),
    "54": text(20, LLL),
    "55": binary(255, LLL),
    "58": binary(100, LLL),
    "59": text(600, LLL),
    "60": digits(30, LLL, right_pad="0"),
    "61": digits(29, LLL, right_pad="0"),
    "62": binary(512, LLL),
    "63": text(163, LLL),
    "64": binary(8),
}


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def mac_of(covered, mak):
    key = bytes.fromhex(mak)
    cipher = DES.new(key, DES.MODE_ECB) if len(key) == 8 else DES3.new(key, DES3.MODE_ECB)
    covered += bytes(-len(covered) % 8)
    folded = bytes(8)
    for at in range(0, len(covered), 8):
        folded = xor(folded, covered[at : at + 8])
    chars = folded.hex().upper().encode()
    once = cipher.encrypt(chars[:8])
    return cipher.encrypt(xor(once, chars[8:])).hex().upper()[:8].encode()


def check(job):
    frame = bytes.fromhex(job["frame"])
    decoded, _ = iso8583.decode(frame, SPEC)
    meant = {**job["check"]}
    read = {key: value for key, value in decoded.items() if key not in ("h", "p", "1")}
    mac = read.pop("64", None)
    if read != meant:
        differing = {key: [meant.get(key), read.get(key)] for key in {*meant, *read} if meant.get(key) != read.get(key)}
        return {"ok": False, "why": f"field: [meant, read] {differing}"}
    again, _ = iso8583.encode(decoded, SPEC)
    if bytes(again) != frame:
        return {"ok": False, "why": f"encoded again it is {again.hex().upper()}"}
    if (mac is None) != (job["mak"] is None):
        return {"ok": False, "why": "field 64 is there, or not, against what was meant"}
    if mac is not None and bytes.fromhex(mac) != mac_of(frame[11:-8], job["mak"]):
        return {"ok": False, "why": f"the MAC is {mac}"}
    return {"ok": True}


def build(job):
    fields = {"h": "6000000003602200000000", **job["build"]}
    encoded, _ = iso8583.encode(fields, SPEC)
    return {"frame": bytes(encoded).hex().upper()}


for line in sys.stdin:
    job = json.loads(line)
    try:
        answer = check(job) if "check" in job else build(job)
    except Exception as error:  # what the stranger cannot read is a finding
        answer = {"ok": False, "why": repr(error)}
    print(json.dumps(answer), flush=True)
