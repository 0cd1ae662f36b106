# What is measured for tool servers: a policy that reads the arguments of calls and what the guard found in them,
# and that hides tools by their names.
package sallyport.teams.payments

import data.sallyport.lib.guard

default allow := false

allow if input.operation in {"connect", "notify", "tool_list", "tool_call"}

deny contains {"rule": "destructive", "say": "This call would destroy something."} if count(guard.destructive) > 0

deny contains {"rule": "unreadable", "say": "This call could not be understood."} if guard.unparsed

deny contains {"rule": "places", "say": "Only files of the project are read."} if {
	input.operation == "tool_call"
	some path in input.call.arguments.paths
	not startswith(path, "src/")
	not startswith(path, "docs/")
}

deny contains {"rule": "amount", "say": "Transfers above 100 need a person."} if {
	guard.touches("money")
	guard.amount_over(100)
}

redact contains "secret.*"

hide contains tool if {
	some tool in input.tools
	"delete" in guard.roles_of(tool.name)
}
