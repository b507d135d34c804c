#!/usr/bin/env bash
# The API against a stranger: its description is validated, then schemathesis makes requests from it against a running daemon with a
# simulated acquirer, for about a minute. Fails on any 5xx but 503, any status, media type or body that the description does not have.
# Needs python3; schemathesis and openapi-spec-validator come from PyPI into target/strangers, or it is skipped, loudly.
set -euo pipefail
cd "$(dirname "$0")"
command -v python3 >/dev/null || { echo "SKIPPED: no python3"; exit 0; }
VENV=${VENV:-$(cd ../.. && pwd)/target/strangers}
if ! "$VENV/bin/python" -c 'import schemathesis, openapi_spec_validator' 2>/dev/null; then
    python3 -m venv "$VENV" && "$VENV/bin/pip" install -q schemathesis==4.32.5 openapi-spec-validator ||
        { echo "SKIPPED: schemathesis and openapi-spec-validator cannot be had from PyPI"; exit 0; }
fi
# shellcheck source=rig.sh
. ./rig.sh
auth="Authorization: Bearer $token"

curl -fsS -H "$auth" "$base/v1/openapi.json" >"$dir/openapi.json"
"$VENV/bin/python" - "$dir/openapi.json" <<'PY'
import json, sys
from openapi_spec_validator import validate, OpenAPIV31SpecValidator
document = json.load(open(sys.argv[1]))
assert document["openapi"].startswith("3.1"), document["openapi"]
validate(document, cls=OpenAPIV31SpecValidator)
print("the description is valid OpenAPI", document["openapi"], "with", len(document["paths"]), "addresses")
PY
[ -z "${KEEP_DOCUMENT:-}" ] || cp "$dir/openapi.json" "$KEEP_DOCUMENT"

# A sale, so that there is something to ask for. /v1/events has no end: tests/api listens to it. What schemathesis keeps goes away with the rig.
curl -fsS -H "$auth" -H 'content-type: application/json' "$base/v1/payments" -o /dev/null -d '{"request_id": "first", "kind": "sale",
  "device": "POS1", "cashier": "1001", "method": "cash", "amount": 1234, "currency": "CNY"}'
cd "$dir"
seed=${SEED:-7310}
# One thread in each process: under Python 3.11 two threads that make cases break each other's `ast.parse` ("AST constructor recursion depth
# mismatch": hypothesis listens to the garbage collector, and so another thread gets its turn in the middle of a parse).
run() {
    local name=$1
    shift
    mkdir -p "$dir/$name"
    (cd "$dir/$name" && "$VENV/bin/schemathesis" run "$dir/openapi.json" --url "$base" --header "$auth" --exclude-path /v1/events --mode all \
        --workers 1 --request-timeout 60 --continue-on-failure --no-color \
        --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance "$@" >said.txt) ||
        { cat "$dir/$name/said.txt"; echo "again: SEED=$seed $0"; exit 1; }
    grep -E 'Tested:|generated|^=.* in [0-9.]+s' "$dir/$name/said.txt"
}
# Every bound, type and absence that the description names, the same at each run; then whatever comes to the minds of two at once.
run bounds --phases examples,coverage --generation-deterministic
fuzz() { run "fuzz-$1" --phases fuzzing --max-examples 20 --max-time "${BUDGET:-25}" --seed "$1"; }
fuzz "$((seed + 1))" &
beside=$!
fuzz "$seed"
wait "$beside"

"$tilld" verify
