# Coders: GitHub's tools by name, and none that deletes.
package sallyport.teams.dev

default allow := true

# The list is two tools: one tells the parameters of others, one calls them.
settings := {"disclosure": "names+describe"}

# Not shown, so not named, not described and not called, by itself or within `sallyport_call`.
hide contains tool.name if {
	some tool in input.tools
	startswith(tool.name, "delete_")
}

deny contains {
	"rule": "say-why",
	"say": "An issue says in its body what is wrong and how to see it.",
} if {
	input.flow == "request"
	input.call.tool == "create_issue"
	not is_told
}

is_told if count(input.call.arguments.body) >= 20
