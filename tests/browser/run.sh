#!/usr/bin/env bash
# The console in a real browser: headless Chromium through chromedriver (Debian: chromium, chromium-driver), on a till's screen and on a phone.
# Pictures go to target/console. Accessibility is judged by axe-core from npm, kept in target/axe. What is missing is installed where it may be,
# or skipped, loudly. About a minute a run.
set -euo pipefail
cd "$(dirname "$0")"
if ! command -v chromedriver >/dev/null && command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium chromium-driver fonts-noto-cjk >/dev/null || true
fi
for need in python3 curl chromedriver chromium; do
    command -v "$need" >/dev/null || { echo "SKIPPED: no $need to look at the console with"; exit 0; }
done
# shellcheck source=../api/rig.sh
. ../api/rig.sh
axe=$root/target/axe/node_modules/axe-core/axe.min.js
if [ ! -f "$axe" ] && command -v npm >/dev/null; then
    npm install --silent --no-save --no-audit --no-fund --prefix "$root/target/axe" axe-core@4 >/dev/null 2>&1 || true
fi
if [ -f "$axe" ]; then export AXE_FILE=$axe; else echo "SKIPPED: no axe-core (npm) to judge accessibility with"; fi
export base token dir acquirer_pid
mkdir -p "$root/target/console"
PYTHONDONTWRITEBYTECODE=1 python3 console.py "$root/target/console" || { tail -20 "$dir/tilld.log" >&2; exit 1; }
"$tilld" verify
