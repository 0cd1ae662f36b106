#!/bin/sh
# Puts together the image's root file system: rootfs.sh BINARY FOLDER. For Debian.
#
# It holds the binary, the libraries that it names, the authorities that it trusts, a user, and nothing to run besides: no
# shell, no package manager. What came from Debian is written down as distroless images do it, so that scanners can tell.
set -eu
binary="$1" root="$2"

mkdir -p "$root"
# The mount points too: who runs it may have no right to make them in a read-only root.
for folder in dev proc sys etc/ssl/certs etc/sallyport usr/local/bin usr/share/doc var/lib/dpkg/status.d var/lib/sallyport tmp; do
    mkdir -p "$root/$folder"
done
# Debian's own shape: /lib is a link. The loader's path is fixed in the binary.
for folder in lib lib64; do
    mkdir -p "$root/usr/$folder"
    ln -sfn "usr/$folder" "$root/$folder"
done
install -m 0755 "$binary" "$root/usr/local/bin/sallyport"

packages=""
# `name => /path (address)`, and the loader as `/path (address)`.
for library in $(ldd "$binary" | sed -n -e 's/.*=> \(\/[^ ]*\) .*/\1/p' -e 's/^[[:space:]]*\(\/[^ ]*\) (.*/\1/p'); do
    place="/usr/${library#/usr/}"
    case "$library" in /usr/*) ;; *) place="/usr$library" ;; esac
    mkdir -p "$root$(dirname "$place")"
    cp -L "$library" "$root$place"
    # A shared library is read and mapped, never run; the loader is.
    case "$place" in */ld-linux*) chmod 0755 "$root$place" ;; *) chmod 0644 "$root$place" ;; esac
    # Debian lists a library under the path it had before /lib became a link.
    real="$(readlink -f "$library")"
    package="$(dpkg -S "$real" 2>/dev/null || dpkg -S "${real#/usr}" 2>/dev/null || true)"
    packages="$packages ${package%%:*}"
done

for authorities in /etc/ssl/certs/ca-certificates.crt; do
    [ -r "$authorities" ] || { echo "rootfs.sh: no $authorities: install ca-certificates" >&2; exit 1; }
    install -m 0644 "$authorities" "$root/etc/ssl/certs/ca-certificates.crt"
done

for package in $(printf '%s\n' $packages ca-certificates | sort -u); do
    dpkg-query -s "$package" >"$root/var/lib/dpkg/status.d/$package" 2>/dev/null || rm -f "$root/var/lib/dpkg/status.d/$package"
    [ ! -r "/usr/share/doc/$package/copyright" ] || install -D -m 0644 "/usr/share/doc/$package/copyright" "$root/usr/share/doc/$package/copyright"
done

echo 'sallyport:x:65532:65532::/var/lib/sallyport:/sbin/nologin' >"$root/etc/passwd"
echo 'sallyport:x:65532:' >"$root/etc/group"
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
# A new volume takes over whose this is.
[ "$(id -u)" -ne 0 ] || chown 65532:65532 "$root/var/lib/sallyport"
chmod 0750 "$root/var/lib/sallyport"
chmod 1777 "$root/tmp"
