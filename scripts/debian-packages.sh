#!/bin/sh
# Installs the Debian packages that the demo or the tests use and this machine lacks.
# usage: debian-packages.sh demo|test
# As root it installs; otherwise it prints the one command to type. Missing packages never stop
# the demo (SQLite needs none of them); they do stop the tests, which must not pass by skipping.
set -eu

purpose=${1:-demo}
missing=''
need() { # need <package> <file or program that proves it is there>
  if [ -e "$2" ] || command -v "$2" >/dev/null 2>&1; then return 0; fi
  missing="$missing $1"
}

pg=$(ls -d /usr/lib/postgresql/*/bin/initdb 2>/dev/null | head -n 1 || true)
[ -n "$pg" ] || missing="$missing postgresql"
need zstd zstd
need pigz pigz
case "$(uname -m)" in x86_64) libatomic=/usr/lib/x86_64-linux-gnu/libatomic.so.1 ;; *) libatomic=/usr/lib/aarch64-linux-gnu/libatomic.so.1 ;; esac
[ "$(uname -s)" = Linux ] && need libatomic1 "$libatomic"
if [ "$purpose" = test ]; then
  need chromium chromium
  need procps ps
  need strace strace
  need libfaketime "$(dirname "$libatomic")/faketime/libfaketimeMT.so.1"
  need sqlite3 sqlite3
  need age age
  need gnupg gpg
  need mariadb-server /usr/sbin/mariadbd
  need openssh-server /usr/sbin/sshd
fi
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
  echo "easy-backup: this is not Debian; please install by hand:$missing" >&2
  [ "$purpose" = demo ] && exit 0 || exit 1
fi
if [ "$(id -u)" != 0 ]; then
  echo "easy-backup: some programs are missing. Install them with:" >&2
  echo "  sudo apt-get update && sudo apt-get install -y --no-install-recommends$missing" >&2
  [ "$purpose" = demo ] && exit 0 || exit 1
fi

echo "easy-backup: installing$missing (once)"
# Debian's package would create and start a system-wide cluster; only the programs are wanted.
hush=/etc/postgresql-common/createcluster.d/easy-backup.conf
mkdir -p "$(dirname "$hush")"
echo 'create_main_cluster = false' >"$hush"
# Neither may any other server start: this file is how Debian's packages ask (invoke-rc.d, policy-rc.d).
policy=/usr/sbin/policy-rc.d
if [ -e "$policy" ]; then policy=''; else printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"; fi
trap 'rm -f "$hush" ${policy:+"$policy"}' EXIT
log=$(mktemp)
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086  # a list of words on purpose
if ! { apt-get update && apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1; then
  tail -n 20 "$log" >&2
  echo "easy-backup: apt-get failed; the full output is in $log" >&2
  exit 1
fi
rm -f "$log"
