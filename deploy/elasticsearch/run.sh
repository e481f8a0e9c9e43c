#!/usr/bin/env bash
# Runs one real Elasticsearch node from Maven Central's artifacts, without Docker. How and when: README.md beside this file.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
version=$(sed -n 's:.*<elasticsearch.version>\(.*\)</elasticsearch.version>.*:\1:p' "$here/pom.xml")
minimum_java=21

port=${ELASTICSEARCH_PORT:-9200}
heap=${ELASTICSEARCH_HEAP:-1g}
home=${ELASTICSEARCH_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/kiosk/elasticsearch-$version}
data=${ELASTICSEARCH_DATA:-${XDG_DATA_HOME:-$HOME/.local/share}/kiosk/elasticsearch}
log=$data/elasticsearch.log
pid_file=$data/elasticsearch.pid
start_timeout_seconds=90
stop_timeout_seconds=30

usage() {
  cat <<USAGE
Usage: $0 install|run|start|stop|status

  install  downloads Elasticsearch $version (45 MB) with Maven into ELASTICSEARCH_HOME, once
  run      installs if needed and runs in the foreground until SIGTERM or Ctrl+C
  start    installs if needed, runs in the background, returns when the node answers
  stop     stops what start started and waits for its end
  status   tells whether the node answers

ELASTICSEARCH_PORT  $port
ELASTICSEARCH_DATA  $data
ELASTICSEARCH_HOME  $home
ELASTICSEARCH_HEAP  $heap
ES_JAVA_HOME        a JDK of version $minimum_java or later; found by itself in JAVA_HOME, on the PATH or in /usr/lib/jvm
USAGE
}

fail() {
  echo "$0: $*" >&2
  exit 1
}

java_major() { # of the JDK in $1, from its release file; nothing where there is none
  sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$1/release" 2>/dev/null || true
}

find_jdk() {
  local on_path candidate major
  on_path=$(command -v javac || true)
  [[ -n $on_path ]] && on_path=$(dirname "$(dirname "$(readlink -f "$on_path")")")
  for candidate in "${ES_JAVA_HOME:-}" "${JAVA_HOME:-}" "$on_path" /usr/lib/jvm/*; do
    [[ -x $candidate/bin/javac ]] || continue
    major=$(java_major "$candidate")
    if [[ -n $major ]] && ((major >= minimum_java)); then
      echo "$candidate"
      return
    fi
  done
  fail "no JDK $minimum_java or later found; install one or set ES_JAVA_HOME"
}

install_node() {
  [[ -e $home/installed ]] && return
  command -v mvn >/dev/null || fail "mvn is missing: apt-get install maven"
  local module
  find_jdk >/dev/null
  mkdir -p "$(dirname "$home")"
  fresh=$(mktemp -d "$home.XXXXXX") # not local: the trap reads it after this function has ended
  trap 'rm -rf "$fresh"' EXIT
  echo "Downloading Elasticsearch $version from Maven Central into $home" >&2
  mvn --file "$here/pom.xml" --batch-mode --quiet --strict-checksums package -Djars="$fresh/lib" >&2

  # The distribution's own layout: what a module brings along lies beside it, never twice.
  module=$fresh/modules/transport-netty4
  mkdir -p "$module" "$fresh/plugins" "$fresh/native"
  mv "$fresh"/lib/{transport-netty4,elasticsearch-ssl-config,netty}-*.jar "$module"
  cat >"$module/plugin-descriptor.properties" <<DESCRIPTOR
name=transport-netty4
description=Netty 4 based transport implementation
version=$version
elasticsearch.version=$version
java.version=$minimum_java
classname=org.elasticsearch.transport.netty4.Netty4Plugin
DESCRIPTOR
  touch "$fresh/installed"

  # Another process may have been quicker; its copy is as good.
  mv --no-target-directory "$fresh" "$home" 2>/dev/null || [[ -e $home/installed ]] || fail "can't write $home"
}

prepare() { # what follows this folder, not the download: at every start
  install_node
  mkdir -p "$data"
  chmod 700 "$data"
  mkdir -p "$home/config" "$home/classes"
  cp "$here"/config/* "$home/config/"
  if [[ ! $home/classes/SingleNode.class -nt $here/SingleNode.java ]]; then
    "$1/bin/javac" --release "$minimum_java" -cp "$home/lib/*" -d "$home/classes" "$here/SingleNode.java"
  fi
}

run() {
  local jdk
  jdk=$(find_jdk)
  prepare "$jdk"
  # log4j's own hook is off: SingleNode closes the node in a hook too, and that should still be logged.
  exec "$jdk/bin/java" "-Xms$heap" "-Xmx$heap" -XX:+ExitOnOutOfMemoryError -Dlog4j.shutdownHookEnabled=false \
    --add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED \
    "-Des.nativelibs.path=$home/native" -cp "$home/classes:$home/lib/*" \
    SingleNode "$home" "path.data=$data/data" "path.logs=$data/logs" "http.port=$port"
}

answers() {
  (
    exec 3<>"/dev/tcp/127.0.0.1/$port"
    printf 'GET /_cluster/health HTTP/1.0\r\n\r\n' >&3
    grep -qE '"status":"(green|yellow)"' <&3
  ) 2>/dev/null
}

running_pid() { # of the node started with this data folder; a number that now belongs to another process doesn't count
  local pid
  pid=$(cat "$pid_file" 2>/dev/null) || return 1
  tr '\0' '\n' <"/proc/$pid/cmdline" 2>/dev/null | grep -qxF "path.data=$data/data" && echo "$pid"
}

start() {
  running_pid >/dev/null && fail "already running with the data in $data"
  (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && fail "port $port is taken; choose another in ELASTICSEARCH_PORT"
  install_node
  mkdir -p "$data"
  chmod 700 "$data"
  setsid "$0" run </dev/null >"$log" 2>&1 &
  local pid=$! deadline=$((SECONDS + start_timeout_seconds))
  echo "$pid" >"$pid_file"
  until answers; do
    kill -0 "$pid" 2>/dev/null || fail "ended while starting; see $log"
    ((SECONDS < deadline)) || { stop; fail "no answer within $start_timeout_seconds seconds; see $log"; }
    sleep 0.2
  done
  echo "http://127.0.0.1:$port"
}

stop() {
  local pid deadline=$((SECONDS + stop_timeout_seconds))
  pid=$(running_pid) || { rm -f "$pid_file"; echo "not running" >&2; return; }
  kill "$pid"
  while kill -0 "$pid" 2>/dev/null; do
    ((SECONDS < deadline)) || fail "process $pid did not end within $stop_timeout_seconds seconds"
    sleep 0.2
  done
  rm -f "$pid_file"
}

case ${1:-} in
  install) install_node ;;
  run) run ;;
  start) start ;;
  stop) stop ;;
  status) if answers; then echo "answers on http://127.0.0.1:$port"; else echo "no answer on port $port"; exit 1; fi ;;
  *) usage; exit 2 ;;
esac
