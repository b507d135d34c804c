#!/usr/bin/env bash
# The API against a stranger: its description is validated, then schemathesis makes requests from it against a running daemon with a
# simulated acquirer. Fails on any 5xx, any status, media type or body that the description does not have.
# Needs python3 with openapi-spec-validator and schemathesis (PyPI); without them it says so and is skipped.
set -euo pipefail
cd "$(dirname "$0")"
command -v python3 >/dev/null || { echo "SKIPPED: no python3"; exit 0; }
if [ -z "${VENV:-}" ]; then
    VENV=$(cd ../.. && pwd)/target/strangers
    if [ ! -x "$VENV/bin/schemathesis" ]; then
        python3 -m venv "$VENV" && "$VENV/bin/pip" install -q schemathesis openapi-spec-validator requests ||
            { echo "SKIPPED: schemathesis and openapi-spec-validator cannot be had from PyPI"; exit 0; }
    fi
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

# /v1/events has no end: tests/api/events.rs listens to it.
"$VENV/bin/schemathesis" run "$dir/openapi.json" --url "$base" --header "$auth" \
    --exclude-path /v1/events --request-timeout 60 --max-examples "${EXAMPLES:-20}" --seed "${SEED:-7310}" \
    --phases examples,coverage,fuzzing --mode all --generation-deterministic --workers 1 --continue-on-failure --no-color \
    --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance

"$tilld" verify
