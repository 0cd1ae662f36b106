# A rule whose name begins with `test_` is a test. It passes when it is true.
package sallyport.teams.support_test

import data.sallyport.teams.support

asks(model) := {"flow": "request", "operation": "chat", "model": model}

test_the_small_model_may_be_asked if {
	support.allow with input as asks("gpt-5-mini")
	count(support.deny) == 0 with input as asks("gpt-5-mini")
}

test_the_large_model_may_not if {
	some refusal in support.deny with input as asks("gpt-5")
	refusal.rule == "small-model-only"
}

test_an_answer_may_name_its_model_in_full if {
	answer := {"flow": "answer", "operation": "chat", "model": "gpt-5-mini-2025-08-07"}
	count(support.deny) == 0 with input as answer
}

test_no_tool_may_be_called if {
	not support.allow with input as {"flow": "answer", "operation": "tool_call", "call": {"id": "1", "tool": "shell"}}
}
