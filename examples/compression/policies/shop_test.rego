package sallyport.teams.shop_test

import data.sallyport.teams.shop

asked_by(agent) := {"flow": "request", "operation": "chat", "caller": {"team": "shop", "agent": agent, "key": agent}}

mode(agent) := mode if mode := shop.settings.compression.mode with input as asked_by(agent)

test_agents_read_every_byte_in_fewer_tokens if mode("clerk") == "lossless"

test_the_auditor_reads_what_came if mode("auditor") == "off"

test_contracts_stay_as_they_are if {
	tools := shop.settings.compression.exact_tools with input as asked_by("clerk")
	"fetch_contract*" in tools
}

test_only_known_tools_are_called if {
	shop.allow with input as {"flow": "answer", "operation": "tool_call", "call": {"id": "1", "tool": "list_orders", "arguments": {}}}
	not shop.allow with input as {"flow": "answer", "operation": "tool_call", "call": {"id": "1", "tool": "shell", "arguments": {}}}
}

test_chat_is_allowed if shop.allow with input as asked_by("clerk")
