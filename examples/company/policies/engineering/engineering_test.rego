package sallyport.teams.engineering_test

import data.sallyport.teams.engineering

sql(text) := {"flow": "answer", "operation": "tool_call", "call": {"id": "1", "tool": "run_sql", "arguments": {"database": "prod-eu", "sql": text}}}

test_production_is_read if count(engineering.deny) == 0 with input as sql("SELECT 1")

test_production_is_not_written if count(engineering.deny) == 1 with input as sql("update t set a = 1 where b = 2")

test_pushes_are_for_people if {
	call := {"id": "1", "tool": "Bash", "arguments": {"command": "git push origin main"}}
	count(engineering.steer) == 1 with input as {"flow": "answer", "operation": "tool_call", "call": call}
}
