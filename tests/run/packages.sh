# Read by run.sh: what the checks need from Debian, and getting it.

packages='gcc g++ libc6-dev binutils meson ninja-build pkg-config clang-format
    libvips-dev libvips-tools libsqlite3-dev libcivetweb-dev libjson-c-dev libssl-dev
    libcurl4-openssl-dev libcmocka-dev curl sqlite3 procps python3 python3-pytest python3-requests
    python3-hypothesis python3-jsonschema python3-pil fonts-dejavu-core'
packages_of_the_whole_run='clang make strace valgrind imagemagick python3-numpy'
# a Node.js that is no package of Debian brings npm along, and Debian's would remove it
command -v npm >/dev/null ||
    packages_of_the_whole_run="$packages_of_the_whole_run nodejs npm"
# AVIF and HEIC come as plugins from Debian 13 on
packages_where_they_exist='libheif-plugin-aomenc libheif-plugin-dav1d
    libheif-plugin-libde265'

# Words of "$@" that are not installed.
missing_packages() {
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
            printf '%s ' "$package"
    done
}

# Words of "$@" that apt knows.
known_packages() {
    for package in "$@"; do
        apt-cache show "$package" >/dev/null 2>&1 && printf '%s ' "$package"
    done
}

# Does nothing, and needs no network, where everything is there.
install_packages() {
    command -v dpkg-query >/dev/null || {
        echo 'packages: this is no Debian; going on with what is there'
        return
    }
    [ -n "$quick" ] || packages="$packages $packages_of_the_whole_run"
    missing=$(missing_packages $packages)
    [ -n "$missing" ] || return
    as_root=
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || {
            echo "packages: not root and no sudo; missing: $missing"
            return
        }
        as_root=sudo
    fi
    $as_root apt-get update -qq
    missing="$missing$(known_packages $(missing_packages $packages_where_they_exist))"
    echo "packages: installing $missing"
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
        --no-install-recommends $missing >/dev/null ||
        echo 'packages: apt-get failed; going on with what is there'
}
