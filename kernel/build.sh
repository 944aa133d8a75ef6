#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# build.sh <kdir> <outdir> [make argument ...]: build vtl.ko from this directory in <outdir>
#
# <kdir> is what a module is built against: /lib/modules/V/build, /usr/src/linux-headers-V (Debian's
# split headers, too), or a kernel's build directory. The sources are linked into <outdir>, because
# Kbuild writes beside them. For meson: <outdir> may say @VERSION@ for the kernel's release.
set -eu

[ $# -ge 2 ] || { echo "usage: $0 <kdir> <outdir> [make argument ...]" >&2; exit 2; }
src=$(cd "$(dirname "$0")" && pwd)
kdir=$1
out=$2
shift 2

[ -f "$kdir/Makefile" ] || {
	echo "$0: $kdir: no Makefile; install the headers of this kernel" >&2
	exit 1
}
release=$(sed -n 's/^#define UTS_RELEASE "\(.*\)"$/\1/p' "$kdir/include/generated/utsrelease.h") ||
	release=
[ -n "$release" ] || release=$(make -s --no-print-directory -C "$kdir" kernelrelease)
out=$(printf '%s' "$out" | sed "s|@VERSION@|$release|")

mkdir -p "$out"
out=$(cd "$out" && pwd)
[ "$out" != "$src" ] || { echo "$0: not in the source directory" >&2; exit 1; }
for f in "$src"/*.c "$src"/*.h "$src"/Kbuild; do
	ln -sf "$f" "$out/"
done
# The variables of an enclosing make or meson are not meant for this one.
unset MAKEFLAGS MAKELEVEL MFLAGS CFLAGS LDFLAGS
# Headers that bring the kernel's BTF (Debian's of 6.12) want pahole to write the module's; it is only for tracing.
command -v pahole >/dev/null || set -- CONFIG_DEBUG_INFO_BTF_MODULES= "$@"
make -C "$kdir" M="$out" "$@" modules
echo "$out/vtl.ko"
