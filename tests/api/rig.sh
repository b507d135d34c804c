# Sourced by the scripts beside it: a store with a manager, two cashiers and a simulated acquirer, on free ports, in a folder of its own.
# Gives $base (http://127.0.0.1:PORT), $token, $dir, $tilld. Everything ends with the script.
# shellcheck shell=bash
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
tilld=${TILLD:-$root/target/debug/tilld}
[ -x "$tilld" ] || { echo "no $tilld: cargo build first" >&2; exit 69; }
dir=$(mktemp -d)
rig_pids=()
rig_end() {
    for pid in "${rig_pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -rf "$dir"
}
trap rig_end EXIT

free_port() { python3 -c 'import socket; s=socket.socket(); s.bind(("127.0.0.1",0)); print(s.getsockname()[1])'; }
acquirer=$(free_port)
port=$(free_port)
base=http://127.0.0.1:$port
umask 077
echo 0123456789ABCDEFFEDCBA9876543210 >"$dir/POS1.tmk"
cat >"$dir/tilld.toml" <<TOML
[store]
id = "S001"
name = "望京店"
timezone = "Asia/Shanghai"
currency = "CNY"
day_cut = "manual"
[data]
dir = "$dir/data"
mark_file = "$dir/tilld.mark"
[api]
socket = "$dir/tilld.sock"
listen = "127.0.0.1:$port"
token_file = "$dir/token"
[acquirer]
profile = "unionpay-pos"
endpoint = "tcp://127.0.0.1:$acquirer"
tpdu = "6000030000"
header = "602200000000"
timeout_ms = 2000
[offline]
max_amount = 50000
max_total = 2000000
max_count = 500
max_age_hours = 72
[[terminal]]
id = "POS1"
tid = "12345678"
mid = "123456789012345"
master_key_file = "$dir/POS1.tmk"
serial_number = "00003202"
[[terminal]]
id = "POS2"
tid = "12345679"
mid = "123456789012345"
master_key_file = "$dir/POS1.tmk"
serial_number = "00003203"
[[printer]]
id = "front"
port = "$dir/printer"
columns = 48
TOML
cat >"$dir/scenario.toml" <<TOML
[[decline]]
ending = 51
code = "51"
TOML
export TILLD_CONFIG=$dir/tilld.toml
for person in "1001 小王 cashier" "1002 小李 cashier" "9001 周店长 manager" "9009 老郑 technician"; do
    read -r id name role <<<"$person"
    echo 246810 | "$tilld" cashier add "$id" --name "$name" --role "$role" --pin-stdin >/dev/null
done
"$tilld" sim acquirer --listen "127.0.0.1:$acquirer" --books "$dir/books.jsonl" --scenario "$dir/scenario.toml" \
    --any-terminal 0123456789ABCDEFFEDCBA9876543210 >/dev/null 2>"$dir/acquirer.log" &
acquirer_pid=$!
rig_pids+=("$acquirer_pid")
"$tilld" sim printer --port "$dir/printer" >/dev/null 2>"$dir/printer.log" &
rig_pids+=("$!")
"$tilld" run 2>"$dir/tilld.log" &
rig_pids+=("$!")
for _ in $(seq 100); do
    curl -fsS "$base/healthz" >/dev/null 2>&1 && break
    sleep 0.1
done
curl -fsS "$base/healthz" >/dev/null || { cat "$dir/tilld.log" >&2; exit 70; }
token=$(cat "$dir/token")
