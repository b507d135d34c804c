#!/usr/bin/env bash
# As a new user: an empty folder, `tilld init --try`, and then exactly what it says, up to a printed X report. Some ten seconds.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
tilld=${TILLD:-$root/target/debug/tilld}
[ -x "$tilld" ] || { echo "no $tilld: cargo build first" >&2; exit 69; }
command -v curl >/dev/null || { echo "SKIPPED: no curl"; exit 0; }
dir=$(mktemp -d)
end() { for pid in $(jobs -p); do kill "$pid" 2>/dev/null || true; done; wait 2>/dev/null || true; rm -rf "$dir"; }
trap end EXIT
mkdir "$dir/bin" && ln -s "$tilld" "$dir/bin/tilld"
export PATH=$dir/bin:$PATH LANG=C.UTF-8
unset TILLD_CONFIG LC_ALL LC_MESSAGES

# A free port for the acquirer and one for the API: the usual ones may be taken on this machine.
free() { python3 -c 'import socket; s=socket.socket(); s.bind(("127.0.0.1",0)); print(s.getsockname()[1])'; }
acquirer=$(free) api=$(free)
tilld init --try "$dir/shop" --set "endpoint=tcp://127.0.0.1:$acquirer" >"$dir/said.txt" || { cat "$dir/said.txt"; exit 1; }
sed -i "s/127.0.0.1:7310/127.0.0.1:$api/" "$dir/shop/tilld.toml"
tilld check --config "$dir/shop/tilld.toml" | grep -q "ready to start"
# What it says to do, and nothing else; only the stand-in's port is not the usual one.
sed -n '/^cd /,$p' "$dir/said.txt" | sed "s/tilld sim acquirer/tilld sim acquirer --listen 127.0.0.1:$acquirer/" >"$dir/steps.sh"
grep -q 'report --print' "$dir/steps.sh"
# shellcheck source=/dev/null
. "$dir/steps.sh" >"$dir/seen.txt" 2>&1 || { cat "$dir/seen.txt"; exit 1; }
grep -q '"state":"approved"' "$dir/seen.txt"
for _ in $(seq 50); do grep -q 'X report' paper.txt && break; sleep 0.2; done
grep -q 'X report' paper.txt && grep -q '12.34' paper.txt || { cat paper.txt tilld.log; exit 1; }
# Nobody is asked twice; a second init does not write over the first.
if tilld init --try "$dir/shop" 2>/dev/null; then echo "init wrote over a configuration"; exit 1; fi
printf 'en\nS9\nCorner\n\n\n\n\n\n\n\n\n87654321\n\n\n\n\n\n\n\n' | tilld init "$dir/asked" >/dev/null 2>"$dir/questions.txt"
grep -q '^tid = "87654321"' "$dir/asked/tilld.toml" && grep -q '^id = "S9"' "$dir/asked/tilld.toml"
tilld init --yes --set tid=1 "$dir/wrong" 2>"$dir/wrong.txt" && exit 1
grep -q 'tid' "$dir/wrong.txt" && [ ! -e "$dir/wrong/tilld.toml" ]
# The day's code, from paper to journal.
tilld close --by 9001 --wait 20 >/dev/null
code=$(tilld report --day 1 --format json | sed -n 's/.*"check_code": "\([^"]*\)".*/\1/p')
tilld verify --code "$code"
tilld verify --code "tilld:1:S001:1:$code" >/dev/null
if tilld verify --code 0000-0000-0000-0000 >/dev/null; then echo "a code of nothing was found"; exit 1; fi
echo "from an empty folder to a printed X report, and its Z's code back"
