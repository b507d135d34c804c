#!/usr/bin/env bash
# Runs every example of docs/pos.md, in order, against a live daemon.
set -euo pipefail
cd "$(dirname "$0")"
for need in python3 curl; do command -v "$need" >/dev/null || { echo "SKIPPED: no $need"; exit 0; }; done
# shellcheck source=rig.sh
. ./rig.sh
python3 - "$root/docs/pos.md" "$dir" <<'PY'
import re, sys
page, folder = sys.argv[1:]
blocks = re.findall(r"^```(sh|python)\n(.*?)^```", open(page, encoding="utf-8").read(), re.M | re.S)
assert len(blocks) >= 5, "the page has lost its examples"
script = ["set -euo pipefail"]
for number, (kind, text) in enumerate(blocks):
    if kind == "python":
        open(f"{folder}/example{number}.py", "w", encoding="utf-8").write(text)
        text = f"python3 example{number}.py\n"
    script.append(f"echo '== example {number} ({kind})'\n{text}")
open(f"{folder}/examples.sh", "w", encoding="utf-8").write("\n".join(script))
PY
cd "$dir"
TILLD_URL=$base TILLD_TOKEN_FILE=$dir/token bash -e ./examples.sh
"$tilld" verify
