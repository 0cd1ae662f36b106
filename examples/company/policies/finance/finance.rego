# Finance moves money: small amounts by agents, others by people.
package sallyport.teams.finance

import data.sallyport.lib.guard

default allow := true

deny contains {"rule": "large-payment", "say": "Agents pay up to 500. Ask a person to pay this invoice."} if {
	input.operation == "tool_call"
	guard.amount_over(500)
}

# Whoever has read what a stranger wrote pays nothing any more in that conversation.
deny contains {"rule": "no-payment-after-mail", "say": "This conversation holds a customer's words. Start a new one to pay."} if {
	input.flow == "request"
	some part in input.parts
	part.tool == "read_ticket"
	some tool in input.tools
	tool.name == "pay_invoice"
}
