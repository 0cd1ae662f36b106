package sallyport.teams.home

default allow := false

allow if input.operation in {"chat", "complete", "embed", "models"}

# The model is at home, so nothing is masked on the way to it. What it makes up is looked at all the same:
# small models are easily led by the pages they are shown.
deny contains {
	"rule": "no-data-in-links",
	"say": "The answer held an address that carries data away. It was stopped.",
} if {
	input.flow == "answer"
	some finding in input.findings
	finding.label in {"link.exfil", "link.javascript", "link.data_uri"}
}

redact contains "hidden.*"
