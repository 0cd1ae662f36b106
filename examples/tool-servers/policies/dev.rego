# Coders work in the repository: they look and commit. What rewrites history, they are not even shown.
package sallyport.teams.dev

default allow := false

allow if input.operation != "tool_call"

allow if {
	input.operation == "tool_call"
	input.mcp.server == "git"
	input.call.tool in data.dev.git
}

allow if {
	input.operation == "tool_call"
	input.mcp.server == "files"
	input.call.tool in data.docs.reads
}

deny contains {
	"rule": "say-what-and-why",
	"say": "A commit's message has at least ten characters and is not `wip`.",
} if {
	input.operation == "tool_call"
	input.flow == "request" # the call's result is a `tool_call` too, and has no arguments
	input.call.tool == "git_commit"
	not is_said
}

is_said if {
	message := input.call.arguments.message
	count(message) >= 10
	not startswith(lower(message), "wip")
}

hide contains tool if {
	input.mcp.server == "git"
	some tool in input.tools
	not tool.name in data.dev.git
}
