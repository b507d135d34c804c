#!/usr/bin/env python3
"""Judges `tilld demo --json` from outside: the contract's object against itself, and against the acquirer's statement."""
import collections
import csv
import json
import os
import struct
import sys

day = json.load(open(sys.argv[1]))
folder = sys.argv[2]
wrong = []


def must(truth, what):
    if not truth:
        wrong.append(what)


must(day["duplicates"] == 0 and day["lost"] == 0, "duplicates or lost")
must(day["cross_foot"] is True, "cross_foot")
must(day["settlement"] and all(s["result"] == "balanced" for s in day["settlement"]), "settlement")
must(len(day["by_device"]) == 3 and len(day["by_cashier"]) == 4, "three terminals, four cashiers")
for column in ("sale", "refund", "void", "vouchers"):
    for part in ("count", "amount"):
        sums = {t: sum(g[column][part] for g in day[t]) for t in ("by_cashier", "by_device", "by_method", "matrix")}
        must(len(set(sums.values())) == 1, f"{column} {part}: {sums}")
nets = {t: sum(g["net"] for g in day[t]) for t in ("by_cashier", "by_device", "by_method", "matrix", "bridge")}
must(len(set(nets.values())) == 1, f"net: {nets}")
must(day["demo"]["payments"] >= 300, "at least 300 payments")
must(day["offline"]["stored"] > 0 and day["offline"]["waiting"] == 0, f"offline: {day['offline']}")

fees = day["fees"]
must(fees["lines"] and fees["unpriced"] == 0, f"expected fees: {fees}")
for line in fees["lines"] + [fees]:
    must(line["gross"] - line["fee"] == line["net"], f"gross - fee = net: {line}")
for part in ("count", "gross", "fee", "net"):
    must(sum(line[part] for line in fees["lines"]) == fees[part], f"fees {part}")
bridge = {line["line"]: line["net"] for line in day["bridge"]}
for name in {line["line"] for line in fees["lines"]} & set(bridge):
    must(sum(l["gross"] for l in fees["lines"] if l["line"] == name) == bridge[name], f"fees and bridge: {name}")
coupons = {line["funder"]: line["net"] for line in day["coupons"]}
must(coupons.get("platform", 0) > 0 and coupons.get("store", 0) > 0, f"coupons: {coupons}")
must(sum(coupons.values()) == sum(m["net"] for m in day["by_method"] if m["id"] == "voucher"), f"coupons: {coupons}")

# The statement's own sums, terminal by terminal and batch by batch, against what was settled.
sums = collections.Counter()
with open(os.path.join(folder, "acquirer-statement.csv"), newline="") as file:
    for row in csv.DictReader(file):
        if row["status"] != "declined":
            side = "debit" if row["kind"] == "sale" else "credit"
            if row["status"] == "approved":
                sums[(int(row["terminal"]), int(row["batch"]), side)] += int(row["amount"])
tids = {"POS1": 10000001, "POS2": 10000002, "POS3": 10000003}
for s in day["settlement"]:
    for side in ("debit", "credit"):
        theirs = sums[(tids[s["terminal"]], int(s["batch"]), side)]
        must(s[side]["amount"] == theirs, f"{s['terminal']} {s['batch']} {side}: {s[side]['amount']} here, {theirs} there")

with open(os.path.join(folder, "report.png"), "rb") as file:
    head = file.read(24)
must(head[:8] == b"\x89PNG\r\n\x1a\n" and struct.unpack(">II", head[16:24])[1] > 1000, "report.png")
if wrong:
    print("the demo is not as it must be:", *wrong, sep="\n  ")
    sys.exit(1)
print(f"the demo foots from outside: {day['demo']['payments']} payments, net {nets['by_cashier']}, {len(day['settlement'])} batches balanced")
