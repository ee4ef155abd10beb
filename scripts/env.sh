# Sourced by the other scripts: `make_env DIR EXTRAS` makes a virtual environment with the project and its extras.
# On a Debian that lacks the venv module (or Python itself) it installs it, as root or with sudo.

root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)

find_python() {
    for name in "${PYTHON:-}" python3.11 python3.12 python3.13 python3; do
        [ -n "$name" ] || continue
        if command -v "$name" >/dev/null 2>&1 \
            && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$name"
            return 0
        fi
    done
    return 1
}

install_packages() {
    command -v apt-get >/dev/null 2>&1 || {
        echo "Install by hand, then run this again: $*" >&2
        return 1
    }
    sudo=""
    [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo apt-get update -qq >&2 && DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq "$@" >&2
}

make_env() {
    env_dir=$1
    extras=$2
    python=$(find_python) || {
        install_packages python3 python3-venv || return 1
        python=$(find_python) || {
            echo "Python 3.11 or newer is needed." >&2
            return 1
        }
    }
    if [ ! -x "$env_dir/bin/python" ]; then
        "$python" -m venv "$env_dir" 2>/dev/null || {
            rm -rf "$env_dir"
            install_packages python3-venv && "$python" -m venv "$env_dir"
        } || return 1
    fi
    "$env_dir/bin/python" -m pip install --quiet --disable-pip-version-check "$root$extras"
}

# Chromium and Node.js with what tests/browser needs; those tests are skipped, saying so, where they cannot be had.
make_browser() {
    wanted=""
    command -v chromium >/dev/null 2>&1 || command -v google-chrome >/dev/null 2>&1 || wanted="chromium"
    command -v npm >/dev/null 2>&1 || wanted="$wanted nodejs npm"
    # shellcheck disable=SC2086  # several packages
    [ -z "$wanted" ] || install_packages $wanted || return 0
    (cd "$root/tests/browser" && npm ci --silent --no-audit --no-fund >&2) || echo "npm ci failed: no browser tests." >&2
}
