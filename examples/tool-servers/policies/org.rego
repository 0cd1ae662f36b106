package sallyport.org

import data.sallyport.lib.guard

default allow := false

# To connect, to ask for lists, to be told of progress; calls, as far as the team says.
allow if input.operation in {"connect", "tool_list", "tool_call", "notify"}

# No secret goes to a tool server, and none comes back from one.
redact contains "secret.*"

# What a tool says is not trusted: text that speaks to the model behind people's backs is cut out.
redact contains "hidden.*"

redact contains "injection.*"

# Whatever a tool is called: nothing that deletes, stops or runs what cannot be seen.
deny contains {
	"rule": "destructive",
	"say": "This would destroy something. Say what you want to achieve, and ask a person to do it.",
} if {
	count(guard.destructive) > 0
}
