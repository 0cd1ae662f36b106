#!/usr/bin/env bash
# Installs what is missing for the needs that are named: build, test, bench. Written for Debian; elsewhere it says what to install.
. "$(dirname "$0")/lib.sh"

missing=()
need() { # need PACKAGE TEST...: the package that makes the test succeed
    local package="$1"
    shift
    "$@" >/dev/null 2>&1 || missing+=("$package")
}

install_missing() {
    [ ${#missing[@]} -gt 0 ] || return 0
    have apt-get || fail "Missing, and this is no Debian: ${missing[*]}" "Install them by your system's own means, then run this again."
    local sudo=()
    if [ "$(id -u)" -ne 0 ]; then
        have sudo || fail "Missing: ${missing[*]}" "Run as root, or install sudo: apt-get install ${missing[*]}"
        sudo=(sudo)
    fi
    step "Installing from Debian: ${missing[*]}"
    "${sudo[@]}" apt-get update -qq
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null >/dev/null
}

install_nextest() {
    ! cargo nextest --version >/dev/null 2>&1 || return 0
    step "Installing cargo-nextest, the test runner (built from source: some minutes, once)"
    # It only starts tests: a quick build of it serves as well as a fast one.
    CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_DEBUG=0 \
        cargo install cargo-nextest --locked --no-default-features --features default-no-update
    export PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
}

for what in "${@:-build}"; do
    case "$what" in
        build)
            need gcc have cc
            need g++ have c++
            need libc6-dev test -e /usr/include/stdio.h
            need cmake have cmake # zlib-ng, which Pingora compresses with, and llama.cpp
            need libclang-dev compgen -G '/usr/lib/llvm-*/lib/libclang.so' # llama.cpp's headers, read for Rust
            ;;
        test) # the official SDKs run in a Python environment and under Node
            need python3 have python3
            need python3-venv python3 -c 'import venv, ensurepip'
            need nodejs have node
            need npm have npm
            # tests/deploy: what stands around a gateway
            need prometheus have promtool
            need nginx-light test -x /usr/sbin/nginx
            need bubblewrap have bwrap
            need nftables test -x /usr/sbin/nft
            need iproute2 test -x /usr/sbin/ip -o -x /bin/ip
            need systemd have systemd-analyze
            need openssl have openssl
            # tests/audit and tests/observe: clocks that jump, what the kernel saw, a browser
            need faketime have faketime
            need strace have strace
            need chromium have chromium
            need ca-certificates test -e /etc/ssl/certs/ca-certificates.crt
            ;;
        bench) need nginx-light have nginx ;;
        *) fail "setup.sh knows build, test and bench; not \`$what\`." ;;
    esac
done
install_missing
use_toolchain
case " $* " in *" test "*) install_nextest ;; esac
