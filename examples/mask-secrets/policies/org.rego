# The platform's rules: they hold for every team, and no team can take them away.
package sallyport.org

default allow := true

# Whatever the detectors find of these families is masked, on the way to the model and on the way back.
redact contains "secret.*"

redact contains "pii.*"

# A private key has no business in a conversation at all: better to say so than to mask it.
deny contains {
	"rule": "no-private-keys",
	"say": "There is a private key in this request. Take it out; if it was ever sent anywhere, replace it.",
} if {
	input.flow == "request"
	some finding in input.findings
	finding.label in {"secret.private_key", "secret.gcp_service_account", "secret.age_key"}
}

# For the log: who sends what kind of secret, without the secret.
warn contains {"rule": "secret-seen", "say": finding.label} if {
	some finding in input.findings
	startswith(finding.label, "secret.")
	finding.score >= 0.9
}
