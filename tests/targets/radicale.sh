#!/bin/sh
# A private Radicale, a CalDAV server (from PyPI), on a free port of 127.0.0.1.
#
#   tests/targets/radicale.sh install    puts it into the cache, if it is not there; 43 MB
#   tests/targets/radicale.sh start      starts it with one user and two collections, and prints
#                                        NAME='value' lines: URL, LOGIN, PASSWORD, DIR
#   tests/targets/radicale.sh stop DIR   ends it and removes its folder
#
# Exits 69 if it is not installed.
set -eu
. "$(dirname "$0")/common.sh"

install() {
    venv radicale 'radicale>=3.5,<4'
}

start() {
    [ -e "$cache/radicale/installed" ] || missing "Radicale is not installed; run: $0 install"
    run_folder radicale
    port="$(free_port)"
    password=test-only-Radicale
    echo "rep:$password" >"$dir/users"
    for kind in VTODO VEVENT; do
        collection="$dir/collections/collection-root/rep/$kind"
        mkdir -p "$collection"
        echo "{\"tag\": \"VCALENDAR\", \"C:supported-calendar-component-set\": \"$kind\"}" \
            >"$collection/.Radicale.props"
    done
    launch "$port" "$cache/radicale/bin/python" -m radicale --config '' \
        --server-hosts "127.0.0.1:$port" --auth-type htpasswd --auth-htpasswd-filename "$dir/users" \
        --auth-htpasswd-encryption plain --auth-delay 0 \
        --storage-filesystem-folder "$dir/collections" --rights-type owner_only
    echo "URL='http://127.0.0.1:$port/rep/'"
    echo "LOGIN='rep'"
    echo "PASSWORD='$password'"
    echo "DIR='$dir'"
}

case "${1-}:$#" in
install:1) install ;;
start:1) start ;;
stop:2) stop_in "$2" ;;
*) usage ;;
esac
