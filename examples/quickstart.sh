#!/bin/sh
# From nothing to a processed image: install what is needed (Debian, Ubuntu), build, start
# imgjobd, run a real job, show where the result is and where the server listens.
#
#     sh examples/quickstart.sh                 run a sample job, then keep serving (Ctrl-C ends)
#     sh examples/quickstart.sh IMAGE           the same with your image
#     sh examples/quickstart.sh --once [IMAGE]  end after the job
#     PORT=9000 sh examples/quickstart.sh       another port (default 8080)
set -eu

once=
image=
for argument in "$@"; do
    case "$argument" in
    --once) once=1 ;;
    -h | --help) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
    -*) echo "quickstart: unknown option $argument; see --help" >&2; exit 2 ;;
    *) image=$argument ;;
    esac
done
[ -z "$image" ] || [ -r "$image" ] || { echo "quickstart: cannot read '$image'" >&2; exit 2; }
[ -z "$image" ] || image=$(realpath "$image")
cd "$(dirname "$0")/.."

step() { printf '\n==> %s\n' "$1"; }
packages='gcc meson ninja-build pkg-config libvips-dev libsqlite3-dev libcivetweb-dev
    libjson-c-dev libssl-dev curl python3'

missing=
for package in $packages; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
        missing="$missing $package"
done
if [ -n "$missing" ]; then
    step "installing:$missing"
    sudo=
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || {
            echo "quickstart: run as root, or install these packages yourself:$missing" >&2
            exit 1
        }
        sudo=sudo
    fi
    $sudo apt-get update -qq
    # shellcheck disable=SC2086 # a list of words
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        $missing >/dev/null
fi

step 'building (half a minute the first time)'
[ -f build/build.ninja ] || {
    said=$(meson setup build 2>&1) || { echo "$said" >&2; exit 1; }
}
targets='server/imgjobd lib/pool/imgjob-worker'
# shellcheck disable=SC2086 # a list of words
ninja -C build $targets >/dev/null || { ninja -C build $targets; exit 1; }
echo "build/server/imgjobd, build/lib/libimgjob.so"

data=build/quickstart
mkdir -p "$data"
if [ -z "$image" ]; then
    image=$data/sample.png
    /usr/bin/python3 - "$image" <<'SAMPLE'
import struct, sys, zlib
w, h = 1200, 800
rows = bytearray()
for y in range(h):
    rows.append(0)
    for x in range(w):
        rows += bytes((x * 255 // w, y * 255 // h, 255 - (x + y) * 255 // (w + h)))
def chunk(kind, data):
    return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
open(sys.argv[1], 'wb').write(b'\x89PNG\r\n\x1a\n'
    + chunk(b'IHDR', struct.pack('>IIBBBBB', w, h, 8, 2, 0, 0, 0))
    + chunk(b'IDAT', zlib.compress(bytes(rows))) + chunk(b'IEND', b''))
SAMPLE
fi

step 'starting imgjobd'
log=$data/imgjobd.log
: >"$log"
port=${PORT:-8080}
[ -z "$once" ] || port=${PORT:-0}
PORT=$port DB_PATH=$data/jobs.db UPLOAD_DIR=$data/uploads OUTPUT_DIR=$data/outputs \
    build/server/imgjobd 2>"$log" &
server=$!
stop() { kill "$server" 2>/dev/null && wait "$server" 2>/dev/null || true; }
trap stop EXIT
trap 'exit 130' INT TERM
url=
for _ in $(seq 100); do
    url=$(grep -o 'http://[0-9.]*:[0-9]*' "$log" | head -n 1) || true
    [ -n "$url" ] && curl -fs "$url/health/ready" >/dev/null && break
    kill -0 "$server" 2>/dev/null || {
        cat "$log" >&2
        echo 'quickstart: try another port: PORT=9000 sh examples/quickstart.sh' >&2
        exit 1
    }
    sleep 0.1
done
[ -n "$url" ] || {
    echo "quickstart: the server did not become ready within 10 s; what it wrote ($log):" >&2
    cat "$log" >&2
    exit 1
}
echo "$url (log: $log)"

step "a job: thumbnail of $image, at most 400 × 400 px"
answer=$(curl -sS "$url/jobs?operation=thumbnail&width=400&height=400" \
    -H 'Content-Type: application/octet-stream' -H 'Prefer: wait=30' --data-binary "@$image")
echo "$answer"
case "$answer" in
*'"status":"completed"'*) ;;
*)
    reason=$(printf '%s' "$answer" | sed -n 's/.*"error":"\([^"]*\)".*/\1/p')
    echo "quickstart: the job did not complete: $reason" >&2
    exit 1
    ;;
esac
id=$(printf '%s' "$answer" | sed -n 's/.*"id":"\([0-9a-f-]*\)".*/\1/p')
kind=$(printf '%s' "$answer" | sed -n 's/.*"outputs":\[{[^]]*"format":"\([a-z]*\)".*/\1/p')
[ "$kind" != jpeg ] || kind=jpg
result=$data/result.$kind
curl -sS --fail -o "$result" "$url/jobs/$id/download"

step 'done'
echo "result: $(realpath "$result") ($(wc -c <"$result") bytes)"
if [ -n "$once" ]; then
    exit 0
fi
cat <<MORE
url:    $url/jobs/$id/download

The server runs at $url until you press Ctrl-C. Try:

    curl $url/jobs/$id
    sh examples/curl.sh $image $url
MORE
wait "$server" 2>/dev/null
