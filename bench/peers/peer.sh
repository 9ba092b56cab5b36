# shellcheck shell=bash
# What the programs of this folder that are commands share: arguments, and how one is measured.
# shellcheck disable=SC2034 # who sources this uses them

set -eu
work=$1 url=$2 total=$3 concurrency=$4 directory=${5:-.}
small=1024 picture=100000 # bytes
list=$(mktemp) output=$(mktemp)
trap 'rm -f "$list" "$output"' EXIT
case "$work" in discard | file) units=1 ;; *) units=$total ;; esac

exec 4>&1 # unsupported may be called where the output is a list
unsupported() {
    echo "unsupported: $*" >&4
    exit 3
}

# Runs a command; sets `wall` and `cpu`, in seconds. What it writes goes to $output.
measured() {
    local TIMEFORMAT="%R %U %S" times
    times=$({ time "$@" >"$output" 2>&3 || true; } 3>&2 2>&1)
    wall=${times%% *}
    cpu=$(awk '{ print $2 + $3 }' <<<"$times")
}

# Prints the line, of so many that succeeded.
report() {
    awk -v wall="$wall" -v cpu="$cpu" -v units="$units" -v succeeded="$1" 'BEGIN {
        printf "wall=%.3f cpu_us=%.2f failed=%d\n", wall, cpu * 1e6 / units, units - succeeded }'
    [ "$1" = "$units" ]
}
