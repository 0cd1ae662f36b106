# Support talks about customers, and needs nobody's name for that.
package sallyport.teams.support

default allow := true

redact contains "pii.*"

deny contains {"rule": "own-tickets-only", "say": "Support agents read tickets that begin with S-. Ask the team that owns this one."} if {
	input.operation == "tool_call"
	input.call.tool == "read_ticket"
	not startswith(input.call.arguments.id, "S-")
}
