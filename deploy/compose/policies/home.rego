# Models may be asked, and what looks like a secret stays here.
package sallyport.teams.home

default allow := false

allow if input.operation in {"chat", "models", "embed"}

redact contains "secret.*"
