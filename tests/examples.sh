#!/bin/sh
# Each example is run the way its first lines say, and must leave an image. (The Makefile
# wants an installed library: tests/abi/install.py uses it.)
#   sh tests/examples.sh [BUILD_DIRECTORY=build]
set -eu
cd "$(dirname "$0")/.."
build=$(cd "${1:-build}" && pwd)
scratch=$(mktemp -d)
server=
stop() {
    [ -z "$server" ] || { kill "$server" && wait "$server"; } || true
    rm -rf "$scratch"
}
trap stop EXIT
trap 'exit 1' INT TERM

say() { printf '== %s\n' "$1"; }

# is_image FILE KIND
is_image() {
    case "$2:$(od -An -tx1 -N 12 "$1" | tr -d ' \n')" in
    jpeg:ffd8ff* | png:89504e470d0a1a0a* | webp:52494646????????57454250) echo "$1: a $2" ;;
    *) echo "$1: not a $2" >&2; exit 1 ;;
    esac
}

say 'quickstart.sh --once'
sh examples/quickstart.sh --once
sample=$PWD/build/quickstart/sample.png
is_image "$sample" png

say 'thumbnail'
"$build/examples/thumbnail" "$sample" "$scratch/thumbnail.webp" 200 100
is_image "$scratch/thumbnail.webp" webp

say 'submit_and_wait'
mkdir "$scratch/store"
"$build/examples/submit_and_wait" "$scratch/store" "$sample" "$scratch/job.out" \
    '{"operation": "thumbnail", "width": 64, "height": 64, "output_format": "webp"}'
is_image "$scratch/job.out" webp

say 'follow'
mkdir "$scratch/followed"
"$build/examples/follow" "$scratch/followed" "$sample" >"$scratch/follow.log" ||
    { cat "$scratch/follow.log" >&2; exit 1; }
tail -n 1 "$scratch/follow.log" | grep ' 0 failed, '

say 'custom_operation'
mkdir "$scratch/own"
(cd "$scratch/own" && "$build/examples/custom_operation" "$sample" 1) >"$scratch/own.json" ||
    { cat "$scratch/own.json" >&2; exit 1; }
is_image "$scratch/own/$(sed 's/.*"output_path":"\([^"]*\)".*/\1/' "$scratch/own.json")" png

say 'curl.sh'
(cd "$scratch" && exec "$build/server/imgjobd" --port 0) 2>"$scratch/imgjobd.log" &
server=$!
url=
until [ -n "$url" ]; do
    kill -0 "$server" || { cat "$scratch/imgjobd.log" >&2; exit 1; }
    url=$(grep -o 'http://[0-9.]*:[0-9]*' "$scratch/imgjobd.log" | head -n 1) || sleep 0.1
done
sh examples/curl.sh "$sample" "$url"
