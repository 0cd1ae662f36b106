package sallyport.teams.support_test

import data.sallyport.teams.support

read(id) := {"operation": "tool_call", "call": {"id": "1", "tool": "read_ticket", "arguments": {"id": id}}}

test_own_tickets_are_read if count(support.deny) == 0 with input as read("S-17")

test_tickets_of_others_are_not if count(support.deny) == 1 with input as read("HR-3")
