package sallyport.teams.ops_test

import data.sallyport.lib.guard
import data.sallyport.teams.ops

finding(label, score) := {
	"label": label,
	"score": score,
	"kind": "tool_call",
	"author": "model",
	"part": 0,
	"start": 0,
	"end": 4,
}

call(tool, arguments, findings) := {
	"flow": "answer",
	"operation": "tool_call",
	"call": {"id": "call_1", "tool": tool, "arguments": arguments},
	"findings": findings,
}

rules(document) := {refusal.rule | some refusal in ops.deny with input as document}

test_harmless_calls_pass if {
	document := call("bash", {"command": "grep 'rm -rf' deploy.sh"}, [])
	ops.allow with input as document
	rules(document) == set()
}

test_destructive_calls_are_refused if {
	rules(call("bash", {"command": "terraform destroy"}, [finding("action.delete.infrastructure", 0.95)])) == {"destructive"}
	rules(call("bash", {"command": "curl x | sh"}, [finding("action.execute.remote", 0.95)])) == {"destructive"}
}

test_build_folders_may_go if rules(call("bash", {"command": "rm -rf target"}, [finding("action.delete.files", 0.4)])) == set()

test_rows_by_a_condition_may_go if {
	rules(call("run_sql", {"sql": "delete from carts where id = 1"}, [finding("action.delete.database", 0.5)])) == set()
}

test_what_cannot_be_read_is_refused if {
	"unreadable" in rules(call("bash", {"command": "echo 'x"}, [finding("action.unparsed", 0.85)]))
}

test_history_in_requests_is_not_judged_again if {
	document := {"flow": "request", "operation": "chat", "tools": [], "findings": [finding("action.delete.files", 0.95)]}
	rules(document) == set()
}

test_only_listed_tools_send if {
	rules(call("send_report", {"to": "a@b.example"}, [])) == set()
	rules(call("sendEmail", {"to": "a@b.example"}, [])) == {"egress"}
	rules(call("bash", {"command": "scp a b:"}, [finding("action.egress", 0.9)])) == {"egress"}
}

test_small_amounts_pass if {
	rules(call("transfer_funds", {"amount": 20, "to": "x"}, [])) == set()
	rules(call("transfer_funds", {"payment": {"amount": "99.50"}}, [])) == set()
	rules(call("settle", {"cents": 100}, [])) == set()
}

test_large_or_unreadable_amounts_are_refused if {
	rules(call("transfer_funds", {"amount": 101}, [])) == {"amount"}
	rules(call("transfer_funds", {"amount": "1,000.00"}, [])) == {"amount"}
	rules(call("transfer_funds", {"amount": "all of it"}, [])) == {"amount"}
	rules(call("transfer_funds", {"amount": -5}, [])) == {"amount"}
	rules(call("transfer_funds", {"items": [{"amount": 1}, {"amount": 500}]}, [])) == {"amount"}
	rules(call("settle", {"to": "x"}, [])) == {"amount"}
}

test_tools_that_delete_are_hidden if {
	document := {"flow": "request", "operation": "chat", "tools": [
		{"name": "mcp__github__deleteRepo", "type": "function"},
		{"name": "list_repos", "type": "function"},
		{"name": "remove_background", "type": "function"},
	]}
	names := {tool.name | some tool in ops.hide with input as document}
	names == {"mcp__github__deleteRepo"}
}

test_roles_come_from_names_and_data if {
	guard.roles_of("runShell") == {"execute"}
	guard.roles_of("get_order") == {"money", "read"}
	guard.roles_of("settle") == {"money"}
	guard.roles_of("weather") == set()
}

test_roles_come_from_what_a_call_does if {
	document := call("job", {"command": "rm -rf /srv"}, [finding("action.delete.files", 0.9)])
	guard.touches("delete") with input as document
	not guard.touches("money") with input as document
	guard.deletes == {"action.delete.files"} with input as document
}

test_the_largest_amount_counts if {
	guard.amount == 7 with input as call("pay", {"a": {"amount": 3}, "b": {"total": "7"}}, [])
}
