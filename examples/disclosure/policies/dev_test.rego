package sallyport.teams.dev_test

import data.sallyport.teams.dev

call(tool, arguments) := {
	"flow": "request",
	"operation": "tool_call",
	"mcp": {"server": "github", "method": "tools/call", "revision": "2025-11-25", "name": tool},
	"call": {"id": "1", "tool": tool, "arguments": arguments},
	"tools": [{"name": tool, "type": "function"}],
}

test_tools_are_shown_by_name if dev.settings.disclosure == "names+describe"

test_an_issue_says_why if {
	count(dev.deny) == 1 with input as call("create_issue", {"title": "Broken"})
	count(dev.deny) == 0 with input as call("create_issue", {"title": "Broken", "body": "The parser drops the last line."})
}

test_what_deletes_is_hidden if {
	{"delete_file"} == dev.hide with input as call("delete_file", {})
	set() == dev.hide with input as call("get_file_contents", {})
}
