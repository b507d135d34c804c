#!/usr/bin/env python3
"""Manual pages and completions, from what the program says of itself: `cross/manual.py ROOT PROGRAM...` writes below ROOT/usr/share. PROGRAM may begin
with an emulator. The exit codes come from src/daemon/exit.rs, tilld.toml(5) from cross/tilld.toml.
"""
import os
import re
import subprocess
import sys

ENTRY = re.compile(r"^ {2,6}(-{1,2}\S.*?|\[?[A-Z_-]+\]?|[a-z][a-z-]*)(?:  +(.*))?$")


def said(program, words):
    env = {**os.environ, "COLUMNS": "100", "LC_ALL": "C.UTF-8"}
    done = subprocess.run([*program, *words, "--help"], env=env, stdout=subprocess.PIPE, check=True, timeout=60)
    return done.stdout.decode()


def parts(text):
    """A help text: what it is about, how it is called, and under each heading its entries: name, words."""
    about, _, rest = text.partition("Usage:")
    usage, _, rest = rest.partition("\n")
    found, heading = {}, None
    for line in rest.splitlines():
        if re.match(r"^\S.*:$", line):
            heading = line[:-1]
            found[heading] = []
        elif heading and line.strip():
            entry = ENTRY.match(line)
            if entry and (len(line) - len(line.lstrip())) <= 6:
                found[heading].append([entry.group(1).strip(), entry.group(2) or ""])
            elif found[heading]:
                found[heading][-1][1] = f"{found[heading][-1][1]} {line.strip()}".strip()
    return " ".join(about.split()), usage.strip(), found


class Command:
    """A command and those below it."""

    def __init__(self, program, words):
        self.words = words
        self.about, self.usage, self.found = parts(said(program, words))
        names = [name for name, _ in self.found.get("Commands", []) if name != "help"]
        self.below = [Command(program, [*words, name]) for name in names]

    def all(self):
        yield self
        for command in self.below:
            yield from command.all()

    def options(self):
        return [option for name, _ in self.found.get("Options", []) for option in re.findall(r"(?<!\S)--[a-z-]+", name.replace(",", " "))]


def roff(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text[:1] in (".", "'") else text


def entries(found):
    for heading, list_ in found.items():
        if heading == "Commands":
            continue
        for name, words in list_:
            yield f".TP\n\\fB{roff(name)}\\fR\n{roff(words) or '.'}"


def exits():
    with open("src/daemon/exit.rs", encoding="utf-8") as file:
        body = file.read().partition("pub enum Exit")[2].partition("\n}")[0]
    for doc, _, code in re.findall(r"/// (.*)\n\s*(\w+) = (\d+)", body):
        yield f".TP\n\\fB{code}\\fR\n{roff(doc)}"


def page(top, version):
    lines = [f'.TH TILLD 1 "" "tilld {version}"', ".SH NAME", "tilld \\- the till daemon", ".SH SYNOPSIS", roff(top.usage), ".SH DESCRIPTION", roff(top.about),
             ".SH OPTIONS", *entries(top.found), ".SH COMMANDS"]
    for command in list(top.all())[1:]:
        lines += [f'.SS "{roff(" ".join(command.words))}"', roff(command.about), ".PP", f"\\fB{roff(command.usage)}\\fR", *entries(command.found)]
    lines += [".SH EXIT STATUS", *exits(), ".SH ENVIRONMENT", ".TP", "\\fBTILLD_CONFIG\\fR", "The configuration, where \\-\\-config names none.", ".TP",
              "\\fBTILLD_LOG\\fR", "How much is logged: info, debug, tilld::io=trace.", ".SH FILES", ".TP", "\\fB/etc/tilld/tilld.toml\\fR",
              "The configuration: see tilld.toml(5).", ".TP", "\\fB/var/lib/tilld\\fR", "The journal.", ".SH SEE ALSO", "tilld.toml(5), systemd(1)"]
    return "\n".join(lines) + "\n"


def configuration(version):
    with open("cross/tilld.toml", encoding="utf-8") as file:
        text = "\n".join(roff(line) for line in file.read().splitlines())
    return (f'.TH TILLD.TOML 5 "" "tilld {version}"\n.SH NAME\ntilld.toml \\- configuration of the till daemon\n.SH DESCRIPTION\n'
            f"TOML. Every key, with its meaning:\n.PP\n.nf\n{text}\n.fi\n.SH SEE ALSO\ntilld(1)\n")


def bash(top):
    cases = "\n".join(f'    "{" ".join(c.words)}") words="{" ".join([b.words[-1] for b in c.below] + c.options())}" ;;' for c in top.all())
    return f"""# bash completion for tilld
_tilld() {{
  local path="" word words
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    case "$word" in -*) ;; *) case " {' '.join(sorted({w for c in top.all() for w in c.words}))} " in *" $word "*) path="${{path:+$path }}$word" ;; esac ;; esac
  done
  case "$path" in
{cases}
    *) words="" ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "${{COMP_WORDS[COMP_CWORD]}}"))
}}
complete -o default -F _tilld tilld
"""


def fish(top):
    lines = ["# fish completion for tilld"]
    for command in top.all():
        seen = " ".join(command.words)
        when = f"__fish_seen_subcommand_from {command.words[-1]}" if command.words else "__fish_use_subcommand"
        for below in command.below:
            lines.append(f"complete -c tilld -n '{when}' -f -a {below.words[-1]} -d '{below.about.split('. ')[0].replace(chr(39), '’')}'")
        for option in command.options():
            lines.append(f"complete -c tilld -n '{when}' -l {option[2:]}" if seen else f"complete -c tilld -l {option[2:]}")
    return "\n".join(lines) + "\n"


def zsh(top):
    first = "\n".join(f"    '{b.words[-1]}:{b.about.split('. ')[0].replace(chr(39), '’').replace(':', '，')}'" for b in top.below)
    cases = "\n".join(
        f"    {c.words[0]}) _values -s ' ' 'tilld {c.words[0]}' {' '.join([b.words[-1] for b in c.below] + c.options())} ; _files ;;" for c in top.below)
    return f"#compdef tilld\nlocal -a commands\ncommands=(\n{first}\n)\nif (( CURRENT == 2 )); then\n  _describe command commands\nelse\n  case $words[2] in\n{cases}\n  esac\nfi\n"


def main():
    root, program = sys.argv[1], sys.argv[2:]
    top = Command(program, [])
    assert len(top.below) >= 10 and top.options(), "the program's help is not understood"
    version = subprocess.run([*program, "--version"], stdout=subprocess.PIPE, check=True).stdout.decode().split()[1]
    for name, text in {
        "man/man1/tilld.1": page(top, version),
        "man/man5/tilld.toml.5": configuration(version),
        "bash-completion/completions/tilld": bash(top),
        "fish/vendor_completions.d/tilld.fish": fish(top),
        "zsh/vendor-completions/_tilld": zsh(top),
    }.items():
        path = os.path.join(root, "usr/share", name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)


main()
