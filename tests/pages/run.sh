#!/usr/bin/env bash
# Runs the commands of docs/rigs.md, in order, as they stand there, in a folder of its own. $TILLD names the program; without it the debug build's.
# (docs/pos.md has tests/api/examples.sh, the technicians' pages tests/packages/run.sh.)
set -euo pipefail
cd "$(dirname "$0")/../.."
for need in python3 curl; do command -v "$need" >/dev/null || { echo "SKIPPED: no $need"; exit 0; }; done
tilld=$(realpath "${TILLD:-target/debug/tilld}")
[ -x "$tilld" ] || { echo "no $tilld: cargo build first" >&2; exit 69; }
dir=$(mktemp -d)
script=
end() {
    # What the page left running, if it failed: in a group of its own.
    [ -z "$script" ] || kill -- "-$script" 2>/dev/null || true
    rm -rf "$dir"
}
trap end EXIT
mkdir "$dir/bin"
ln -s "$tilld" "$dir/bin/tilld"
python3 - docs/rigs.md >"$dir/page.sh" <<'PY'
import re, sys
blocks = re.findall(r"^```sh\n(.*?)^```", open(sys.argv[1], encoding="utf-8").read(), re.M | re.S)
assert len(blocks) == 3, f"the page has {len(blocks)} pieces of commands"
print("set -euo pipefail")
for number, block in enumerate(blocks):
    print(f"echo '-- commands {number}'\n{block}")
PY
cd "$dir"
set -m
LC_ALL=C.UTF-8 PATH=$dir/bin:$PATH bash page.sh &
script=$!
rc=0
wait $script || rc=$?
[ $rc = 0 ] && grep -q '"duplicates": 0' rig/judgement.json && grep -q '"findings": \[\]' rig/judgement.json || { echo "docs/rigs.md: exit $rc" >&2; exit 1; }
echo "docs/rigs.md: every command runs"
