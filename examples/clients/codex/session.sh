#!/bin/sh
# Codex, asked three times without a window. The configuration beside this file says where Sallyport is.
export CODEX_HOME="$HOME/.codex-for-this-example"
mkdir -p "$CODEX_HOME"
sed "s|http://127.0.0.1:8080|${SALLYPORT_URL:-http://127.0.0.1:8080}|" config.toml >"$CODEX_HOME/config.toml"

ask() { codex exec --skip-git-repo-check "$@" </dev/null 2>said.log; }

ask 'say Hello from Codex.'
echo
echo '> A command that the rules allow'
ask 'call exec_command with {"cmd": "echo $((6 * 7))"}'
echo
echo '> One that they refuse: it never reaches Codex, so there is nothing to approve'
ask 'call exec_command with {"cmd": "rm -rf /srv/orders"}'
echo "(codex ended with $?)"
grep ERROR said.log | uniq
