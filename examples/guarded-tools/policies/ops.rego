package sallyport.teams.ops

import data.sallyport.lib.guard

default allow := false

allow if input.operation in {"chat", "count_tokens", "models"}

allow if input.operation == "tool_call"

# What is lost is lost: nothing that deletes, stops, opens or runs what cannot be seen. Build folders score 0.4.
deny contains {
	"rule": "destructive",
	"say": "This call would destroy something. Say what you want to achieve, and ask a person to run it.",
} if {
	count(guard.destructive) > 0
}

# What could not be read is not harmless.
deny contains {
	"rule": "unreadable",
	"say": "This command could not be understood. Write it plainly: closed quotes, no encoded text.",
} if {
	guard.unparsed
}

# Nothing leaves by a tool that is not on the list.
deny contains {
	"rule": "egress",
	"say": "Only the tools in data.ops.may_send may send anything out.",
} if {
	guard.touches("egress")
	not input.call.tool in data.ops.may_send
}

# Money: up to a limit, and only where the amount can be read.
deny contains {
	"rule": "amount",
	"say": "Transfers above 100 need a person.",
} if {
	guard.touches("money")
	guard.amount_over(100)
}

# Tools that delete are not offered at all.
hide contains tool if {
	some tool in input.tools
	"delete" in guard.roles_of(tool.name)
}
