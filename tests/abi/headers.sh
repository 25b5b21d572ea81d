#!/bin/sh
# Each public header compiles alone, twice in a row, as C99 and as C++11 with every compiler
# that is there.  sh tests/abi/headers.sh [COMPILER…]
set -eu
cd "$(dirname "$0")/../.."
[ $# -gt 0 ] || set -- gcc clang
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

for compiler in "$@"; do
    for header in include/imgjob/*.h; do
        name=imgjob/$(basename "$header")
        printf '#include <%s>\n#include <%s>\nint unit_is_not_empty;\n' "$name" "$name" \
            >"$scratch/unit"
        "$compiler" -x c -std=c99 -pedantic -Wall -Wextra -Wundef -Wstrict-prototypes \
            -Werror -Iinclude -fsyntax-only "$scratch/unit"
        "$compiler" -x c++ -std=c++11 -pedantic -Wall -Wextra -Wundef \
            -Werror -Iinclude -fsyntax-only "$scratch/unit"
    done
    echo "$compiler: $(ls include/imgjob/*.h | wc -l) headers as C99 and as C++11"
done
