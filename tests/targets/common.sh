# What the recipes of this folder share. Read by them, not run.
#
# cache    where installed software is kept between runs; outside the repository
# program  the recipe's name, for messages
cache="${UPTURN_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/upturn-tests}"
program="$(basename "$0")"

missing() {
    echo "$program: $1" >&2
    exit 69
}

usage() {
    sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0" >&2
    exit 64
}

# Installs Python packages into a folder of the cache: venv NAME PACKAGE...
venv() {
    name="$1"; shift
    [ ! -e "$cache/$name/installed" ] || return 0
    command -v python3 >/dev/null || missing "Python 3 is not installed"
    mkdir -p "$cache"
    rm -rf "${cache:?}/$name"
    python3 -m venv "$cache/$name" >&2 || missing "python3 -m venv does not work; install python3-venv"
    "$cache/$name/bin/pip" install --quiet --disable-pip-version-check "$@" >&2 ||
        missing "pip cannot install $*"
    touch "$cache/$name/installed"
}

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# Makes the folder of one run, readable for servers that give up root.
run_folder() {
    dir="$(mktemp -d "/tmp/upturn-$1.XXXXXX")"
    chmod 755 "$dir"
}

# Runs a server in the background and waits until it listens: launch PORT COMMAND...
launch() {
    port="$1"; shift
    setsid "$@" >"$dir/log" 2>&1 </dev/null &
    echo $! >"$dir/pid"
    tries=0
    until python3 -c "import socket; socket.create_connection(('127.0.0.1', $port), 1)" 2>/dev/null; do
        tries=$((tries + 1))
        if [ $tries -gt 300 ] || ! kill -0 "$(cat "$dir/pid")" 2>/dev/null; then
            tail -n 5 "$dir/log" >&2
            stop_in "$dir"
            missing "the server does not start"
        fi
        sleep 0.1
    done
}

# Ends the server of a run and removes its folder; only what run_folder made.
stop_in() {
    case "$1" in
    /tmp/upturn-*.??????) ;;
    *) usage ;;
    esac
    if [ -e "$1/pid" ]; then
        pid="$(cat "$1/pid")"
        # The whole group: servers have children.
        kill -s TERM -- "-$pid" 2>/dev/null || true
        tries=0
        while kill -0 "$pid" 2>/dev/null && [ $tries -lt 100 ]; do
            tries=$((tries + 1))
            sleep 0.1
        done
        kill -s KILL -- "-$pid" 2>/dev/null || true
    fi
    rm -rf "$1"
}
