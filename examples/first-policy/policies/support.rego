# The last word of the package is the team, as the keys in sallyport.yaml name it.
package sallyport.teams.support

# Start from no. What no rule allows is refused.
default allow := false

# Ask a model, count tokens, list models. Tool calls are a question of their own, and nobody allows them here.
allow if input.operation in {"chat", "count_tokens", "models"}

# A refusal has a name, for the log, and words, for whoever asked. `flow` says that it is about what is asked for:
# an answer often names its model otherwise, such as `gpt-5-mini-2025-08-07`.
deny contains {
	"rule": "small-model-only",
	"say": "Support agents use gpt-5-mini. Ask for that model instead.",
} if {
	input.flow == "request"
	input.operation == "chat"
	input.model != "gpt-5-mini"
}
