package sallyport.teams.payments            # one package a team; platform rules: package sallyport.org

default allow := false
allow if input.operation == "chat"
allow if { input.operation == "tool_call"; input.call.tool in data.teams.payments.tools }

deny contains {"rule": "no-prod-writes", "say": "Production is read-only for agents. Ask for a change ticket."} if {
    input.operation == "tool_call"
    startswith(input.call.arguments.database, "prod")
    not startswith(lower(input.call.arguments.sql), "select")
}
deny contains {"rule": "injection", "say": "A tool result tried to give instructions."} if {
    some f in input.findings
    f.label == "injection.embedded"; f.score >= 0.9
}
redact contains "secret.*"                   # which findings are masked rather than denied
hide contains tool if { some tool in input.tools; startswith(tool.name, "admin_") }   # from tools/list and tools[]
settings := {"compression": "lossless", "models": ["gpt-5-mini", "claude-sonnet-4-5"]}
