#!/usr/bin/env bash
# Packs a built program: `cross/deb.sh armv7|aarch64|x86_64`. Prints where the package lies: target/debian/tilld_VERSION_ARCH.deb. The same program
# gives the same package. DEB_REVISION is the number after the version.
set -euo pipefail
cd "$(dirname "$0")/.."
. cross/lib.sh

[ $# = 1 ] && machine "$1" || { say "usage: cross/deb.sh armv7|aarch64|x86_64"; exit 64; }
have dpkg-deb || apt_install dpkg || { say "no dpkg-deb here"; exit 69; }
have_emulator || { say "no $QEMU here: it runs the program, which writes its own manual"; exit 69; }
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
binary=${TILLD_BINARY:-$target/$TRIPLE/release/tilld}
[ -x "$binary" ] || { say "$binary is not there: run cross/build.sh $1"; exit 66; }
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)-${DEB_REVISION:-1}
# What comes before a version is older than it.
version=${version/-dev/\~dev}
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}

# A program of this machine's own toolchain may also be packed, to try the package out.
needs=
! LC_ALL=C grep -q ld-linux <(readelf -lW "$binary" 2>/dev/null) || needs=", libc6"
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
put() { install -D -m "$1" "$2" "$root/$3"; } # mode, file, place
doc=usr/share/doc/tilld

put 755 "$binary" usr/bin/tilld
put 644 cross/tilld.service lib/systemd/system/tilld.service
put 644 cross/tilld.udev lib/udev/rules.d/60-tilld.rules
put 644 cross/tilld.tmpfiles usr/lib/tmpfiles.d/tilld.conf
put 644 cross/tilld.sysusers usr/lib/sysusers.d/tilld.conf
put 644 cross/tilld.toml $doc/examples/tilld.toml
put 644 cross/debian/copyright $doc/copyright
put 644 cross/debian/overrides usr/share/lintian/overrides/tilld

squeeze() { gzip -9n >"$root/$1" && chmod 644 "$root/$1"; }
date=$(LC_ALL=C date -u -d "@$SOURCE_DATE_EPOCH" -R)
# The manual is what the program says of itself.
share=$root/usr/share
tilld() { $QEMU "$root/usr/bin/tilld" "$@"; }
tilld man "$share/man" 2>/dev/null
gzip -9n "$share"/man/man?/* && chmod 644 "$share"/man/man?/*
mkdir -p "$share"/{bash-completion/completions,zsh/vendor-completions,fish/vendor_completions.d}
tilld completions bash >"$share/bash-completion/completions/tilld"
tilld completions zsh >"$share/zsh/vendor-completions/_tilld"
tilld completions fish >"$share/fish/vendor_completions.d/tilld.fish"
printf 'tilld (%s) stable; urgency=medium\n\n  * See changelog.gz.\n\n -- tilld maintainers <tilld@packages.invalid>  %s\n' "$version" "$date" |
  squeeze $doc/changelog.Debian.gz
squeeze $doc/changelog.gz <CHANGELOG.md
cross/licences.py "$TRIPLE" "${CARGO:-cargo}" | squeeze $doc/licences.txt.gz

mkdir "$root/DEBIAN"
for script in postinst prerm postrm; do
  install -m 755 cross/debian/$script "$root/DEBIAN/$script"
done
cat >"$root/DEBIAN/control" <<END
Package: tilld
Version: $version
Architecture: $DEB
Maintainer: tilld maintainers <tilld@packages.invalid>
Section: net
Priority: optional
Depends: systemd$needs
Installed-Size: $(du -sk --exclude=DEBIAN "$root" | cut -f1)
Description: till daemon: journals every payment and closes the business day
 Runs on a POS terminal or a store gateway, writes every payment to a journal
 before anyone is told of it, and keeps selling while the acquirer is out of
 reach. It closes the business day per cashier and per device from one ledger,
 prints the day report, and settles with the acquirer when the line is back.
END
(cd "$root" && find . -path ./DEBIAN -prune -o -type f -printf '%P\0' | sort -z | xargs -0 md5sum >DEBIAN/md5sums)
chmod 644 "$root/DEBIAN/md5sums" "$root/DEBIAN/control"
find "$root" -type d -exec chmod 755 {} +
find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
mkdir -p "$target/debian"
package=$target/debian/tilld_${version}_$DEB.deb
dpkg-deb --root-owner-group -Zxz --build "$root" "$package" >&2
printf '%s\n' "$package"
