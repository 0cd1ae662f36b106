package sallyport.teams.home_test

import data.sallyport.teams.home

test_completions_are_allowed if home.allow with input as {"flow": "request", "operation": "complete"}

test_no_tools if not home.allow with input as {"flow": "answer", "operation": "tool_call", "call": {"id": "1", "tool": "x"}}

test_an_address_that_carries_data_is_stopped if {
	finding := {"label": "link.exfil", "score": 0.85, "kind": "text", "author": "model", "part": 0, "start": 0, "end": 40}
	count(home.deny) == 1 with input as {"flow": "answer", "operation": "chat", "findings": [finding]}
	count(home.deny) == 0 with input as {"flow": "request", "operation": "chat", "findings": [finding]}
}
