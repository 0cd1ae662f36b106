package sallyport.org_test

import data.sallyport.org

call(findings) := {
	"flow": "request",
	"operation": "tool_call",
	"call": {"id": "1", "tool": "any", "arguments": {}},
	"findings": findings,
}

test_calls_are_for_teams_to_say if org.allow with input as call([])

test_resources_are_not_used_here if not org.allow with input as {"flow": "request", "operation": "resource_read"}

test_what_destroys_is_refused if {
	finding := {"label": "action.delete.database", "score": 0.95, "kind": "tool_call", "author": "model", "part": 0, "start": 0, "end": 4}
	count(org.deny) == 1 with input as call([finding])
	count(org.deny) == 0 with input as call([])
}
