package sallyport.teams.payments # one package a team; platform rules: package sallyport.org

default allow := false

allow if input.operation in {"chat", "count_tokens", "models"}

# A call of a tool is asked for like anything else, wherever it appears. Which tools there are is data: see teams.json.
allow if {
	input.operation == "tool_call"
	input.call.tool in data.teams.payments.tools
}

# Said of what is allowed, so that a call which names no database, or has no `sql`, is refused as well.
deny contains {
	"rule": "no-prod-writes",
	"say": "Production is read-only for agents. Ask for a change ticket.",
} if {
	input.operation == "tool_call"
	input.call.tool == "run_sql"
	not is_harmless
}

is_harmless if {
	database := lower(input.call.arguments.database)
	not startswith(database, "prod")
}

# One statement that begins with `select`. A prefix is no parser: give the agent a database user that cannot write, too.
is_harmless if {
	sql := lower(trim_space(input.call.arguments.sql))
	startswith(sql, "select ")
	not contains(trim_right(sql, "; \n\t"), ";")
	not contains(sql, " into ")
}

# What a tool brought back, a page or a mail, tries to give orders.
deny contains {
	"rule": "injection",
	"say": "A tool result tried to give instructions. It was not given to the model.",
} if {
	input.flow == "request"
	some finding in input.findings
	finding.label == "injection.phrase"
	finding.author == "tool"
	finding.kind == "tool_result"
	finding.score >= 0.85
}

redact contains "secret.*" # which findings are masked rather than denied

hide contains tool if { # from the tools that a request offers to the model
	some tool in input.tools
	startswith(tool.name, "admin_")
}

settings := {"models": ["gpt-5-mini*", "claude-sonnet-4-5*"]}
