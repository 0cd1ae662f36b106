package sallyport.teams.security

default allow := false

allow if input.operation == "chat"

# Pictures, sounds and files are not looked into. Here, none may pass.
deny contains {
	"rule": "nothing-unseen",
	"say": "Send text only: images, sounds and files cannot be inspected.",
} if {
	some finding in input.findings
	finding.label == "unscanned"
}

# Nor may anything that no reader understood.
deny contains {
	"rule": "nothing-unread",
	"say": sprintf("This body has parts that are not understood here: %s.", [concat(", ", input.unread)]),
} if {
	count(input.unread) > 0
}

redact contains "secret.*"

redact contains "pii.*"
