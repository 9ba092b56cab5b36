# shellcheck shell=bash
# What the scripts of this folder share. They source it, from the top of the tree.

log=$PWD/build/${0##*/}.log
mkdir -p build
: >"$log"

say() { printf '%s: %s\n' "${0##*/}" "$*"; }

# Runs a command whose output is only worth seeing when it fails; then ends the script.
quietly() {
    "$@" >>"$log" 2>&1 </dev/null && return
    tail -n 40 "$log" >&2
    say "failed: $*" >&2
    exit 1
}
