package sallyport.org_test

import data.sallyport.org

asks(team, operation) := {"flow": "request", "operation": operation, "caller": {"team": team, "agent": "a", "key": "k", "labels": {}}, "tools": [], "findings": []}

calls(team, tool) := object.union(asks(team, "tool_call"), {"call": {"id": "1", "tool": tool, "arguments": {}}})

test_teams_that_are_listed_may_ask if {
	every team in ["support", "engineering", "finance"] {
		org.allow with input as asks(team, "chat")
	}
}

test_a_team_that_is_not_listed_may_nothing if not org.allow with input as asks("marketing", "chat")

test_each_team_has_its_own_tools if {
	org.allow with input as calls("finance", "pay_invoice")
	not org.allow with input as calls("support", "pay_invoice")
}

test_tools_of_others_are_not_offered if {
	offered := object.union(asks("support", "chat"), {"tools": [{"name": "pay_invoice", "type": "function"}, {"name": "read_ticket", "type": "function"}]})
	org.hide == {"pay_invoice"} with input as offered
}

test_orders_in_data_are_refused if {
	finding := {"label": "injection.embedded", "score": 0.97, "kind": "tool_result", "author": "tool", "part": 0, "start": 0, "end": 9}
	some refusal in org.deny with input as object.union(asks("support", "chat"), {"findings": [finding]})
	refusal.rule == "orders-in-data"
}

test_the_same_words_of_a_person_are_not if {
	finding := {"label": "injection.embedded", "score": 0.97, "kind": "text", "author": "user", "part": 0, "start": 0, "end": 9}
	count(org.deny) == 0 with input as object.union(asks("support", "chat"), {"findings": [finding]})
}
