#!/bin/sh
# Makes target/strangers/emupos: the printer of others that tests/printing/stranger.rs prints on. Needs Python 3.13 or later.
set -eu
cd "$(dirname "$0")/../.."
for python in "${PYTHON:-}" python3.14 python3.13 "$HOME"/.pyenv/versions/3.1[3-9]*/bin/python python3; do
    if [ -n "$python" ] && "$python" -c 'import sys; sys.exit(sys.version_info < (3, 13))' 2>/dev/null; then
        "$python" -m venv target/strangers/emupos
        target/strangers/emupos/bin/pip install --quiet 'emupos==0.4.0'
        exit 0
    fi
done
echo "no Python 3.13 or later found" >&2
exit 1
