#!/usr/bin/env bash
# The same rows in PostgreSQL: one commit a sale, 64 clients by pgbench, its own defaults (fsync and synchronous_commit on). Prints sales a second.
# usage: postgres.sh FOLDER SECONDS. Exit 3 where there is no PostgreSQL server (Debian: postgresql).
set -euo pipefail
dir=$1 seconds=$2
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)
[ -n "$bin" ] || { command -v initdb >/dev/null && bin=$(dirname "$(command -v initdb)"); } || exit 3
[ -x "$bin/initdb" ] && [ -x "$bin/pgbench" ] || exit 3
# The server refuses to run as root.
as() { if [ "$(id -u)" = 0 ]; then setpriv --reuid=postgres --regid=postgres --clear-groups -- "$@"; else "$@"; fi; }
mkdir -p "$dir/pg"
if [ "$(id -u)" = 0 ]; then
    chown postgres "$dir/pg"
    # it must reach its own folder
    chmod o+x "$dir"
fi
export PGHOST=$dir/pg PGDATABASE=postgres PGUSER=till
cd /
as "$bin/initdb" -D "$dir/pg/data" -U till --no-locale -E UTF8 >/dev/null
as "$bin/pg_ctl" -D "$dir/pg/data" -w -o "-k $dir/pg -c listen_addresses='' -c max_connections=80" -l "$dir/pg/log" start >/dev/null
trap 'as "$bin/pg_ctl" -D "$dir/pg/data" -m immediate stop >/dev/null 2>&1 || true' EXIT
"$bin/psql" -q <<'SQL'
CREATE TABLE journal (seq bigserial PRIMARY KEY, at bigint NOT NULL, business_date text NOT NULL, event text NOT NULL, payment_id bigint,
  effect text, amount bigint, cashier text, device text, method text, sale_count bigint NOT NULL, sale_amount bigint NOT NULL,
  refund_count bigint NOT NULL, refund_amount bigint NOT NULL, void_count bigint NOT NULL, void_amount bigint NOT NULL,
  voucher_count bigint NOT NULL, voucher_amount bigint NOT NULL, bytes bytea NOT NULL, link bytea NOT NULL, hmac bytea NOT NULL);
CREATE INDEX ON journal (payment_id) WHERE payment_id IS NOT NULL;
CREATE INDEX ON journal (business_date) WHERE effect IS NOT NULL;
CREATE TABLE payment (id bigserial PRIMARY KEY, request_id text NOT NULL UNIQUE, kind text NOT NULL, method text NOT NULL, device text NOT NULL,
  cashier text NOT NULL, business_date text NOT NULL, amount bigint NOT NULL, state text NOT NULL, counted int NOT NULL, slot text, body bytea NOT NULL);
CREATE INDEX ON payment (business_date, id);
CREATE TABLE totals (cashier text, device text, method text, count bigint NOT NULL, amount bigint NOT NULL, PRIMARY KEY (cashier, device, method));
INSERT INTO totals SELECT c::text, 'POS' || c, 'cash', 0, 0 FROM generate_series(0, 63) c;
CREATE TABLE outbox (id bigserial PRIMARY KEY, printer text NOT NULL, what text NOT NULL, state text NOT NULL, created bigint NOT NULL);
SQL
cat >"$dir/pg/sale.sql" <<'SQL'
\set amount random(100, 10000)
BEGIN;
INSERT INTO payment (request_id, kind, method, device, cashier, business_date, amount, state, counted, slot, body)
  VALUES (gen_random_uuid()::text, 'sale', 'cash', 'POS' || :client_id, :client_id::text, '2026-11-25', :amount, 'approved', 1, 'cash', decode(repeat('a5', 120), 'hex'));
INSERT INTO journal (at, business_date, event, payment_id, effect, amount, cashier, device, method, sale_count, sale_amount, refund_count,
  refund_amount, void_count, void_amount, voucher_count, voucher_amount, bytes, link, hmac)
  VALUES (1795000000000, '2026-11-25', 'payment_made', currval('payment_id_seq'), 'sale', :amount, :client_id::text, 'POS' || :client_id, 'cash',
  1, :amount, 0, 0, 0, 0, 0, 0, decode(repeat('5a', 140), 'hex'), decode(repeat('11', 32), 'hex'), decode(repeat('22', 32), 'hex'));
UPDATE totals SET count = count + 1, amount = amount + :amount WHERE cashier = :client_id::text AND device = 'POS' || :client_id AND method = 'cash';
INSERT INTO outbox (printer, what, state, created) VALUES ('front', '{"what":"receipt","payment":' || currval('payment_id_seq') || '}', 'queued', 1);
COMMIT;
SQL
as "$bin/pgbench" -n -M prepared -c 64 -j 2 -T "$seconds" -f "$dir/pg/sale.sql" -h "$dir/pg" -U till postgres 2>/dev/null |
    sed -n 's/^tps = \([0-9.]*\).*/\1/p'
