#!/bin/sh
# Takes the symbols out of a binary and keeps them apart: strip.sh BINARY FOLDER. Gives FOLDER/NAME and FOLDER/NAME.debug.
# gdb, perf and a panic's backtrace find the second one beside the first, or under /usr/lib/debug.
set -eu
binary="$1" folder="$2" name="$(basename "$1")"
mkdir -p "$folder"
objcopy --only-keep-debug --compress-debug-sections "$binary" "$folder/$name.debug"
objcopy --strip-all "$binary" "$folder/$name"
chmod 0755 "$folder/$name"
chmod 0644 "$folder/$name.debug"
(cd "$folder" && objcopy --add-gnu-debuglink="$name.debug" "$name")
