#!/bin/sh
# A private PostgreSQL server for tests: in a temporary folder, on a unix socket only.
#
#   tests/postgres.sh start       starts one and prints two lines for `eval`:
#                                   UPTURN_TEST_POSTGRES='postgres://…'     for the tests
#                                   UPTURN_TEST_POSTGRES_DIR='…'            for `stop`
#   tests/postgres.sh stop DIR    stops it and removes its folder
#
#   eval "$(tests/postgres.sh start)"; export UPTURN_TEST_POSTGRES
#   cargo test --workspace
#   tests/postgres.sh stop "$UPTURN_TEST_POSTGRES_DIR"
#
# A second argument to `start` is put into its configuration: `start 'fsync = on'`.
# Exits 69 if PostgreSQL is not installed. Never touches a server that runs already.
set -eu

usage() {
    sed -n '2,14s/^# \{0,1\}//p' "$0" >&2
    exit 64
}

# Debian keeps the server's programs out of PATH, one folder for each version.
find_programs() {
    for folder in $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -t/ -k5 -n -r); do
        [ -x "$folder/initdb" ] && echo "$folder" && return
    done
    initdb=$(command -v initdb) && dirname "$initdb" && return
    echo "postgres.sh: no PostgreSQL server found; install it: apt-get install postgresql" >&2
    exit 69
}

# The server refuses to run as root, so root lends it the package's own user.
as_server_user() {
    if [ "$(id -u)" = 0 ]; then
        (cd / && su postgres -s /bin/sh -c "$1")
    else
        sh -c "$1"
    fi
}

start() {
    programs=$(find_programs)
    # Short, since the path of a socket has at most 107 bytes.
    dir=$(mktemp -d /tmp/upturn-postgres.XXXXXX)
    [ "$(id -u)" != 0 ] || chown postgres "$dir"
    {
        as_server_user "'$programs/initdb' -D '$dir/data' -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync"
        # Nothing in it outlives the tests, so nothing waits for the disk.
        cat >>"$dir/data/postgresql.conf" <<END
listen_addresses = ''
unix_socket_directories = '$dir'
fsync = off
synchronous_commit = off
full_page_writes = off
max_connections = 200
$1
END
        as_server_user "'$programs/pg_ctl' -D '$dir/data' -l '$dir/log' -w start"
    } >"$dir.out" 2>&1 </dev/null || {
        echo "postgres.sh: the server does not start:" >&2
        cat "$dir.out" "$dir/log" >&2 2>/dev/null || true
        rm -rf "$dir" "$dir.out"
        exit 69
    }
    rm -f "$dir.out"
    echo "UPTURN_TEST_POSTGRES='postgres://postgres@localhost/postgres?host=$dir'"
    echo "UPTURN_TEST_POSTGRES_DIR='$dir'"
}

stop() {
    # Only what `start` made is ever removed.
    case $1 in
    /tmp/upturn-postgres.??????) ;;
    *) usage ;;
    esac
    programs=$(find_programs)
    as_server_user "'$programs/pg_ctl' -D '$1/data' -m immediate -w stop" >/dev/null || true
    rm -rf "$1"
}

case "${1-}:$#" in
start:1) start '' ;;
start:2) start "$2" ;;
stop:2) stop "$2" ;;
*) usage ;;
esac
