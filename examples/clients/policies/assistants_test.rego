package sallyport.teams.assistants_test

import data.sallyport.teams.assistants

call(tool, arguments) := {"flow": "answer", "operation": "tool_call", "call": {"id": "1", "tool": tool, "arguments": arguments}, "findings": []}

test_reading_production_is_allowed if {
	count(assistants.deny) == 0 with input as call("run_sql", {"database": "prod", "sql": "select 1"})
}

test_writing_to_production_is_refused if {
	some refusal in assistants.deny with input as call("run_sql", {"database": "prod", "sql": "update t set a = 1"})
	refusal.rule == "no-prod-writes"
}

test_tickets_of_others_are_refused if {
	some refusal in assistants.deny with input as call("read_ticket", {"id": "HR-3"})
	refusal.rule == "own-tickets-only"
}

test_what_destroys_is_refused_by_any_name if {
	finding := {"label": "action.delete.database", "score": 0.95, "kind": "tool_call", "author": "model", "part": 0, "start": 4, "end": 24}
	drop := object.union(call("anything", {"q": "drop table t"}), {"findings": [finding]})
	count(assistants.steer) == 1 with input as drop
	some refusal in assistants.deny with input as object.union(drop, {"flow": "request"})
	refusal.rule == "destructive"
}
