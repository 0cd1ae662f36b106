#!/bin/sh
# Claude Code, asked three times without a window. ANTHROPIC_BASE_URL and ANTHROPIC_API_KEY say where Sallyport is.
export CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1

# --bare: no settings, hooks or plugins of whoever runs this, and no logging in: only the key counts.
ask() { claude --bare --print --model demo-model "$@" </dev/null; }

ask 'Good morning.'
echo
echo '> A command that the rules allow'
ask --continue --allowedTools Bash -- 'call Bash with {"command": "echo $((6 * 7))", "description": "Multiply"}'
echo
echo '> One that they refuse: it never reaches Claude Code, so there is nothing to approve'
ask --continue --allowedTools Bash -- 'call Bash with {"command": "rm -rf /srv/orders", "description": "Tidy up"}'
