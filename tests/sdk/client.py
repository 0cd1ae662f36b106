"""The official Python SDKs, unmodified, through the gateway: only the base URL and the key are given.

Each function is one check. The model behind the gateway does what its last message says (`say …`, `call …`).
"""

import sys
import time
import traceback

import anthropic
import openai

TOOL = {
    "type": "function",
    "function": {
        "name": "run_sql",
        "description": "Runs SQL",
        "parameters": {
            "type": "object",
            "properties": {"database": {"type": "string"}, "sql": {"type": "string"}},
        },
    },
}
CLAUDE_TOOL = {
    "name": "run_sql",
    "description": "Runs SQL",
    "input_schema": TOOL["function"]["parameters"],
}
READ = 'call run_sql with {"database": "prod", "sql": "select 1"}'
WRITE = 'say Let me tidy up that table for you, it is no trouble. then call run_sql with {"database": "prod", "sql": "delete from t"}'
# In pieces, so that no scanner of source code takes it for a real one.
SECRET = "AKIA" + "Z7Q3M5XW" + "RT2LKD4P"
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

oai = openai.OpenAI(timeout=30)
claude = anthropic.Anthropic(timeout=30)


def user(words):
    return [{"role": "user", "content": words}]


def chat(words, client=oai, **more):
    return client.chat.completions.create(model="demo-model", messages=user(words), **more)


def message(words, client=claude, **more):
    return client.messages.create(model="demo-model", max_tokens=500, messages=user(words), **more)


def chat_whole():
    answer = chat("say Hello from the model.")
    assert answer.choices[0].message.content == "Hello from the model.", answer
    assert answer.usage.total_tokens > 0


def chat_two_choices():
    answer = chat("say Twice.", n=2)
    assert [choice.message.content for choice in answer.choices] == ["Twice.", "Twice."]


def chat_stream_with_usage():
    chunks = list(chat("say One two three.", stream=True, stream_options={"include_usage": True}))
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == "One two three.", text
    assert chunks[-1].usage.completion_tokens > 0 and not chunks[-1].choices


def chat_tool_round_trip():
    first = chat(READ, tools=[TOOL]).choices[0]
    call = first.message.tool_calls[0]
    assert (first.finish_reason, call.function.name) == ("tool_calls", "run_sql")
    history = user(READ) + [
        first.message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": call.id, "content": "one row"},
    ]
    second = oai.chat.completions.create(model="demo-model", messages=history, tools=[TOOL])
    assert second.choices[0].message.content == "The tool answered: one row"


def chat_tool_stream():
    arguments = ""
    for chunk in chat(READ, tools=[TOOL], stream=True):
        for call in chunk.choices[0].delta.tool_calls or []:
            arguments += call.function.arguments or ""
    assert '"select 1"' in arguments, arguments


def chat_image():
    parts = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
    ]
    answer = oai.chat.completions.create(model="demo-model", messages=user(parts))
    assert "1 picture" in answer.choices[0].message.content, answer


def chat_secret_never_reaches_the_model():
    answer = chat(f"echo {SECRET}")
    assert SECRET not in answer.choices[0].message.content
    assert "redacted secret" in answer.choices[0].message.content, answer


def chat_tool_call_denied():
    try:
        chat(WRITE, tools=[TOOL])
    except openai.PermissionDeniedError as error:
        assert "change ticket" in str(error), error
        assert error.response.headers["x-sallyport-id"]
        assert error.response.headers.get("x-should-retry") in (None, "false")
    else:
        raise AssertionError("the call should be refused")


def chat_tool_call_denied_in_stream():
    text = ""
    try:
        for chunk in chat(WRITE, tools=[TOOL], stream=True):
            assert not chunk.choices[0].delta.tool_calls, "no part of the call may pass"
            assert chunk.choices[0].finish_reason is None
            text += chunk.choices[0].delta.content or ""
    except openai.APIError as error:
        assert "change ticket" in str(error), error
    else:
        raise AssertionError("the stream should end with an error")
    assert text.startswith("Let me tidy"), text


def chat_wrong_key():
    try:
        chat("say Hello", client=oai.with_options(api_key="sp-nobody"))
    except openai.AuthenticationError:
        return
    raise AssertionError("the key should be refused")


def chat_retries():
    assert chat("error 500 once").choices[0].message.content == "All well again."
    assert chat("error 429 once").choices[0].message.content == "All well again."
    try:
        chat("error 500", client=oai.with_options(max_retries=0))
    except openai.InternalServerError as error:
        assert "told to fail" in str(error)
    else:
        raise AssertionError("the error should be raised")


def chat_cancelled():
    stream = chat("slow", stream=True)
    for _, _ in zip(range(5), stream):
        pass
    stream.close()


def legacy_completion():
    answer = oai.completions.create(model="demo-model", prompt="say A legacy answer.")
    assert answer.choices[0].text == "A legacy answer."
    pieces = oai.completions.create(model="demo-model", prompt="say A legacy answer.", stream=True)
    assert "".join(p.choices[0].text for p in pieces) == "A legacy answer."


def embeddings():
    one = oai.embeddings.create(model="demo-embed", input=["a", "b"])
    two = oai.embeddings.create(model="demo-embed", input=["a", "b"], encoding_format="float")
    assert len(one.data) == 2
    assert all(abs(x - y) < 1e-6 for x, y in zip(one.data[0].embedding, two.data[0].embedding))


def models():
    assert "demo-model" in [model.id for model in oai.models.list()]
    assert oai.models.retrieve("demo-model").id == "demo-model"
    assert "demo-model" in [model.id for model in claude.models.list()]


def responses_whole():
    answer = oai.responses.create(model="demo-model", input="say Hello from responses.")
    assert answer.output_text == "Hello from responses."
    again = oai.responses.retrieve(answer.id)
    assert again.output_text == answer.output_text
    further = oai.responses.create(model="demo-model", input="say On.", previous_response_id=answer.id)
    assert further.output_text == "On."


def responses_stream():
    with oai.responses.stream(model="demo-model", input="think deeply then say One two three.") as stream:
        text = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        assert stream.get_final_response().output_text == text == "One two three."


def responses_tool_round_trip():
    tool = {"type": "function", "strict": False, **TOOL["function"]}
    first = oai.responses.create(model="demo-model", input=READ, tools=[tool])
    call = next(item for item in first.output if item.type == "function_call")
    history = [
        {"role": "user", "content": READ},
        call.model_dump(exclude_none=True),
        {"type": "function_call_output", "call_id": call.call_id, "output": "one row"},
    ]
    second = oai.responses.create(model="demo-model", input=history, tools=[tool])
    assert second.output_text == "The tool answered: one row"


def responses_tool_call_denied_in_stream():
    tool = {"type": "function", "strict": False, **TOOL["function"]}
    try:
        for event in oai.responses.create(model="demo-model", input=WRITE, tools=[tool], stream=True):
            assert "function_call_arguments" not in event.type, "no part of the call may pass"
            assert event.type != "response.completed"
            if event.type in ("error", "response.failed"):
                assert "change ticket" in event.model_dump_json(), event
                return
    except openai.APIError as error:
        assert "change ticket" in str(error), error
        return
    raise AssertionError("the stream should end with an error")


def responses_foreign_state():
    try:
        oai.responses.create(model="demo-model", input="say x", previous_response_id="resp_of_another")
    except openai.PermissionDeniedError:
        return
    raise AssertionError("state of somebody else should be refused")


def message_whole():
    answer = message("say Hello from Claude.")
    assert answer.content[0].text == "Hello from Claude."
    assert answer.usage.output_tokens > 0


def message_stream():
    with claude.messages.stream(
        model="demo-model", max_tokens=500, messages=user("think deeply then say One two three.")
    ) as stream:
        assert "".join(stream.text_stream) == "One two three."
        final = stream.get_final_message()
    assert [block.type for block in final.content] == ["thinking", "text"]


def message_thinking_round_trip():
    first = message("think of a number then say Done.")
    history = user("think of a number") + [
        {"role": "assistant", "content": [block.model_dump() for block in first.content]},
        *user("say And on."),
    ]
    second = claude.messages.create(model="demo-model", max_tokens=500, messages=history)
    assert second.content[0].text == "And on."


def message_tool_round_trip():
    first = message(READ, tools=[CLAUDE_TOOL])
    assert first.stop_reason == "tool_use"
    use = first.content[0]
    history = user(READ) + [
        {"role": "assistant", "content": [use.model_dump()]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": use.id, "content": "one row"}]},
    ]
    second = claude.messages.create(model="demo-model", max_tokens=500, messages=history, tools=[CLAUDE_TOOL])
    assert second.content[0].text == "The tool answered: one row"


def message_image():
    source = {"type": "base64", "media_type": "image/png", "data": PIXEL}
    answer = message([{"type": "image", "source": source}, {"type": "text", "text": "What is this?"}])
    assert "1 picture" in answer.content[0].text


def message_tool_call_denied():
    try:
        message(WRITE, tools=[CLAUDE_TOOL])
    except anthropic.PermissionDeniedError as error:
        assert "change ticket" in str(error), error
    else:
        raise AssertionError("the call should be refused")


def message_tool_call_denied_in_stream():
    text = ""
    try:
        with claude.messages.stream(
            model="demo-model", max_tokens=500, messages=user(WRITE), tools=[CLAUDE_TOOL]
        ) as stream:
            for event in stream:
                assert event.type != "input_json", "no part of the call may pass"
                if event.type == "text":
                    text += event.text
    except anthropic.APIError as error:
        assert "change ticket" in str(error), error
    else:
        raise AssertionError("the stream should end with an error")
    assert text.startswith("Let me tidy"), text


def message_retries():
    assert message("error 529 once").content[0].text == "All well again."


def message_cancelled():
    with claude.messages.stream(model="demo-model", max_tokens=500, messages=user("slow")) as stream:
        for _, _ in zip(range(5), stream.text_stream):
            pass


def count_tokens():
    counted = claude.messages.count_tokens(model="demo-model", messages=user("How many are these?"))
    assert counted.input_tokens > 0


CHECKS = [
    check
    for name, check in list(globals().items())
    if callable(check) and getattr(check, "__module__", "") == "__main__" and name not in ("user", "chat", "message")
]


def main():
    wanted = set(sys.argv[1:])
    failed = 0
    for check in CHECKS:
        if wanted and check.__name__ not in wanted:
            continue
        begun = time.monotonic()
        try:
            check()
            print(f"passed {check.__name__} in {time.monotonic() - begun:.2f} s", flush=True)
        except Exception:
            failed += 1
            print(f"failed {check.__name__}\n{traceback.format_exc()}", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
