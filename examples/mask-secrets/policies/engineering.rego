package sallyport.teams.engineering

default allow := true

# Engineers talk about addresses of machines all day.
# Nothing here can undo the platform's `redact`; a team can only add to it.
redact contains "hidden.*"
