# The platform's rules, judged first for every team.
package sallyport.org

default allow := false

# To ask models, and to read again what was stored for the same caller.
allow if input.operation in {"chat", "complete", "embed", "count_tokens", "models", "stored"}

# To use tools, a model's and a tool server's.
allow if input.operation in {"tool_call", "connect", "tool_list", "notify"}

# Secrets go neither to a model nor back: each is replaced by a placeholder, the same one each time.
redact contains "secret.*"

# Customers' addresses stay with the tool server that knows them.
redact contains "pii.email" if input.mcp.server == "desk"

# Tools for administrators are taken out of every list, and cannot be called.
hide contains tool.name if {
	some tool in input.tools
	startswith(tool.name, "admin_")
}
