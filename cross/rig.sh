#!/usr/bin/env bash
# The rig runner: a store's day with the program and the firmware as they run at the counter.
#
#   cross/rig.sh armv7|aarch64|x86_64          the program for that machine (emulated where this one is another), the firmware on an emulated
#                                              Cortex-M3 as POS3's PIN pad, reader and drawer; printers, readers and acquirer are simulated
#   cross/rig.sh ARCH --host USER@BOARD [--bridge PORT]
#                                              the same on a board over ssh; PORT is the bridge on the board, without it one is simulated there
#   cross/rig.sh firmware                      the firmware alone
#
# Ends with `rig: balanced` and target/rig/ARCH.xml (JUnit). TILLD_BINARY names a program that is built already. It installs from Debian what is
# missing where it may; where it may not, it says so loudly and stops with 0.
set -euo pipefail
cd "$(dirname "$0")/.."
. cross/lib.sh
. cross/firmware.sh

usage() {
  sed -n '4,9s/^#  *//p' "$0" >&2
  exit 64
}

# --- the machine under test -----------------------------------------------------------------------------------------------

remote() { ssh -o BatchMode=yes -o ConnectTimeout=10 ${RIG_SSH_OPTIONS:-} "$HOST" "$@"; }

# Runs the program there, in its folder.
tilld() {
  if [ -n "$HOST" ]; then
    remote "cd $(printf %q "$THERE") && exec ./tilld $(printf '%q ' "$@")"
  else
    (cd "$THERE" && exec $QEMU "$BINARY" "$@")
  fi
}

set_up_board() {
  local is
  is=$(remote uname -m) || { say "$HOST does not answer over ssh without a password"; return 1; }
  case "$ARCH:$is" in
    armv7:armv7* | armv7:armv8* | armv7:aarch64 | aarch64:aarch64 | x86_64:x86_64) ;;
    *) say "$HOST is $is, not $ARCH"; return 1 ;;
  esac
  THERE=$(remote mktemp -d)
  remote "cat >$(printf %q "$THERE/tilld") && chmod 755 $(printf %q "$THERE/tilld")" <"$BINARY"
  if [ -z "$BRIDGE" ]; then
    BRIDGE=$THERE/pad
    remote "cd $(printf %q "$THERE") && { ./tilld sim bridge --port pad </dev/null >pad.log 2>&1 & echo \$! >pad.pid; }"
    for _ in $(seq 50); do
      remote "test -e $(printf %q "$BRIDGE")" && return
      sleep 0.2
    done
    remote "cat $(printf %q "$THERE/pad.log")" >&2
    return 1
  fi
}

take_down() { # exit code
  # What failed before the first step, or between two of them, stands in the report, too.
  if [ "$1" != 0 ] && [ $FAILED = 0 ]; then
    FAILED=1 COUNT=$((COUNT + 1))
    CASES+=$(printf '  <testcase classname="rig.%s" name="the rig is set up">\n    <failure message="exit code %d"/>\n  </testcase>' "$ARCH" "$1")$'\n'
  fi
  [ $COUNT = 0 ] || write_junit
  firmware_stop
  [ -z "$HOST" ] || [ -z "$THERE" ] ||
    remote "cd $(printf %q "$THERE") && { test ! -e pad.pid || kill \$(cat pad.pid); }; rm -rf $(printf %q "$THERE")" || true
  [ -z "$HERE" ] || rm -rf "$HERE"
}

# --- the report -----------------------------------------------------------------------------------------------------------

CASES= FAILED=0 COUNT=0 BEGAN=$SECONDS

escape() { tr -d '\000-\010\013\014\016-\037' | sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g; s/"/\&quot;/g'; }

# Runs a step; its words on standard error, its time and, where it fails, its last words in the report. A step that fails ends the rig.
step() { # name, command
  local name=$1 began log
  shift
  began=$(date +%s%N)
  log=$(mktemp)
  say "-- $name"
  local rc=0
  # Not in a condition: inside one, `set -e` would not hold in the step.
  set +e
  (set -e; "$@") >"$log" 2>&1
  rc=$?
  set -e
  cat "$log" >&2
  COUNT=$((COUNT + 1))
  local took=$(($(date +%s%N) - began))
  CASES+=$(printf '  <testcase classname="rig.%s" name="%s" time="%d.%03d"' "$ARCH" "$(escape <<<"$name")" $((took / 1000000000)) $((took / 1000000 % 1000)))
  if [ $rc = 0 ]; then
    CASES+=$'/>\n'
  else
    FAILED=1
    CASES+=$(printf '>\n    <failure message="exit code %d">%s</failure>\n  </testcase>' $rc "$(tail -c 4000 "$log" | escape)")$'\n'
  fi
  rm -f "$log"
  return $rc
}

write_junit() {
  mkdir -p target/rig
  printf '<?xml version="1.0" encoding="UTF-8"?>\n<testsuite name="rig %s" tests="%d" failures="%d" errors="0" skipped="0" time="%d">\n%s</testsuite>\n' \
    "$ARCH${HOST:+ on $HOST}" "$COUNT" "$FAILED" "$((SECONDS - BEGAN))" "$CASES" >"target/rig/$ARCH.xml"
}

# --- the day --------------------------------------------------------------------------------------------------------------

play() { tilld demo --json --dir day --bridge "$BRIDGE" >"$HERE/day.json"; }

fetch() {
  [ -n "$HOST" ] || return 0
  remote "tar -C $(printf %q "$THERE") -cf - day" | tar -C "$HERE" -xf -
}

# One value of the day's object.
value() { python3 -c 'import json, sys; day = json.load(open(sys.argv[1])); print(json.dumps(eval(sys.argv[2], {"day": day})))' "$HERE/day.json" "$1"; }

must_be() { # what, expected
  local is
  is=$(value "$1")
  [ "$is" = "$2" ] || { say "$1 is $is, not $2"; return 1; }
}

day_is_right() {
  must_be 'day["duplicates"]' 0
  must_be 'day["lost"]' 0
  must_be 'day["cross_foot"]' true
  must_be 'day["demo"]["bridge"]' true
  must_be 'sorted({s["result"] for s in day["settlement"]})' '["balanced"]'
  python3 .ci/judge-demo.py "$HERE/day.json" "$HERE/day"
}

# The same database, read by this machine's own program: the journal's bytes are the same on every machine.
verify_here() {
  local native=${TILLD_NATIVE:-}
  if [ -z "$native" ]; then
    native=$(env -u CARGO_TARGET_DIR cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/release/tilld
    [ -x "$native" ] || env -u CARGO_ENCODED_RUSTFLAGS cargo build --release --quiet
  fi
  "$native" verify --config "$HERE/day/tilld.toml"
}

rig() {
  have python3 || apt_install python3 || skip "rig $ARCH" "no python3 to judge the day from outside"
  HERE=$(mktemp -d)
  THERE=
  trap 'take_down $?' EXIT
  if [ -n "$HOST" ]; then
    have ssh && have tar || apt_install openssh-client tar || skip "rig $ARCH" "no ssh"
  else
    have_emulator || skip "rig $ARCH" "no $QEMU, and it cannot be installed"
    THERE=$HERE
  fi
  BINARY=${TILLD_BINARY:-}
  if [ -z "$BINARY" ]; then
    BINARY=$(cross/build.sh "$ARCH") || { say "rig $ARCH: no program"; exit 1; }
  fi
  BINARY=$(realpath "$BINARY")
  if [ -n "$HOST" ]; then
    set_up_board
  elif [ -z "$BRIDGE" ]; then
    firmware_start
    BRIDGE=$FW_PTY
  fi
  step "the program runs" tilld --version
  step "the PIN pad says who it is" tilld bridge info --port "$BRIDGE"
  step "200 round trips to it" tilld bridge ping --port "$BRIDGE" --count 200
  step "the day" play
  step "the day's folder" fetch
  step "nothing twice, nothing lost, everything balanced" day_is_right
  step "the journal verifies where it was written" tilld verify --config day/tilld.toml
  step "the journal verifies on this machine" verify_here
  step "every row of the statement matches" tilld reconcile day/acquirer-statement.csv --config day/tilld.toml
  say "$(value 'day["demo"]["payments"]') payments in $((SECONDS - BEGAN)) s; target/rig/$ARCH.xml"
  echo "rig: balanced"
}

ARCH=${1:-} HOST= BRIDGE=
[ $# -ge 1 ] || usage
shift
[ "$ARCH" != firmware ] || { [ $# = 0 ] || usage; firmware; exit; }
machine "$ARCH" || usage
while [ $# -gt 0 ]; do
  case "$1" in
    --host) HOST=${2:?--host needs USER@BOARD} ;;
    --bridge) BRIDGE=${2:?--bridge needs a port} ;;
    *) usage ;;
  esac
  shift 2
done
rig
