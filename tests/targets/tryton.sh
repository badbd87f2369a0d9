#!/bin/sh
# A private Tryton, an ERP (from PyPI), with one small company on SQLite, on a free port of 127.0.0.1.
#
#   tests/targets/tryton.sh install    puts it and a company into the cache, if they are not there;
#                                      about a minute of CPU, 100 MB
#   tests/targets/tryton.sh start      starts it with a copy of that company, and prints NAME='value'
#                                      lines: URL (with the database), KEY (of the REST API), DIR
#   tests/targets/tryton.sh stop DIR   ends it and removes its folder
#
# Exits 69 if it is not installed.
set -eu
. "$(dirname "$0")/common.sh"
here="$(cd "$(dirname "$0")" && pwd)"
# Another script makes another company.
company="$cache/tryton-company-$(cksum <"$here/tryton_company.py" | cut -d' ' -f1)"

configure() {
    cat >"$1/trytond.conf" <<END
[database]
uri = sqlite://
path = $1
[web]
listen = 127.0.0.1:$2
hostname = 127.0.0.1
END
}

install() {
    venv tryton 'trytond>=8.0,<9' 'proteus>=8.0,<9' 'trytond-sale-opportunity>=8.0,<9' \
        'trytond-stock>=8.0,<9'
    [ ! -e "$company/key" ] || return 0
    rm -rf "$company"
    mkdir -p "$company"
    configure "$company" 0
    # Tryton fills an empty file, and refuses a missing one.
    : >"$company/upturn.sqlite"
    echo test-only-Tryton >"$company/password"
    TRYTONPASSFILE="$company/password" "$cache/tryton/bin/trytond-admin" -c "$company/trytond.conf" \
        -d upturn --email admin@example.com -u ir sale_opportunity stock --activate-dependencies >&2 ||
        missing "Tryton makes no database"
    "$cache/tryton/bin/python" "$here/tryton_company.py" "$company/trytond.conf" >"$company/key.new" ||
        missing "the company cannot be made"
    mv "$company/key.new" "$company/key"
}

start() {
    [ -e "$company/key" ] || missing "Tryton is not installed; run: $0 install"
    run_folder tryton
    port="$(free_port)"
    cp "$company/upturn.sqlite" "$dir/"
    configure "$dir" "$port"
    launch "$port" "$cache/tryton/bin/trytond" -c "$dir/trytond.conf"
    echo "URL='http://127.0.0.1:$port/upturn'"
    echo "KEY='$(cat "$company/key")'"
    echo "DIR='$dir'"
}

case "${1-}:$#" in
install:1) install ;;
start:1) start ;;
stop:2) stop_in "$2" ;;
*) usage ;;
esac
