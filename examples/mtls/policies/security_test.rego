package sallyport.teams.security_test

import data.sallyport.teams.security

request(findings, unread) := {"flow": "request", "operation": "chat", "findings": findings, "unread": unread}

test_words_pass if count(security.deny) == 0 with input as request([], [])

test_pictures_do_not if {
	unscanned := {"label": "unscanned", "score": 1, "kind": "media", "author": "user", "part": 1, "start": 0, "end": 0}
	some refusal in security.deny with input as request([unscanned], [])
	refusal.rule == "nothing-unseen"
}

test_unread_fields_are_named if {
	some refusal in security.deny with input as request([], ["messages[0].future"])
	contains(refusal.say, "messages[0].future")
}
