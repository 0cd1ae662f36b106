package sallyport.teams.research

default allow := false

allow if input.operation in {"chat", "count_tokens", "models"}

allow if {
	input.operation == "tool_call"
	input.call.tool in {"fetch_page", "search", "send_mail"}
}
