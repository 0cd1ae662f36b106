"""Asks the model on this machine through the gateway: whole, and streamed."""

import openai

client = openai.OpenAI()
messages = [{"role": "user", "content": "Say hello in five words."}]
asked = {"model": "smollm2", "messages": messages, "max_tokens": 24, "temperature": 0, "seed": 1}

answer = client.chat.completions.create(**asked)
assert answer.choices[0].message.content and answer.usage.completion_tokens > 0, answer
print("answered whole")

said = "".join(chunk.choices[0].delta.content or "" for chunk in client.chat.completions.create(**asked, stream=True) if chunk.choices)
assert said, "nothing was streamed"
print("answered in a stream")
