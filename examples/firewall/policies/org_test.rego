package sallyport.org_test

import data.sallyport.org

finding(label, score, kind, author) := {
	"label": label,
	"score": score,
	"kind": kind,
	"author": author,
	"part": 2,
	"start": 0,
	"end": 40,
}

request(findings) := {
	"flow": "request",
	"operation": "chat",
	"tools": [{"name": "fetch_page", "type": "function"}, {"name": "send_mail", "type": "function"}],
	"findings": findings,
}

poisoned(score) := request([finding("injection.embedded", score, "tool_result", "tool")])

rules(document) := {refusal.rule | some refusal in org.deny with input as document}

hidden(document) := {name | some name in org.hide with input as document}

test_a_clean_page_passes if {
	rules(request([])) == set()
	hidden(request([])) == set()
	org.redact == set() with input as request([])
}

test_a_page_that_surely_attacks_is_refused if rules(poisoned(0.97)) == {"injection"}

test_a_page_that_may_attack_is_masked_and_nothing_is_sent if {
	rules(poisoned(0.7)) == set()
	org.redact == {"injection.embedded"} with input as poisoned(0.7)
	hidden(poisoned(0.7)) == {"send_mail"}
}

test_users_are_noted_only if {
	document := request([finding("injection.jailbreak", 0.99, "text", "user")])
	rules(document) == set()
	org.redact == set() with input as document
	count(org.warn) == 1 with input as document
}

test_what_was_not_read_is_refused if {
	rules(request([finding("unavailable", 1, "tool_result", "tool")])) == {"not-read"}
	rules(request([finding("unscanned", 1, "tool_result", "tool")])) == {"not-read"}
}

test_images_are_another_matter if rules(request([finding("unscanned", 1, "media", "user")])) == set()
