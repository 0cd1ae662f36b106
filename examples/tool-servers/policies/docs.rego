# Writers read the shared folder, and write below drafts/.
package sallyport.teams.docs

default allow := false

allow if input.operation != "tool_call"

allow if {
	input.operation == "tool_call"
	input.call.tool in data.docs.reads
}

allow if {
	input.operation == "tool_call"
	input.call.tool == "write_file"
	is_draft(input.call.arguments.path)
}

is_draft(path) if {
	startswith(path, data.docs.drafts)
	not contains(path, "..")
}

# What nobody may call, nobody needs to see.
hide contains tool if {
	some tool in input.tools
	not tool.name in data.docs.reads
	tool.name != "write_file"
}
