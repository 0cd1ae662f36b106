# Rules of the support team. The last word of the package is the team's name, as the keys name it.
package sallyport.teams.support

default allow := true

# A rule has a name, for the log, and says what to do instead: the agent, or the person behind it, reads that.
deny contains {"rule": "small-model-only", "say": "Support agents use demo-model-mini. Ask for that model instead."} if {
	input.operation == "chat"
	input.model != "demo-model-mini"
}
