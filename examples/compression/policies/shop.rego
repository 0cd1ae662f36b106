package sallyport.teams.shop # one package a team; platform rules: package sallyport.org

default allow := false

allow if input.operation in {"chat", "count_tokens", "models"}

allow if {
	input.operation == "tool_call"
	input.call.tool in {"list_orders", "fetch_page", "fetch_contract", "run_tests"}
}

redact contains "secret.*" # masked first: neither the model nor a kept original has them

settings := {"compression": {
	"mode": how_far,
	"exact_tools": ["fetch_contract*"], # its words are quoted: they stay as they are
	"kinds": {"blob_elide": false}, # this team's agents pass pictures on
}}

# Begin with "observe", read the report, go on to "lossless", then to "reversible".
default how_far := "lossless"

# What the auditor reads is evidence: as it came, byte for byte.
how_far := "off" if input.caller.agent == "auditor"
