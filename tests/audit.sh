#!/usr/bin/env bash
# Looks for known advisories against the dependencies in Cargo.lock.
#
#   UPTURN_ADVISORY_DB   a folder with a copy of the RustSec advisory database; fetched if not set
#
# Ends with 0 if there is none, with 69 if it could not look, and says so.
set -euo pipefail
cd "$(dirname "$0")/.."

not_looked() {
  echo "tests/audit.sh: NOT CHECKED for known advisories: $1" >&2
  exit 69
}

if ! cargo audit --version >/dev/null 2>&1; then
  echo "tests/audit.sh: installing cargo-audit"
  cargo install cargo-audit --locked --quiet || not_looked "cargo-audit cannot be installed"
fi
database="${UPTURN_ADVISORY_DB:-}"
if [ -z "$database" ]; then
  fetched="$(mktemp -d)"
  trap 'rm -rf "$fetched"' EXIT
  database="$fetched/advisory-db"
  git clone --quiet --depth 1 https://github.com/RustSec/advisory-db "$database" ||
    not_looked "the database cannot be fetched; set UPTURN_ADVISORY_DB to a copy of it"
fi
[ -d "$database/crates" ] || not_looked "$database holds no advisory database"
cargo audit --db "$database" --no-fetch
