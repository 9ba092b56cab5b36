#!/usr/bin/env bash
# wrk, as the limit: it looks at nothing but statuses, and keeps no body.

# shellcheck source=bench/peers/peer.sh
. "${0%/*}/peer.sh"
case "$work $url" in
"get https:"*) unsupported "no HTTP/2" ;;
*bench.test*) unsupported "no single requests" ;;
"get "*) ;;
*) unsupported "the same request again and again only" ;;
esac
measured wrk -t 1 -c "$concurrency" -d 3 --timeout 30 "$url"
! grep -E 'Non-2xx|Socket errors' "$output" >&2 || exit 1
units=$(sed -n 's/^ *\([0-9]*\) requests in.*/\1/p' "$output")
report "$units"
