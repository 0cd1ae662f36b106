# The platform's rules. They are judged first; both layers must allow, and a team can only tighten.
package sallyport.org

import data.sallyport.lib.tools

default allow := false

# What there is at all. Which tools a team may use, its own rules say.
allow if input.operation in {"chat", "count_tokens", "embed", "models", "tool_call"}

# State that the provider kept for the same caller may be read again.
allow if {
	input.operation == "stored"
	count(input.stored) == 0
}

redact contains "secret.*"

# The provider may not call tool servers on an agent's behalf.
deny contains {
	"rule": "no-tool-servers",
	"say": sprintf("The provider may not call the tool server `%s` for you.", [tool.name]),
} if {
	some tool in input.tools
	tools.is_server(tool)
}

# Tools that run at the provider are hidden from everyone whose key does not say otherwise.
hide contains tool if {
	some tool in input.tools
	tools.runs_at_provider(tool)
	not input.caller.labels.web == "yes"
}

# What no reader understood is noted.
warn contains {"rule": "unread", "say": concat(", ", input.unread)} if count(input.unread) > 0

# Of two lists of models only what both name is left. State of others is refused, whatever a team says.
settings := {"models": ["gpt-5-mini*", "gpt-5", "claude-sonnet-4-5*"], "stored": "refuse"}
