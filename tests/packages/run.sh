#!/usr/bin/env bash
# The package as a store meets it.
#   tests/packages/run.sh look DEB …      what lies in it and where, lintian, systemd-analyze verify; for any machine's package
#   tests/packages/run.sh live OLD NEW    in a folder with a small Debian (debootstrap): OLD is installed, configured as the technicians' pages say,
#                                         started, sells; NEW is installed over the day in progress; stopped, removed, purged, installed again
# What is missing is installed from Debian where that may be; where it may not, it says so loudly and stops with 0.
set -euo pipefail
cd "$(dirname "$0")/../.."
. cross/lib.sh

must() { "$@" || { say "not so: $*"; exit 1; }; }

look() { # one package
  local deb=$1 root name
  root=$(mktemp -d)
  name=$(basename "$deb")
  dpkg-deb -x "$deb" "$root"
  local file
  for file in usr/bin/tilld lib/systemd/system/tilld.service lib/udev/rules.d/60-tilld.rules usr/lib/tmpfiles.d/tilld.conf \
    usr/share/{man/man1/tilld.1.gz,man/man1/tilld-cashier-add.1.gz,man/man5/tilld.toml.5.gz,bash-completion/completions/tilld} \
    usr/share/{zsh/vendor-completions/_tilld,fish/vendor_completions.d/tilld.fish} \
    usr/share/doc/tilld/{copyright,changelog.gz,licences.txt.gz,examples/tilld.toml}; do
    must test -s "$root/$file"
  done
  must [ "$(gzip -dc "$root/usr/share/doc/tilld/licences.txt.gz" | grep -c '^tokio .* MIT ')" = 1 ]
  # Its table is in the program, its code is not.
  must [ "$(gzip -dc "$root/usr/share/doc/tilld/licences.txt.gz" | grep -c '^encoding_rs .*BSD-3-Clause')" = 1 ]
  # Nothing of a store's own is in it.
  must [ -z "$(find "$root/etc" "$root/var" -type f 2>/dev/null)" ]
  must [ "$(dpkg-deb -c "$deb" | awk '{print $2}' | sort -u)" = root/root ]
  if have systemd-analyze; then
    # Its program is not installed here: the same unit with one that is.
    sed 's#^ExecStart=/usr/bin/tilld#ExecStart=/bin/true#' "$root/lib/systemd/system/tilld.service" >"$root/tilld.service"
    must systemd-analyze verify --man=no "$root/tilld.service"
  else
    say "SKIPPED: no systemd-analyze"
  fi
  if have lintian || apt_install lintian; then
    must lintian --fail-on error,warning --allow-root "$deb"
  else
    say "SKIPPED: no lintian"
  fi
  rm -rf "$root"
  echo "$name: as it must be"
}

# A small Debian, made once.
base() {
  BASE=${CROSS_BASE:-${XDG_CACHE_HOME:-$HOME/.cache}/tilld-cross/bookworm}
  [ -e "$BASE.made" ] && return
  have debootstrap || apt_install debootstrap || return 1
  local mirror
  mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 2>/dev/null | head -1)
  rm -rf "$BASE"
  mkdir -p "$BASE"
  debootstrap --variant=minbase --include=systemd,udev,procps,openssl,curl bookworm "$BASE" "${mirror:-http://deb.debian.org/debian}" >"$BASE.log" 2>&1 ||
    { tail -5 "$BASE.log" >&2; return 1; }
  touch "$BASE.made"
}

inside() { chroot "$ROOT" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 "$@"; }

# The commands of both pages are the same, in the same order; each may have something of this test's before it: before-N.sh.
follow() {
  python3 - docs/technicians.en.md docs/technicians.zh.md >"$ROOT/root/page.sh" <<'PY'
import re, sys
english, chinese = (re.findall(r"^```sh\n(.*?)^```", open(page, encoding="utf-8").read(), re.M | re.S) for page in sys.argv[1:])
assert english == chinese, "the two pages give other commands"
assert len(english) == 11, f"the page has {len(english)} pieces of commands: look at before-N.sh"
print("set -euo pipefail\ncd /root")
for number, block in enumerate(english):
    print(f"echo '-- commands {number}'\n[ ! -e before-{number}.sh ] || . ./before-{number}.sh\n{block}")
PY
  inside bash /root/page.sh
}

TERMINAL_KEY=0123456789ABCDEFFEDCBA9876543210

# The other side of each wire. What is inside the folder sees it at the names of the example configuration.
simulate() {
  mkdir -p "$ROOT/dev/serial/by-id" "$ROOT/opt" "$ROOT/root/sim"
  install -m 755 "$1" "$ROOT/opt/sim"
  inside /opt/sim sim printer --port /dev/serial/by-id/usb-printer >"$ROOT/root/sim/printer.log" 2>&1 &
  inside /opt/sim sim scanner --port /dev/serial/by-id/usb-scanner >"$ROOT/root/sim/scanner.log" 2>&1 &
  cat >"$ROOT/root/acquirer.sh" <<END
# acquirer on|off
case "\$1" in
  on)
    /opt/sim sim acquirer --books /root/sim/books.jsonl --statement /root/sim/statement.csv --any-terminal $TERMINAL_KEY >>/root/sim/judgement 2>/root/sim/acquirer.log &
    echo \$! >/root/sim/acquirer.pid
    ;;
  off) kill "\$(cat /root/sim/acquirer.pid)"; sleep 1 ;;
esac
END
  inside bash /root/acquirer.sh on
  local name
  for name in usb-printer usb-scanner; do
    for _ in $(seq 50); do [ -e "$ROOT/dev/serial/by-id/$name" ] && break; sleep 0.1; done
    # What the group dialout is to a real port.
    inside chgrp dialout "/dev/serial/by-id/$name" && inside chmod 660 "/dev/serial/by-id/$name"
  done
}

# What a technician has at hand, and what happens between the steps of the page.
scene() { # old, new
  mkdir -p "$ROOT/root/update" "$ROOT/media"
  cp "$1" "$2" "$ROOT/root/" && mv "$ROOT/root/$(basename "$2")" "$ROOT/root/update/"
  cat >"$ROOT/root/lib.sh" <<'END'
ask() { curl -fsS --unix-socket /run/tilld/tilld.sock -H 'content-type: application/json' "http://tilld$@"; }
state() { python_free_value "$1"; }
until_holds() { # seconds, command
  local n=$1
  shift
  for _ in $(seq "$n"); do "$@" && return; sleep 1; done
  echo "not within $n s: $*" >&2
  ask /healthz >&2
  return 1
}
waiting() { ask /v1/day | grep -o '"offline":{[^}]*}' | grep -o '"waiting":[0-9]*' | cut -d: -f2; }
none_waits() { [ "$(waiting)" = 0 ]; }
lines_are() { [ "$(ask /healthz | grep -o '"line":"[a-z]*"' | sort -u)" = "\"line\":\"$1\"" ]; }
# With `set -e`, a line that begins with ! never fails.
not() { if "$@"; then echo "must not be: $*" >&2; return 1; fi; }
END
  sed -i '/^state() /d' "$ROOT/root/lib.sh"
  # Nobody is served before a person has configured it; the user is there.
  cat >"$ROOT/root/before-1.sh" <<'END'
. ./lib.sh
id tilld | grep -q dialout
[ "$(stat -c '%U %G %a' /etc/tilld /var/lib/tilld | xargs)" = "root tilld 750 tilld tilld 700" ]
not systemctl is-active tilld
[ -z "$(find /etc/tilld /var/lib/tilld -mindepth 1)" ]
END
  # A stranger's key letter, typed in.
  echo "echo $TERMINAL_KEY > key-letter" >"$ROOT/root/before-3.sh"
  cat >"$ROOT/root/before-6.sh" <<'END'
tail -1 doctor.txt | grep -qx 'this till can sell'
systemctl is-active tilld
END
  cat >"$ROOT/root/before-7.sh" <<'END'
pay '{"request_id":"test-3","kind":"sale","device":"POS1","cashier":"1001","method":"card","amount":1234,"currency":"CNY","card":{"track2":"6222021234567890128=49121010000000000","entry":"magstripe"}}' |
  grep -q '"state":"approved"'
END
  # The acquirer goes away; a day is in progress, with cards that wait.
  cat >"$ROOT/root/before-8.sh" <<'END'
grep -q 'Z 0001' z1.txt || { cat z1.txt; exit 1; }
bash acquirer.sh off
until_holds 60 lines_are down
for n in 1 2 3; do
  pay '{"request_id":"wait-'$n'","kind":"sale","device":"POS1","cashier":"1001","method":"card","amount":200'$n',"currency":"CNY","card":{"track2":"6222021234567890128=49121010000000000","entry":"magstripe"}}' |
    grep -q '"state":"stored"'
done
ask '/v1/payments?limit=500' > before.json
old_pid=$(cat /run/systemctl-tilld.pid)
END
  cat >"$ROOT/root/before-9.sh" <<'END'
until_holds 30 ask /healthz > /dev/null
[ "$old_pid" != "$(cat /run/systemctl-tilld.pid)" ]
ask '/v1/payments?limit=500' > after.json
grep -o '"\(id\|state\|amount\)":[^,]*' before.json > before.txt
grep -o '"\(id\|state\|amount\)":[^,]*' after.json > after.txt
[ "$(grep -c '"stored"' before.txt)" = 3 ]
cmp before.txt after.txt
[ "$(waiting)" = 3 ]
END
  # The new machine has nothing but the package.
  echo 'rm -rf /var/lib/tilld/* /etc/tilld/*' >"$ROOT/root/before-10.sh"
  cat >"$ROOT/root/after.sh" <<'END'
set -euo pipefail
cd /root
. ./lib.sh
[ "$(waiting)" = 3 ]
bash acquirer.sh on
until_holds 60 none_waits
runuser -u tilld -- tilld close --by 9001 --wait 60 --json > z2.json
grep -q '"cross_foot": *true' z2.json
grep -q '"result": *"balanced"' z2.json
not grep -q '"result": *"\(unbalanced\|error\|unconfirmed\|pending\)"' z2.json
bash acquirer.sh off
runuser -u tilld -- tilld verify
cp sim/statement.csv /tmp/statement.csv && chmod 644 /tmp/statement.csv
runuser -u tilld -- tilld reconcile /tmp/statement.csv
echo '-- removed'
dpkg -r tilld
not systemctl is-active tilld
[ ! -e /usr/bin/tilld ]
find /var/lib/tilld /etc/tilld /media/other -type f | sort | xargs sha256sum > removed.txt
grep -q tilld.sqlite removed.txt
grep -q tilld.toml removed.txt
echo '-- purged'
dpkg -P tilld
find /var/lib/tilld /etc/tilld /media/other -type f | sort | xargs sha256sum | cmp - removed.txt
echo '-- installed again'
dpkg -i update/tilld_*.deb
runuser -u tilld -- tilld verify
runuser -u tilld -- tilld report --day 2 > z2.txt
grep -q 'Z 0002' z2.txt
END
}

live() {
  [ "$(id -u)" = 0 ] || skip "packages, live" "chroot needs root"
  if [ -z "${TILLD_UNSHARED:-}" ]; then
    base || skip "packages, live" "debootstrap cannot make a Debian here"
    unshare --net --mount true 2>/dev/null || skip "packages, live" "no namespaces: its ports and mounts would be this machine's"
    TILLD_UNSHARED=$BASE exec unshare --net --mount "$PWD/tests/packages/run.sh" live "$@"
  fi
  BASE=$TILLD_UNSHARED
  python3 -c 'import fcntl, socket, struct; fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh14x", b"lo", 0x41))'
  ROOT=$(mktemp -d)
  trap finish EXIT
  cp -a "$BASE/." "$ROOT"
  # A machine with systemd, as far as the package can tell.
  rm -f "$ROOT/bin/systemctl"
  install -m 755 tests/packages/systemctl "$ROOT/bin/systemctl"
  mkdir -p "$ROOT/run/systemd/system" "$ROOT/dev/pts"
  mount -t proc proc "$ROOT/proc"
  mount -t devpts -o newinstance,ptmxmode=0666 devpts "$ROOT/dev/pts" || mount --bind /dev/pts "$ROOT/dev/pts"
  mkdir -p "$ROOT/media/other" && mount -t tmpfs tmpfs "$ROOT/media/other"
  rm -f "$ROOT/dev/ptmx" && ln -s pts/ptmx "$ROOT/dev/ptmx"
  local unpacked
  unpacked=$(mktemp -d)
  dpkg-deb -x "$2" "$unpacked"
  simulate "$unpacked/usr/bin/tilld"
  rm -rf "$unpacked"
  scene "$1" "$2"
  follow
  inside bash /root/after.sh
  echo "packages: nothing lost"
}

finish() {
  local rc=$?
  if [ $rc != 0 ]; then
    tail -n 20 "$ROOT"/var/log/tilld.log "$ROOT"/root/sim/*.log "$ROOT"/root/doctor.txt >&2 || true
  fi
  inside systemctl stop tilld >/dev/null 2>&1 || true
  # Its own children alone: what runs inside this folder.
  local pid
  for pid in $(for at in /proc/[0-9]*; do [ "$(readlink "$at/root")" != "$ROOT" ] || basename "$at"; done); do kill "$pid" 2>/dev/null || true; done
  sleep 1
  umount "$ROOT/media/other" "$ROOT/dev/pts" "$ROOT/proc" || true
  rm -rf --one-file-system "$ROOT"
}

case "${1:-}" in
  look)
    shift
    for deb in "$@"; do look "$deb"; done
    ;;
  live) [ $# = 3 ] || exit 64; live "$2" "$3" ;;
  *)
    sed -n '3,5s/^# *//p' "$0" >&2
    exit 64
    ;;
esac
