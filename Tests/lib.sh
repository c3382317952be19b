# Shell functions that Tests/run and Tests/sanitize share. Source it after envoy/lib.sh.

venv=$PWD/.cache/test-venv
python=$venv/bin/python

# test_venv: the Python environment of the end-to-end bench and the wire tests.
test_venv() {
  local packages=()
  mkdir -p .cache
  mapfile -t packages < <(
    sed -e 's/[[:space:]]*#.*//' -e '/^$/d' Tests/EndToEnd/requirements.txt \
      Tests/Compatibility/requirements.txt Tests/Kubernetes/requirements.txt | sort -u
  )
  need_venv "$venv" "${packages[@]}"
  # xds-protos brings an old copy of OpenTelemetry's messages; the package installed last overwrites the
  # other's files.
  "$python" -c 'from opentelemetry.proto.logs.v1.logs_pb2 import ResourceLogs as message
assert "scope_logs" in message.DESCRIPTOR.fields_by_name' 2>/dev/null ||
    "$python" -m pip --quiet --disable-pip-version-check install --force-reinstall --no-deps \
      "$(grep '^opentelemetry-proto==' Tests/EndToEnd/requirements.txt)" >&2
}

# layers: the rules of Tests/layers on made-up graphs, then on the targets.
layers() {
  Tests/layers --self-test && Tests/layers
}

release_build() {
  local product
  for product in tollgate model-simulator; do
    swift build -c release --product "$product" || return 1
  done
}

# start_results: makes an empty folder for reports, and sets the sums to 0.
start_results() {
  results=$(mktemp -d "${TMPDIR:-/tmp}/tollgate-tests.XXXXXX")
  trap 'rm -rf "$results"' EXIT
  passed=0 failed=0 skipped=0 summary=() failures=()
}

# cpu: sets `cpu_seconds` to the CPU time, user and system, of all that this script has run so far.
# A subshell would count its own children, so `times` goes through a file.
cpu() {
  times >"$results/times"
  cpu_seconds=$(awk 'NR == 2 { gsub(/[ms]/, " "); print int($1 * 60 + $2 + $3 * 60 + $4) }' \
    "$results/times")
}

# suite NAME SECONDS COMMAND...: a step that passes or fails as a whole.
suite() {
  local name=$1 seconds=$2 began=$SECONDS code=0
  shift 2
  cpu
  local cpu_began=$cpu_seconds
  printf '\n== %s\n' "$name"
  kept "$seconds" "$@" || code=$?
  if [ "$code" -eq 0 ]; then
    count "$name" 1 0 0 "$began" "$cpu_began"
  else
    failed_whole "$name" "$code"
    count "$name" 0 1 0 "$began" "$cpu_began"
  fi
}

# suite_xml NAME SECONDS REPORT COMMAND...: a step that writes JUnit reports REPORT*.xml. One that
# fails without a failed test in its reports, or that writes none, is one failure.
suite_xml() {
  local name=$1 seconds=$2 report=$3 began=$SECONDS code=0 sums failure
  shift 3
  cpu
  local cpu_began=$cpu_seconds
  printf '\n== %s\n' "$name"
  kept "$seconds" "$@" || code=$?
  mapfile -t sums < <(python3 Tests/junit.py "$code" "$report"*.xml)
  for failure in "${sums[@]:1}"; do failures+=("$name: $failure"); done
  if [ "${#sums[@]}" -eq 1 ] && [[ ${sums[0]} != *' 0 '* ]]; then failed_whole "$name" "$code"; fi
  # Three numbers, to be split.
  # shellcheck disable=SC2086
  count "$name" ${sums[0]} "$began" "$cpu_began"
}

# kept SECONDS COMMAND...: as `bounded`; what it prints also goes to $results/output.
kept() {
  local code=0 copying _
  bounded "$@" > >(exec tee "$results/output") 2>&1 || code=$?
  copying=$!
  # A process that the step left running may hold the output open: wait a second and no longer.
  for _ in {1..20}; do
    kill -0 "$copying" 2>/dev/null || break
    sleep 0.05
  done
  return "$code"
}

# failed_whole NAME CODE: for a step that failed without naming a test: notes the end of its output.
failed_whole() {
  local line
  failures+=("$1: exit code $2, and at the end:")
  while IFS= read -r line; do failures+=("  $line"); done < <(tail -n 20 "$results/output")
}

# bounded SECONDS COMMAND...: a function runs as it is; a program is ended when it takes too long.
bounded() {
  local seconds=$1
  shift
  if [ "$(type -t "$1")" = function ]; then
    "$@" </dev/null
  else
    timeout --kill-after=30 "$seconds" "$@" </dev/null
  fi
}

# count NAME PASSED FAILED SKIPPED BEGAN CPU-BEGAN
count() {
  cpu
  passed=$((passed + $2)) failed=$((failed + $3)) skipped=$((skipped + $4))
  summary+=("$(printf '%-32s %5d passed %4d failed %4d skipped %5d s %5d s of CPU' \
    "$1" "$2" "$3" "$4" $((SECONDS - $5)) $((cpu_seconds - $6)))")
}

# finish: prints what failed, the summary and its sum, and ends the script.
finish() {
  if [ "${#failures[@]}" -gt 0 ]; then
    printf '\n== failures\n'
    printf '%s\n' "${failures[@]}"
  fi
  printf '\n== summary\n'
  printf '%s\n' "${summary[@]}"
  printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
  [ "$failed" -eq 0 ] || exit 1
  exit 0
}
