package sallyport.teams.finance_test

import data.sallyport.teams.finance

pay(amount) := {"operation": "tool_call", "call": {"id": "1", "tool": "pay_invoice", "arguments": {"amount": amount}}, "findings": []}

test_small_amounts_are_paid if count(finance.deny) == 0 with input as pay(120)

test_large_amounts_are_not if count(finance.deny) == 1 with input as pay(12000)

test_nothing_is_paid_after_a_strangers_words if {
	request := {"flow": "request", "operation": "chat", "parts": [{"kind": "tool_result", "author": "tool", "tool": "read_ticket"}], "tools": [{"name": "pay_invoice", "type": "function"}]}
	count(finance.deny) == 1 with input as request
}
