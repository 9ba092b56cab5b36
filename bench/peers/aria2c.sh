#!/usr/bin/env bash
# The aria2c command: it writes files, and nothing else.

# shellcheck source=bench/peers/peer.sh
. "${0%/*}/peer.sh"
case "$work" in
files) seq "$total" | sed "s|.*|$url/&\n  out=&|" ;;
file) printf '%s\n  out=body\n' "$url" ;;
*) unsupported "it writes files only" ;;
esac >"$list"
measured aria2c -q -j "$concurrency" -x 1 -s 1 --file-allocation=none -d "$directory" -i "$list"
set -- "$directory"/*
report "$#"
