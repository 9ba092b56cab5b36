#!/usr/bin/env bash
# The curl command, with -Z where several run at once.

# shellcheck source=bench/peers/peer.sh
. "${0%/*}/peer.sh"
[ "$concurrency" -le 300 ] || unsupported "300 at once at most"

options=(-s -S --no-progress-meter -K "$list" -w '%{http_code} %{size_download}\n')
[ -z "${BENCH_CA:-}" ] || options+=(--cacert "$BENCH_CA")
[ "$concurrency" = 1 ] || options+=(-Z --parallel-max "$concurrency")

# Writes the list: $1 lines for each of the numbers up to $2.
many() { seq "$2" | sed "s|.*|$1|"; }

case "$work" in
get) many "url = $url\noutput = /dev/null" "$total" ;;
connect)
    options+=(--http1.1 -H "Connection: close")
    many "url = $url\noutput = /dev/null" "$total"
    ;;
files) many "url = $url/&\noutput = $directory/&" "$total" ;;
discard) many "url = $url\noutput = /dev/null" 1 ;;
file) many "url = $url\noutput = $directory/body" 1 ;;
*) unsupported "one list of requests, in one go" ;;
esac >"$list"
case "$work" in
files) size=$picture ;;
discard | file) size=$total ;;
*) size=$small ;;
esac
measured curl "${options[@]}"
report "$(grep -c -x "200 $size" "$output")"
