# The platform's rules. They are judged first, for every team; a team can tighten them and never loosen them.
package sallyport.org

# Start from no: what nobody allows is refused.
default allow := false

# What agents may do here. Every tool call is asked for too, wherever it appears.
allow if input.operation in {"chat", "complete", "embed", "count_tokens", "models", "tool_call"}

# Of tool servers: to connect, to ask for their lists, to be told of changes. Calls are `tool_call`, as above.
allow if input.operation in {"connect", "tool_list", "notify"}

# What was stored at the provider by the same caller may be read again. (Somebody else's is refused anyway.)
allow if input.operation == "stored"

# Secrets and personal data are masked, on the way to the model and on the way back. The same secret always
# gets the same placeholder, so that the conversation still makes sense.
redact contains "secret.*"

redact contains "pii.*"

# A web page or a mail that hides text from people means to speak to the model behind their backs.
deny contains {"rule": "hidden-instruction", "say": "A tool's result holds text that people cannot see. It was not given to the model."} if {
	some finding in input.findings
	startswith(finding.label, "hidden.")
	finding.author == "tool"
}

# Words in a tool's answer that speak to the agent are taken out; it reads a notice in their place.
redact contains "injection.embedded"

redact contains "injection.override" if {
	some finding in input.findings
	finding.label == "injection.override"
	finding.author == "tool"
}

# Tools for administrators are taken out of what the model is offered; it never learns that they exist.
hide contains tool.name if {
	some tool in input.tools
	startswith(tool.name, "admin_")
}
