package sallyport.teams.docs_test

import data.sallyport.teams.docs

call(tool, arguments) := {
	"flow": "request",
	"operation": "tool_call",
	"mcp": {"server": "files", "method": "tools/call", "revision": "2025-11-25", "name": tool},
	"call": {"id": "1", "tool": tool, "arguments": arguments},
	"tools": [{"name": tool, "type": "function"}],
}

test_connecting_is_allowed if docs.allow with input as {"flow": "request", "operation": "connect"}

test_reading_is_allowed if docs.allow with input as call("read_text_file", {"path": "/srv/shared/a"})

test_drafts_may_be_written if docs.allow with input as call("write_file", {"path": "/srv/shared/drafts/a.md"})

test_nothing_else_may_be_written if {
	not docs.allow with input as call("write_file", {"path": "/srv/shared/a.md"})
	not docs.allow with input as call("write_file", {"path": "/srv/shared/drafts/../a.md"})
	not docs.allow with input as call("write_file", {})
	not docs.allow with input as call("move_file", {"source": "/srv/shared/drafts/a", "destination": "/srv/shared/drafts/b"})
}

test_other_tools_are_hidden if {
	document := {"flow": "answer", "operation": "tool_list", "tools": [
		{"name": "read_text_file", "type": "function"},
		{"name": "write_file", "type": "function"},
		{"name": "move_file", "type": "function"},
	]}
	{tool.name | some tool in docs.hide} == {"move_file"} with input as document
}
