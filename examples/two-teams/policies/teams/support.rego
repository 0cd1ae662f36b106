package sallyport.teams.support

default allow := false

# Support talks, and calls two tools of its own.
allow if input.operation in {"chat", "count_tokens", "models"}

allow if {
	input.operation == "tool_call"
	input.call.tool in {"find_customer", "open_ticket"}
}

# Customers' data stays here.
redact contains "pii.*"

# Guidance instead of a plain no: it is written as an answer of the model, so that the agent's loop goes on.
steer contains {
	"rule": "no-refunds-by-chat",
	"say": "I cannot promise refunds here. I will open a ticket for the billing team instead.",
} if {
	input.flow == "answer"
	input.operation == "tool_call"
	input.call.tool == "open_ticket"
	input.call.arguments.kind == "refund"
	input.call.arguments.promise == true
}

settings := {"models": ["gpt-5-mini*"]}
