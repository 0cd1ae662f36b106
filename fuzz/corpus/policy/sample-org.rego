# The platform's rules. They are judged before any team's, and no team can loosen them.
# What a rule may read is the document `input`: see input.schema.json.
package sallyport.org

# Ask a model, or embed text: every team may. Tools: the team's own rules decide which.
default allow := false

allow if input.operation in {"chat", "complete", "embed", "count_tokens", "models", "tool_call"}

# State at the provider only if it is the caller's own.
allow if {
	input.operation == "stored"
	count(input.stored) == 0
}

# A refusal has a name, for the log, and words, for whoever asked.
deny contains {
	"rule": "not-our-state",
	"say": "This conversation leans on stored state of somebody else.",
} if {
	count(input.stored) > 0
}

deny contains {
	"rule": "foreign-tool-server",
	"say": "The provider may not call tool servers for you. Use the gateway's own.",
} if {
	some tool in input.tools
	tool.server_url
}

# Guidance instead of a plain no: the model reads it, and can do otherwise.
steer contains {
	"rule": "use-the-ticket",
	"say": "Deleting needs a change ticket. Ask for one with `open_ticket`.",
} if {
	input.operation == "tool_call"
	startswith(input.call.tool, "delete_")
	not input.caller.labels.ticket
}

# Secrets never leave; each becomes a placeholder.
redact contains "secret.*"

# Noted in the log, and let through.
warn contains {"rule": "unread", "say": "Part of this body is understood by no reader."} if {
	count(input.unread) > 0
}

# Which models there are. A team's own list can only shorten this one.
settings := {"models": ["gpt-5-mini", "gpt-5", "claude-sonnet-4-5"]}
