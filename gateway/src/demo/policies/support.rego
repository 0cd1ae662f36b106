# Rules of the support team. The last word of the package is the team's name, as the keys name it.
package sallyport.teams.support

import data.sallyport.lib.guard # comes with the gateway: what a tool call would do, whatever the tool is called

default allow := true

# A rule has a name, for the log, and says what to do instead: the agent, or the person behind it, reads that.
deny contains {"rule": "small-model-only", "say": "Support agents use demo-model-mini. Ask for that model instead."} if {
	input.flow == "request" # answers name the model their own way, often with a date
	input.operation == "chat"
	input.model != "demo-model-mini"
}

# The arguments of a call are there to be looked at.
deny contains {"rule": "own-tickets-only", "say": "Support agents read tickets that begin with S-. Ask the team that owns this one."} if {
	input.operation == "tool_call"
	input.call.tool == "read_ticket"
	not startswith(input.call.arguments.id, "S-")
}

# `DROP TABLE`, `rm -rf`, `terraform destroy`, however they are wrapped up.
deny contains {"rule": "destructive", "say": "This would destroy data. Say what you want to achieve, and ask a person to run it."} if {
	count(guard.destructive) > 0
}
