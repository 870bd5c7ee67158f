#!/bin/bash
# Runs a real S3 server for the tests: Ceph's RGW with one monitor and one store in memory, all on loopback, from Debian's own
# packages. They are unpacked into a folder, never installed. Needs Debian 12, root and about 450 MB of memory.
#
#   ceph-rgw.sh packages CACHE           fetches (61 MB) and unpacks them, once
#   ceph-rgw.sh start CACHE DIR PORT     starts the servers with their files in DIR; also takes the two ports behind PORT
#   ceph-rgw.sh stop DIR
#
# Afterwards http://127.0.0.1:PORT speaks S3: path style, access key `ceph-access`, secret key `ceph-secret`.
set -eEuo pipefail

fetch() { # <cache>
  local cache=$1
  if [ -e "$cache/complete" ]; then return; fi
  if [ "$(id -u)" != 0 ]; then echo "ceph-rgw: needs root" >&2; exit 3; fi
  if ! command -v apt-get >/dev/null || ! grep -qs '^VERSION_ID="12"' /etc/os-release; then
    echo "ceph-rgw: needs Debian 12" >&2
    exit 3
  fi
  mkdir -p "$cache/debs/partial" "$cache/root"
  # apt works out what this machine lacks, and only downloads it
  download "$cache" || { apt-get update -q >/dev/null && download "$cache"; }
  for package in "$cache"/debs/*.deb; do dpkg -x "$package" "$cache/root"; done
  rm -r "$cache/debs"
  touch "$cache/complete"
}

download() { # <cache>
  apt-get install -qq -y --download-only --no-install-recommends -o "Dir::Cache::archives=$(realpath "$1")/debs" \
    -o APT::Sandbox::User=root radosgw ceph-mon ceph-osd ceph-common >/dev/null
}

use() { # <cache>: programs and libraries from there
  root=$(realpath "$1")/root
  libraries=$root/usr/lib/$(uname -m)-linux-gnu
  export PATH=$root/usr/bin:$root/usr/sbin:$PATH PYTHONPATH=$root/usr/lib/python3/dist-packages
  export LD_LIBRARY_PATH=$libraries:$libraries/ceph:$root/lib/$(uname -m)-linux-gnu
}

configure() { # <dir> <port> <fsid>
  local dir=$1 port=$2 fsid=$3
  cat >"$dir/ceph.conf" <<CONF
[global]
fsid = $fsid
mon initial members = a
mon host = [v2:127.0.0.1:$((port + 1)),v1:127.0.0.1:$((port + 2))]
public addr = 127.0.0.1
ms bind msgr1 = true
# nobody else can reach it, and nothing has to outlive it
auth cluster required = none
auth service required = none
auth client required = none
$(for way in cluster service client "mon cluster" "mon service" "mon client"; do echo "ms $way mode = crc"; done)
# one of everything
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pgp num = 4
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 2000
# what is unpacked and not installed
plugin dir = $libraries/ceph
erasure code dir = $libraries/ceph/erasure-code
compressor dir = $libraries/ceph/compressor
osd class dir = $libraries/rados-classes
run dir = $dir
admin socket = $dir/\$name.\$pid.asok
log file = $dir/\$name.log
pid file = $dir/\$name.pid
[mon]
mon data = $dir/mon
mon data avail crit = 1
mon cluster log file = $dir/cluster.log
[osd]
osd data = $dir/osd
osd objectstore = memstore
memstore device bytes = 2147483648
# a folder in memory may have short limits for names
osd max object name len = 1024
osd max object namespace len = 256
[client.rgw]
rgw data = $dir/rgw
rgw frontends = beast endpoint=127.0.0.1:$port
rgw run sync thread = false
rgw thread pool size = 16
CONF
}

start() { # <cache> <dir> <port>
  fetch "$1"
  use "$1"
  local dir port=$3 fsid osd
  fsid=$(cat /proc/sys/kernel/random/uuid)
  osd=$(cat /proc/sys/kernel/random/uuid)
  mkdir -p "$2"/{mon,osd,rgw}
  dir=$(realpath "$2")
  configure "$dir" "$port" "$fsid"
  export CEPH_CONF=$dir/ceph.conf
  local as=(-c "$CEPH_CONF" --setuser root --setgroup root)
  trap 'tail -n 20 "$dir/start.log" >&2; stop "$dir"' ERR

  {
    monmaptool --create --fsid "$fsid" --addv a "[v2:127.0.0.1:$((port + 1)),v1:127.0.0.1:$((port + 2))]" "$dir/monmap"
    ceph-mon -i a --mkfs --monmap "$dir/monmap" "${as[@]}"
    ceph-mon -i a "${as[@]}"
    timeout 30 ceph osd new "$osd"
    ceph-osd -i 0 --mkfs --osd-uuid "$osd" "${as[@]}"
    ceph-osd -i 0 "${as[@]}"
    radosgw -n client.rgw "${as[@]}"
    answers "$port"
    timeout 60 radosgw-admin -n client.rgw user create --uid test --display-name test \
      --access-key ceph-access --secret-key ceph-secret
  } >"$dir/start.log" 2>&1
  echo "http://127.0.0.1:$port"
}

answers() { # <port>: waits until it does, a minute at most
  for _ in $(seq 300); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then return; fi
    sleep 0.2
  done
  echo "ceph-rgw: RGW did not start; see its log" >&2
  return 1
}

stop() { # <dir>
  for file in "$1"/client.rgw.pid "$1"/osd.0.pid "$1"/mon.a.pid; do
    if [ -s "$file" ]; then kill -9 "$(cat "$file")" 2>/dev/null || true; fi
  done
}

case ${1:-} in
  packages) fetch "${2:?the folder for packages}" ;;
  start) start "${2:?the folder for packages}" "${3:?the folder for the server}" "${4:?a port}" ;;
  stop) stop "${2:?the folder of the server}" ;;
  *) sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
