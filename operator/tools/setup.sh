#!/usr/bin/env bash
# Makes .venv from the lock file, and with "servers" installs what the integration tests start:
# PostgreSQL, Redis, Node.js (for flagd's own schema). Does nothing twice. Says what is missing where it cannot install it itself.
set -euo pipefail
cd "$(dirname "$0")/../.."

say() { printf '[setup] %s\n' "$*" >&2; }
die() { printf '[setup] MISSING: %s\n' "$*" >&2; exit 1; }

can_apt() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

litter=()
trap 'rm -f "${litter[@]}"' EXIT  # an interrupted run leaves none either
trap 'exit 130' INT
trap 'exit 143' TERM

apt_install() {
    can_apt || die "Debian packages: $* (run as root: apt-get install -y $*)"
    say "installing Debian packages: $*"
    # Only the files are wanted: no service may start by itself. A policy of the host's own stays.
    local policy=/usr/sbin/policy-rc.d log
    if [ ! -e "$policy" ]; then
        litter+=("$policy")
        printf '#!/bin/sh\nexit 101\n' >"$policy"; chmod 755 "$policy"
    fi
    log=$(mktemp); litter+=("$log")
    local apt=(apt-get -qq -o DPkg::Lock::Timeout=300)
    if ! { "${apt[@]}" update && DEBIAN_FRONTEND=noninteractive "${apt[@]}" install -y --no-install-recommends "$@"; } >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        die "Debian packages: $* (apt-get failed, see above)"
    fi
}

find_python() {
    local candidate
    for candidate in "${PYTHON:-}" python3 python3.14 python3.13 python3.12 python3.11; do
        [ -n "$candidate" ] || continue
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            printf '%s\n' "$candidate"; return
        fi
    done
    die "Python 3.11 or newer (on Debian: apt-get install -y python3 python3-venv); or name one with PYTHON=..."
}

# Whether .venv was made here, and its Python is still the one that it was made with: one that was
# copied would install into its original, and run the original's code.
usable() {
    grep -qs " $(pwd -P)/.venv\$" .venv/pyvenv.cfg && .venv/bin/python -c 'import pip' 2>/dev/null
}

python_env() {
    local python stamp=.venv/.installed wanted
    wanted=$(cat requirements-dev.lock pyproject.toml | sha256sum)
    usable && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && return
    python=$(find_python)
    say "Python environment in .venv ($("$python" --version)); about a minute"
    if ! usable; then
        rm -rf .venv
        "$python" -m venv .venv || { apt_install python3-venv; "$python" -m venv .venv; }
    fi
    .venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
    .venv/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
    printf '%s\n' "$wanted" >"$stamp"
}

servers() {
    local packages=()
    command -v redis-server >/dev/null || packages+=(redis-server)
    ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || packages+=(postgresql)
    command -v npm >/dev/null || packages+=(nodejs npm)
    [ ${#packages[@]} = 0 ] || apt_install "${packages[@]}"
}

python_env
[ "${1:-}" = servers ] && servers
exit 0
