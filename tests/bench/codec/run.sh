#!/bin/sh
# Encode and decode of a sale: ours, pyiso8583's (the same bytes), and iso8583-core's (the same fields in its ASCII), in one run.
# One JSON object on standard output; fails where ours is under 30 times pyiso8583 or slower than iso8583-core.
set -eu
cd "$(dirname "$0")/../../.."
venv=target/conformance-venv
python=${TILLD_CONFORMANCE_PYTHON:-$venv/bin/python}
if ! "$python" -c 'import iso8583' 2>/dev/null; then
    python3 -m venv "$venv" && "$venv/bin/pip" install --quiet pyiso8583==4.0.1 pycryptodome==3.23.0
    python=$venv/bin/python
fi
CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target/codec-bench} cargo run --release --quiet --manifest-path tests/bench/codec/Cargo.toml -- "$python"
