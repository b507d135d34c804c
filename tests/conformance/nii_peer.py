"""A second stranger, on the Hypercom/NII dialect: bpc8583 from PyPI, which shares nothing with pyiso8583.

Reads a JSON object a line, answers one a line.
{"check": {"t": "0200", "3": "000000", ...}, "frame": HEX}  ->  {"ok": true} or {"ok": false, "why": ...}
{"build": {"t": "0210", ...}}  ->  {"frame": HEX}
Frames are TPDU and message, without the two bytes of length; this dialect has no header.
"""

import json
import sys

from bpc8583.ISO8583 import DT, ISO8583
from bpc8583.spec import IsoSpec1987BCD

TPDU = "6000030000"
# fixed digits, of which it drops leading zeros when it reads
DIGITS = {3: 6, 4: 12, 11: 6, 12: 6, 13: 4, 14: 4, 15: 4, 22: 3, 24: 3, 25: 2}


def spec():
    table = IsoSpec1987BCD()
    for field in (54, 60, 62, 63):  # text in this dialect
        table.ContentType(field, "ans")
        table.DataType(field, DT.ASCII)
    return table


def value(message, field):
    data = message.FieldData(field)
    return f"{data:0{DIGITS[field]}d}" if field in DIGITS else str(data).replace("=", "D")


def check(job):
    frame = bytes.fromhex(job["frame"])
    if frame[:5].hex() != TPDU:
        return {"ok": False, "why": f"TPDU {frame[:5].hex()}"}
    message = ISO8583(frame[5:], spec())
    read = {"t": message.MTI()}
    read |= {str(n): value(message, n) for n, there in message.Bitmap().items() if there and n != 1}
    meant = job["check"]
    if read != meant:
        differing = {key: [meant.get(key), read.get(key)] for key in {*meant, *read} if meant.get(key) != read.get(key)}
        return {"ok": False, "why": f"field: [meant, read] {differing}"}
    again = build({"build": meant})["frame"]
    if again != job["frame"]:
        return {"ok": False, "why": f"built again it is {again}"}
    return {"ok": True}


def build(job):
    message = ISO8583(None, spec())
    for key, text in job["build"].items():
        if key == "t":
            message.MTI(text)
        else:
            field = int(key)
            number = field in DIGITS or field == 2
            message.FieldData(field, int(text) if number else text.replace("D", "=") if field == 35 else text)
    return {"frame": (TPDU + message.BuildIso().hex()).upper()}


for line in sys.stdin:
    job = json.loads(line)
    try:
        answer = check(job) if "check" in job else build(job)
    except Exception as error:  # what the stranger cannot read is a finding
        answer = {"ok": False, "why": repr(error)}
    print(json.dumps(answer), flush=True)
