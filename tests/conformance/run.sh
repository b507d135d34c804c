#!/bin/sh
# Every message against pyiso8583 from PyPI. Needs Python 3 and, the first time, a package index; says loudly what it skips.
set -eu
cd "$(dirname "$0")/../.."
venv=target/conformance-venv
if ! command -v python3 >/dev/null 2>&1; then
    echo "SKIPPED: conformance by strangers: there is no python3" >&2
    exit 0
fi
if ! "$venv/bin/python" -c 'import iso8583, Crypto, bpc8583.ISO8583' 2>/dev/null; then
    # bpc8583 names pycrypto, which no longer builds and which its codec does not use
    if ! { python3 -m venv "$venv" && "$venv/bin/pip" install --quiet pyiso8583==4.0.1 pycryptodome==3.23.0 \
        && "$venv/bin/pip" install --quiet --no-deps bpc8583==1.60 pytlv==0.71 tracetools; }; then
        echo "SKIPPED: conformance by strangers: pyiso8583, pycryptodome and bpc8583 cannot be installed here" >&2
        exit 0
    fi
fi
TILLD_CONFORMANCE_PYTHON="$venv/bin/python" exec cargo test --test conformance -- --nocapture "$@"
