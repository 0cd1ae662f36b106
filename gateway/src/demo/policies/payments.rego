# Rules of the payments team.
package sallyport.teams.payments

# What tools answer goes on in fewer tokens, with every byte of it.
settings := {"compression": "lossless"}

default allow := false

# Asking a model is fine; of tools, only these. (`data.payments.tools` could come from a JSON file in this folder.)
allow if input.operation != "tool_call"

allow if {
	input.operation == "tool_call"
	input.call.tool in {"search", "run_sql"}
}

# The same rule holds wherever a call of this tool appears, in a stream too: no part of a refused call is released.
deny contains {"rule": "no-prod-writes", "say": "Production is read-only for agents. Ask for a change ticket."} if {
	input.operation == "tool_call"
	input.call.tool == "run_sql"
	startswith(input.call.arguments.database, "prod")
	not startswith(lower(input.call.arguments.sql), "select")
}
