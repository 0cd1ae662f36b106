package sallyport.teams.dev_test

import data.sallyport.teams.dev

call(server, tool, arguments) := {
	"flow": "request",
	"operation": "tool_call",
	"mcp": {"server": server, "method": "tools/call", "revision": "2025-11-25", "name": tool},
	"call": {"id": "1", "tool": tool, "arguments": arguments},
	"tools": [{"name": tool, "type": "function"}],
}

rules(document) := {refusal.rule | some refusal in dev.deny with input as document}

test_connecting_is_allowed if dev.allow with input as {"flow": "request", "operation": "connect"}

test_looking_is_allowed if {
	dev.allow with input as call("git", "git_status", {"repo_path": "/srv/repository"})
	dev.allow with input as call("files", "read_text_file", {"path": "/srv/shared/a"})
}

test_a_tool_is_meant_at_its_server if {
	not dev.allow with input as call("files", "git_status", {"repo_path": "/srv/repository"})
	not dev.allow with input as call("git", "git_reset", {"repo_path": "/srv/repository"})
}

test_a_commit_says_what_and_why if {
	rules(call("git", "git_commit", {"message": "Mend the parser's last line"})) == set()
	rules(call("git", "git_commit", {"message": "wip on the parser"})) == {"say-what-and-why"}
	rules(call("git", "git_commit", {"message": "x"})) == {"say-what-and-why"}
	rules(call("git", "git_commit", {})) == {"say-what-and-why"}
}

test_results_pass if rules({"flow": "answer", "operation": "tool_call"}) == set()

test_what_rewrites_history_is_hidden if {
	document := {"flow": "answer", "operation": "tool_list", "mcp": {"server": "git"}, "tools": [
		{"name": "git_log", "type": "function"},
		{"name": "git_reset", "type": "function"},
	]}
	{tool.name | some tool in dev.hide} == {"git_reset"} with input as document
}
