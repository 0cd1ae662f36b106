"""A real model through the gateway: chat whole and streamed, Anthropic messages, responses."""

import anthropic
import openai

oai = openai.OpenAI(timeout=120, max_retries=0)
claude = anthropic.Anthropic(timeout=120, max_retries=0)
user = [{"role": "user", "content": "Say hello in five words."}]

answer = oai.chat.completions.create(model="smollm2", messages=user, max_tokens=24, temperature=0, seed=1)
assert answer.choices[0].message.content and answer.usage.completion_tokens > 0, answer
print("passed chat:", answer.choices[0].message.content)

text, usage = "", None
options = {"include_usage": True}
for chunk in oai.chat.completions.create(
    model="smollm2", messages=user, max_tokens=24, temperature=0, seed=1, stream=True, stream_options=options
):
    text += (chunk.choices[0].delta.content or "") if chunk.choices else ""
    usage = chunk.usage or usage
assert text and usage.completion_tokens > 0
print("passed stream:", text)

message = claude.messages.create(model="smollm2", messages=user, max_tokens=24)
assert message.content[0].text and message.usage.output_tokens > 0, message
print("passed messages:", message.content[0].text)

response = oai.responses.create(model="smollm2", input="Say hello in five words.", max_output_tokens=24)
assert response.output_text, response
print("passed responses:", response.output_text)
