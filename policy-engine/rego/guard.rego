# What tool calls do, for policies: `import data.sallyport.lib.guard`.
#
# Findings `action.*` come from the guard of tool calls. Roles come from three places, and add up:
# what `data.guard.roles` says of a tool, what the tool's name says, and what this call was found to do.
# None of this denies anything by itself.
package sallyport.lib.guard

# At this score and above something is lost or handed out.
alarm := 0.8

# Labels of what this call was found to do, at least so sure. Only calls of tools do anything.
actions(least) := {finding.label |
	input.operation == "tool_call"
	some finding in input.findings
	startswith(finding.label, "action.")
	finding.score >= least
}

# Labels of what this call would delete, stop, open, overwrite or run unseen. Not in it: plain writes, and
# what leaves, which are for the roles `write` and `egress`.
destructive contains label if {
	some label in actions(alarm)
	not startswith(label, "action.write.database")
	label != "action.egress"
}

# Labels of what this call would delete.
deletes contains label if {
	some label in actions(alarm)
	startswith(label, "action.delete.")
}

# Whether an argument that is meant to be run could not be read.
unparsed if "action.unparsed" in actions(0.5)

# The words of a tool's name: `mcp__shop__refundOrder` is `mcp`, `shop`, `refund`, `order`.
words(tool) := {word |
	apart := regex.replace(tool, "([a-z0-9])([A-Z])", "${1}_${2}")
	some word in regex.split("[^a-z0-9]+", lower(apart))
	word != ""
}

# Which role a word in a tool's name gives it.
verbs := {
	"read": {"get", "list", "read", "search", "find", "fetch", "describe", "show", "view", "query", "select", "lookup"},
	"write": {"write", "create", "update", "edit", "set", "put", "patch", "insert", "add", "rename", "move", "deploy", "apply", "merge", "commit", "grant"},
	"delete": {"delete", "destroy", "drop", "remove", "purge", "wipe", "terminate", "erase", "truncate", "uninstall", "rm", "cancel", "revoke"},
	"execute": {"exec", "execute", "run", "shell", "bash", "sh", "terminal", "command", "cmd", "powershell", "python", "eval", "invoke", "script"},
	"egress": {"send", "post", "email", "mail", "upload", "publish", "share", "tweet", "message", "webhook", "export", "http", "forward", "notify"},
	"money": {"pay", "payment", "transfer", "refund", "charge", "invoice", "purchase", "buy", "order", "wire", "payout", "withdraw", "trade", "sell"},
}

# Which role an action gives a call.
role_of_action(label) := "delete" if startswith(label, "action.delete.")

role_of_action(label) := "write" if startswith(label, "action.write.")

role_of_action(label) := "execute" if startswith(label, "action.execute.")

role_of_action("action.egress") := "egress"

role_of_action("action.permission") := "write"

role_of_action("action.stop") := "delete"

role_of_action("action.unparsed") := "execute"

# Roles that operators gave a tool: `{"guard": {"roles": {"wire_money": ["money"]}}}` in a data file.
given(tool) := {role | some role in data.guard.roles[tool]}

# Roles that the words of a name give. Nothing where operators have spoken: `[]` takes all of them away.
named(tool) := set() if data.guard.roles[tool]

named(tool) := {role |
	of := words(tool)
	some role, known in verbs
	count(of & known) > 0
} if {
	not data.guard.roles[tool]
}

# Roles of a tool, whatever it is called with.
roles_of(tool) := given(tool) | named(tool)

# Roles of this call: of its tool, and of what it was found to do.
roles contains role if {
	input.operation == "tool_call"
	some role in roles_of(input.call.tool)
}

roles contains role if {
	some label in actions(0.5)
	role := role_of_action(label)
}

# Whether this call reads, writes, deletes, executes, sends out or moves money.
touches(role) if role in roles

# Keys of arguments that hold money, in small letters; `data.guard.amounts` adds to them.
amount_keys := {"amount", "total", "price", "sum", "value", "amount_usd", "amount_eur", "quantity_usd"} | {key | some key in data.guard.amounts}

# What stands in objects and lists one level below; elements of a list have the list's key.
below(pairs) := {[key, value] |
	some pair in pairs
	is_object(pair[1])
	some key, value in pair[1]
} | {[pair[0], value] |
	some pair in pairs
	is_array(pair[1])
	some value in pair[1]
}

# Arguments by their keys, six levels down. What lies deeper is taken for an amount that cannot be read.
first contains ["", input.call.arguments] if input.operation == "tool_call"

second := below(first)

third := below(second)

fourth := below(third)

fifth := below(fourth)

sixth := below(fifth)

seventh := below(sixth)

deeper := below(seventh)

# Every value under a key for money.
amount_values contains pair[1] if {
	some pair in ((((second | third) | fourth) | fifth) | sixth) | seventh
	lower(sprintf("%v", [pair[0]])) in amount_keys
}

# The numbers among them; text such as "1,250.00" counts.
amounts contains value if {
	some value in amount_values
	is_number(value)
}

amounts contains number if {
	some value in amount_values
	is_string(value)
	plain := replace(replace(value, ",", ""), " ", "")
	regex.match("^-?[0-9]{1,15}([.][0-9]{1,6})?$", plain)
	number := to_number(plain)
}

# The largest amount. Undefined where there is none: ask `amount_over`.
amount := max(amounts)

# Whether this call may move more than `limit`: it names more, less than nothing, or money without a number
# that can be read.
amount_over(limit) if {
	some number in amounts
	number > limit
}

amount_over(_) if {
	some number in amounts
	number < 0
}

amount_over(_) if count(deeper) > 0

amount_over(_) if {
	touches("money")
	count(amounts) == 0
}

amount_over(_) if {
	some value in amount_values
	is_string(value)
	not regex.match("^-?[0-9]{1,15}([.][0-9]{1,6})?$", replace(replace(value, ",", ""), " ", ""))
}
