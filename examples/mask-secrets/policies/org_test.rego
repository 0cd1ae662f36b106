package sallyport.org_test

import data.sallyport.org

request(label) := {
	"flow": "request",
	"operation": "chat",
	"findings": [{"label": label, "score": 0.95, "kind": "text", "author": "user", "part": 0, "start": 0, "end": 20}],
}

test_secrets_and_personal_data_are_masked if {
	org.redact == {"secret.*", "pii.*"} with input as request("pii.email")
}

test_an_access_key_is_noted_and_let_through if {
	count(org.deny) == 0 with input as request("secret.aws_access_key")
	some warning in org.warn with input as request("secret.aws_access_key")
	warning.say == "secret.aws_access_key"
}

test_a_private_key_is_refused if {
	some refusal in org.deny with input as request("secret.private_key")
	refusal.rule == "no-private-keys"
}
