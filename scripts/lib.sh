# What the scripts share; to be sourced. Sets the target folder and the toolchain, and how progress is told.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' plain=$'\e[0m'
else
    bold='' dim='' red='' plain=''
fi

# One line before each thing that takes a while, with the time since the script began.
step() { printf '%s== %s%s %s(%dm%02ds)%s\n' "$bold" "$*" "$plain" "$dim" $((SECONDS / 60)) $((SECONDS % 60)) "$plain"; }
note() { printf '   %s\n' "$*"; }
fail() {
    printf '%s!! %s%s\n' "$red" "$1" "$plain" >&2
    shift
    for line in "$@"; do printf '   %s\n' "$line" >&2; done
    exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# Builds are kept outside the checkout, so that a fresh clone starts warm.
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/sallyport/target}"
export CARGO_NET_RETRY="${CARGO_NET_RETRY:-5}"

# The oldest Rust that builds this, from Cargo.toml.
rust_oldest() { sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml | head -n 1; }
new_enough() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

# rust-toolchain.toml pins the Rust that everything is tested with. Where that one cannot be had (no network, say),
# another installed one that is new enough will do.
use_toolchain() {
    have cargo || [ ! -x "$HOME/.cargo/bin/cargo" ] || export PATH="$HOME/.cargo/bin:$PATH"
    have cargo || fail "There is no Rust toolchain (cargo)." \
        "Install one: https://rustup.rs, then run this again."
    local why oldest other version
    oldest="$(rust_oldest)"
    if ! why="$(cargo --version 2>&1)"; then
        for other in $(rustup toolchain list 2>/dev/null | awk '{print $1}' | sort -r); do
            version="$(RUSTUP_TOOLCHAIN="$other" rustc --version 2>/dev/null | awk '{print $2}')" || continue
            case "$version" in '' | *-nightly*) continue ;; esac
            if new_enough "$oldest" "$version"; then
                note "The toolchain that rust-toolchain.toml pins cannot be had here; using $other ($version) instead."
                export RUSTUP_TOOLCHAIN="$other"
                return
            fi
        done
        fail "The toolchain that rust-toolchain.toml pins cannot be had, and no other one of at least $oldest is installed." \
            "Install it: rustup toolchain install $(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)" "$why"
    fi
    version="$(rustc --version | awk '{print $2}')"
    new_enough "$oldest" "${version%%-*}" || fail "Rust $version is too old: $oldest or newer is needed." "Update it: rustup update"
}

# The fuzz package is apart from the workspace, but has its versions: its lock is made from the workspace's.
lock_fuzz() { [ fuzz/Cargo.lock -nt Cargo.lock ] || cp Cargo.lock fuzz/Cargo.lock; }
