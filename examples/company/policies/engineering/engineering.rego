# Engineering has coding agents. They may try much, and production nothing.
package sallyport.teams.engineering

default allow := true

deny contains {"rule": "production-is-read-only", "say": "Production is read-only for agents. Ask for a change ticket."} if {
	input.operation == "tool_call"
	input.call.tool == "run_sql"
	startswith(input.call.arguments.database, "prod")
	not startswith(lower(input.call.arguments.sql), "select")
}

# A push is for people: the words come as an answer of the model, so that the agent's loop goes on.
steer contains {"rule": "people-push", "say": "I have committed nothing to the shared branch. Please look at the diff and push it yourself."} if {
	input.flow == "answer"
	input.operation == "tool_call"
	input.call.tool in {"Bash", "shell"}
	contains(input.call.arguments.command, "git push")
}
