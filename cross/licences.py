#!/usr/bin/env python3
"""The licence report: every crate inside the program for one machine, with its licence and, once each, the texts.

    cross/licences.py TRIPLE [CARGO] > report.txt

Fails where a crate's licence is not on the list below: then a person decides.
"""
import json
import os
import re
import subprocess
import sys

ALLOWED = {
    "MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause", "ISC", "Zlib", "0BSD", "Unlicense", "CC0-1.0",
    "Unicode-3.0", "BSL-1.0", "MIT-0", "MPL-2.0", "OpenSSL", "CDLA-Permissive-2.0",
}
# What no crate's metadata name: it comes with the compiler or lies in the repository.
BESIDES = [
    ("Rust standard library", "MIT OR Apache-2.0", "https://www.rust-lang.org"),
    ("musl C library", "MIT", "https://musl.libc.org"),
    ("SQLite (in libsqlite3-sys)", "public domain", "https://sqlite.org/copyright.html"),
    ("GNU Unifont, cut to GB18030 (assets/font)", "OFL-1.1", "https://unifoundry.com/unifont"),
]
TEXTS = re.compile(r"^(LICEN[CS]E|COPYING|NOTICE|UNLICENSE|COPYRIGHT)", re.IGNORECASE)


def allowed(expression):
    """Whether an SPDX expression can be kept with the licences on the list: one of an OR, all of an AND."""
    expression = expression.replace("/", " OR ")
    parts = re.findall(r"\(|\)|\bOR\b|\bAND\b|[A-Za-z0-9.+-]+(?:\s+WITH\s+[A-Za-z0-9.+-]+)?", expression)

    def either():
        value = both()
        while parts and parts[0] == "OR":
            parts.pop(0)
            right = both()
            value = value or right
        return value

    def both():
        value = one()
        while parts and parts[0] == "AND":
            parts.pop(0)
            right = one()
            value = value and right
        return value

    def one():
        token = parts.pop(0)
        if token == "(":
            value = either()
            parts.pop(0)
            return value
        return " ".join(token.split()) in ALLOWED

    return either() and not parts


def crates(triple, cargo):
    """The packages that are inside the program: normal dependencies of normal dependencies, and what our own build script takes tables from; no other
    build scripts, no procedural macros."""
    command = [cargo, "metadata", "--format-version", "1", "--locked", "--filter-platform", triple]
    meta = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    packages = {p["id"]: p for p in meta["packages"]}
    nodes = {n["id"]: n for n in meta["resolve"]["nodes"]}
    macro = {i for i, p in packages.items() if any("proc-macro" in t["kind"] for t in p["targets"])}
    root = meta["resolve"]["root"]
    seen, todo = set(), [root]
    while todo:
        here = todo.pop()
        if here in seen or here in macro:
            continue
        seen.add(here)
        todo += [d["pkg"] for d in nodes[here]["deps"] if any(k["kind"] is None or (here == root and k["kind"] == "build") for k in d["dep_kinds"])]
    return sorted((packages[i] for i in seen), key=lambda p: (p["name"], p["version"]))


def main():
    triple, cargo = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "cargo"
    found = crates(triple, cargo)
    strange = [f"{p['name']} {p['version']}: {p['license']}" for p in found if not (p["license"] and allowed(p["license"]))]
    if strange:
        sys.exit("licences that are not on the list of cross/licences.py:\n  " + "\n  ".join(strange))
    print(f"Licences of what is inside tilld for {triple}\n")
    for name, licence, source in BESIDES:
        print(f"{name:44} {licence:44} {source}")
    texts = {}
    for p in found:
        print(f"{p['name'] + ' ' + p['version']:44} {p['license']:44} {p['repository'] or ''}".rstrip())
        folder = os.path.dirname(p["manifest_path"])
        names = [n for n in sorted(os.listdir(folder)) if TEXTS.match(n) and os.path.isfile(os.path.join(folder, n))]
        for name in names:
            with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
                text = file.read().strip()
            key = re.sub(r"\s+", " ", text)
            texts.setdefault(key, (text, []))[1].append(f"{p['name']} {p['version']} ({name})")
    with open(os.path.join("assets", "font", "OFL-1.1.txt"), encoding="utf-8", errors="replace") as file:
        text = file.read().strip()
        texts.setdefault(re.sub(r"\s+", " ", text), (text, []))[1].append("GNU Unifont")
    for text, whose in texts.values():
        print("\n" + "-" * 100 + "\n" + "\n".join(whose) + "\n\n" + text)


main()
