# Tests run with `sallyport policy test`: a rule whose name begins with `test_` passes when it is true.
package sallyport.teams.payments_test

import data.sallyport.teams.payments

query(database, sql) := {
	"operation": "tool_call",
	"call": {"tool": "query", "arguments": {"database": database, "sql": sql}},
	"findings": [],
	"tools": [],
}

test_chat_is_allowed if payments.allow with input as {"operation": "chat"}

test_unknown_tools_are_not if {
	not payments.allow with input as {"operation": "tool_call", "call": {"tool": "shell"}}
}

test_tools_come_from_data if {
	payments.allow with input as {"operation": "tool_call", "call": {"tool": "shell"}}
		with data.teams.payments.tools as ["shell"]
}

test_reading_production_passes if {
	count(payments.deny) == 0 with input as query("prod-eu", "SELECT 1")
}

test_writing_production_does_not if {
	some denial in payments.deny with input as query("prod-eu", "drop table ledger")
	denial.rule == "no-prod-writes"
}
