#!/usr/bin/env bash
# The console in a real browser: headless Chromium through chromedriver (Debian: chromium, chromium-driver), on a till's screen and on a phone.
# Pictures go to target/console. Without a browser it says so and is skipped.
set -euo pipefail
cd "$(dirname "$0")"
for need in python3 curl chromedriver chromium; do
    command -v "$need" >/dev/null || { echo "SKIPPED: no $need"; exit 0; }
done
# shellcheck source=../api/rig.sh
. ../api/rig.sh
export base token dir acquirer_pid
mkdir -p "$root/target/console"
python3 console.py "$root/target/console"
"$tilld" verify
