package sallyport.two_teams_test

import data.sallyport.org
import data.sallyport.teams.research
import data.sallyport.teams.support

search := {"name": "web_search", "type": "web_search"}

request(labels, tools) := {
	"flow": "request",
	"operation": "chat",
	"caller": {"team": "support", "agent": "a", "key": "k", "labels": labels},
	"tools": tools,
	"parts": [{"kind": "text", "author": "user"}],
	"unread": [],
	"stored": [],
}

test_hosted_tools_are_hidden_without_the_label if {
	count(org.hide) == 1 with input as request({}, [search])
	count(org.hide) == 0 with input as request({"web": "yes"}, [search])
}

test_tool_servers_are_refused if {
	server := {"name": "crm", "type": "mcp", "server_url": "https://crm.example/mcp"}
	some refusal in org.deny with input as request({"web": "yes"}, [server])
	refusal.rule == "no-tool-servers"
}

test_support_calls_its_own_tools_only if {
	support.allow with input as {"operation": "tool_call", "call": {"id": "1", "tool": "open_ticket"}}
	not support.allow with input as {"operation": "tool_call", "call": {"id": "1", "tool": "web_search"}}
}

test_support_is_guided if {
	call := {"id": "1", "tool": "open_ticket", "arguments": {"kind": "refund", "promise": true}}
	count(support.steer) == 1 with input as {"flow": "answer", "operation": "tool_call", "call": call}
}

test_research_sends_nothing_after_it_read_a_page if {
	clean := {"flow": "request", "operation": "chat", "parts": [{"kind": "text", "author": "user"}]}
	tainted := {"flow": "request", "operation": "chat", "parts": [{"kind": "tool_result", "author": "tool", "tool": "fetch_page"}]}
	count(research.hide) == 0 with input as clean
	research.hide == {"send_mail"} with input as tainted
}
