package sallyport.teams.payments_test

import data.sallyport.teams.payments

call(tool, arguments) := {
	"flow": "answer",
	"operation": "tool_call",
	"call": {"id": "call_1", "tool": tool, "arguments": arguments},
}

sql(database, statement) := call("run_sql", {"database": database, "sql": statement})

refused(document) if {
	some refusal in payments.deny with input as document
	refusal.rule == "no-prod-writes"
}

test_chat_is_allowed if payments.allow with input as {"flow": "request", "operation": "chat"}

test_tools_come_from_data if {
	payments.allow with input as call("open_ticket", {})
	not payments.allow with input as call("shell", {})
}

test_production_may_be_read if {
	not refused(sql("prod-eu", "SELECT count(*) FROM payments"))
	not refused(sql("prod-eu", "select 1;\n"))
}

test_production_may_not_be_written if {
	refused(sql("prod-eu", "delete from payments"))
	refused(sql("PROD", "drop table payments"))
}

test_two_statements_are_not_one if refused(sql("prod-eu", "select 1; delete from payments"))

test_elsewhere_anything_goes if not refused(sql("staging", "delete from payments"))

test_what_is_not_said_is_not_harmless if {
	refused(call("run_sql", {"sql": "delete from payments"}))
	refused(call("run_sql", {}))
}

test_admin_tools_are_hidden if {
	document := {"flow": "request", "operation": "chat", "tools": [
		{"name": "admin_reset", "type": "function"},
		{"name": "run_sql", "type": "function"},
	]}
	names := {tool.name | some tool in payments.hide with input as document}
	names == {"admin_reset"}
}

test_orders_from_a_tool_are_refused if {
	finding := {"label": "injection.phrase", "score": 0.9, "kind": "tool_result", "author": "tool", "part": 2, "start": 0, "end": 30}
	document := {"flow": "request", "operation": "chat", "findings": [finding]}
	some refusal in payments.deny with input as document
	refusal.rule == "injection"
}
