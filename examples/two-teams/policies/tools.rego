# A library: rules and functions that every layer may use.
package sallyport.lib.tools

# A tool server at some address, which the provider would call itself.
is_server(tool) if tool.server_url

# Hosted tools have a type of their own. Functions and custom tools run at the agent.
runs_at_provider(tool) if not tool.type in {"function", "custom"}
