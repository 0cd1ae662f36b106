package sallyport.org

default allow := false

allow if input.operation in {"connect", "tool_list", "tool_call", "notify"}

# No secret goes to a tool server, and none comes back from one.
redact contains "secret.*"
