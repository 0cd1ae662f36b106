package sallyport.teams.research

default allow := false

# Research asks larger models and lets them search the web.
allow if input.operation in {"chat", "count_tokens", "embed", "models", "stored"}

allow if {
	input.operation == "tool_call"
	input.call.tool in {"web_search", "fetch_page", "send_mail"}
}

# Once a request carries text that somebody else may have written, nothing goes out any more:
# the tools that send are taken away, and what tries to give orders is cut out.
untrusted if {
	some part in input.parts
	part.kind == "tool_result"
	part.tool in {"web_search", "fetch_page"}
}

hide contains "send_mail" if untrusted

redact contains "injection.*"
