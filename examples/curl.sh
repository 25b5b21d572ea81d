#!/bin/sh
# The HTTP interface by example: every call of the first version, with curl.
#
#     build/server/imgjobd &
#     sh examples/curl.sh IMAGE [URL]
set -eu
[ $# -ge 1 ] || { echo 'usage: sh examples/curl.sh IMAGE [URL]' >&2; exit 2; }
image=$1
url=${2:-http://127.0.0.1:8080}
say() { printf '\n# %s\n' "$1"; }
# The value of a string member in a flat JSON object.
member() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }

say 'is it alive?'
curl -sS --fail-with-body "$url/health"

say 'submit as JSON, the image in base64'
answer=$({
    printf '{"image_data": "'
    base64 "$image" | tr -d '\n'
    printf '", "operation": "resize", "width": 400, "height": 300, "output_format": "jpeg"}'
} | curl -sS --fail-with-body -X POST "$url/jobs" -H 'Content-Type: application/json' \
    --data-binary @-)
printf '%s\n' "$answer"
id=$(printf '%s' "$answer" | member job_id)

say 'follow it: answers when the job has ended, or after 20 s'
curl -sS --fail-with-body "$url/jobs/$id?wait=20"

say 'download the result'
curl -sS --fail-with-body -o /dev/null -w '%{size_download} bytes of %{content_type}\n' \
    "$url/jobs/$id/download"

say 'submit as a form, and wait for the end in the same call'
curl -sS --fail-with-body "$url/jobs" -H 'Prefer: wait=20' \
    -F "image=@$image" -F operation=thumbnail -F width=200 -F height=200 -F output_format=webp

say 'submit the raw bytes'
curl -sS --fail-with-body "$url/jobs?operation=thumbnail&width=100&height=100" \
    -H 'Content-Type: application/octet-stream' -H 'Prefer: wait=20' --data-binary "@$image"

say 'ready for work?'
curl -sS --fail-with-body "$url/health/ready"
