#!/usr/bin/env python3
"""Writes what the long checks counted (target/long/figures.json, or the files given) into the README, between its two comments."""

import json
import pathlib
import sys
import time

ROWS = [
    ("power_loss", "power lost at any write or flush of a business day"),
    ("power_loss_upgrade", "power lost while a store of 0.1.0 is upgraded"),
    ("power_loss_unsynced", "the same with flushes left out: what the check itself must find"),
    ("power_loss_gone_on_from", "days that go on after the power came back, to their settlement"),
    ("faults", "a disk that fails at any operation"),
    ("kills", "SIGKILL of the daemon and of the acquirer's host"),
    ("evidence", "random changes to a closed store"),
    ("seeds", "seeded days over a faulty line"),
    ("load", "64 terminals at once"),
    ("month", "a month's statements in four formats with planted differences"),
    ("million", "a million statement rows beside sort and join"),
    ("fuzz", "fuzz targets, runs"),
]
BEGIN, END = "<!-- long -->", "<!-- /long -->"


def words(value):
    if isinstance(value, dict):
        return ", ".join(f"{key.replace('_', ' ')} {words(v)}" for key, v in value.items() if key != "seed")
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    return f"{value:,}" if isinstance(value, (int, float)) else str(value)


def main():
    figures = {}
    for path in map(pathlib.Path, sys.argv[1:] or ["target/long/figures.json"]):
        read = json.loads(path.read_text())
        figures.update(read if path.name == "figures.json" else {path.stem: read})
    table = [f"{time.strftime('%Y-%m-%d')}, by the checks of `.ci/long`\n", "| check | counted |", "|---|---|"]
    table += [f"| {name} | {words(figures[key])} |" for key, name in ROWS if key in figures]
    page = pathlib.Path("README.md")
    before, rest = page.read_text().split(BEGIN)
    after = rest.split(END)[1]
    page.write_text(f"{before}{BEGIN}\n" + "\n".join(table) + f"\n\n{END}{after}")


main()
