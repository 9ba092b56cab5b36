# shellcheck shell=bash
# Builds what the benchmarks need, and raises the limit of descriptors. The scripts of this folder source it.

set -eu
cd "${0%/*}/.."
mkdir -p build/bench
build() {
    local program=$1
    shift
    "${CC:-cc}" -O2 -Wall -Wextra -o "build/bench/$program" "$@"
}
# shellcheck disable=SC2046
build bare bench/bare/*.c $(pkg-config --cflags --libs libuv libcurl)
# shellcheck disable=SC2046
build delay bench/delay.c $(pkg-config --cflags --libs libuv)
build lookups.so -shared -fPIC bench/lookups.c
ulimit -n "$(ulimit -Hn)"
