# Rules of the team `assistants`, to whom the key of these examples belongs.
package sallyport.teams.assistants

import data.sallyport.lib.guard # comes with the gateway: what a tool call would do, whatever the tool is called

default allow := true

deny contains {"rule": "no-prod-writes", "say": "Production is read-only for agents. Ask for a change ticket."} if {
	input.operation == "tool_call"
	input.call.tool == "run_sql"
	startswith(input.call.arguments.database, "prod")
	not startswith(lower(input.call.arguments.sql), "select")
}

# What destroys is not run. In a model's answer that is guidance: the words come in place of the call, and the agent's loop goes on.
steer contains {"rule": "destructive", "say": "This would destroy data. Say what you want to achieve, and ask a person to run it."} if {
	input.flow == "answer"
	count(guard.destructive) > 0
}

# A call on its way to a tool server has no answer to be put into.
deny contains {"rule": "destructive", "say": "This would destroy data. Say what you want to achieve, and ask a person to run it."} if {
	input.flow == "request"
	count(guard.destructive) > 0
}

deny contains {"rule": "own-tickets-only", "say": "These agents read tickets that begin with S-. Ask the team that owns this one."} if {
	input.operation == "tool_call"
	input.call.tool == "read_ticket"
	not startswith(input.call.arguments.id, "S-")
}
