//! Which words of tools may be put in others: those of tools that the client ran, and nothing else.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use bytes::Bytes;
use sallyport_exchange::{Answer, Dialect, Operation, PartId};

/// Every part that is not fixed: its words, and whether the call failed. And whether nothing may lean on the past.
fn read(dialect: Dialect, body: &str) -> (Vec<(String, Answer)>, bool) {
    let payload = dialect
        .read_request(Operation::Chat, Bytes::from(body.to_owned()))
        .unwrap();
    let parts = payload.outline().parts.iter().enumerate();
    let free = parts.filter(|(_, part)| part.answer != Answer::Fixed);
    let words = |at: usize| payload.view(PartId(at as u32)).text.to_owned();
    let found = free.map(|(at, part)| (words(at), part.answer)).collect();
    (found, payload.outline().clears)
}

fn plain(words: &[&str]) -> Vec<(String, Answer)> {
    let plain = |w: &&str| ((*w).to_owned(), Answer::Plain);
    words.iter().map(plain).collect()
}

#[test]
fn chat_completions_give_the_content_of_tool_messages() {
    let (found, clears) = read(
        Dialect::OpenAiChat,
        r#"{"model": "m", "messages": [
            {"role": "system", "content": "be kind"},
            {"role": "user", "content": [{"type": "text", "text": "hello"}]},
            {"role": "assistant", "content": "hm", "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "ls", "arguments": "{\"p\": \"x y\"}"}}]},
            {"role": "tool", "tool_call_id": "a", "name": "not an id at all", "content": "one"},
            {"role": "tool", "tool_call_id": "a", "content": [
                {"type": "text", "text": "two", "stray": "a stray"},
                {"type": "image_url", "image_url": {"url": "https://x.test/"}},
                {"type": "strange", "text": "no"}]}]}"#,
    );
    assert_eq!((found, clears), (plain(&["one", "two"]), false));
}

#[test]
fn messages_give_the_text_of_tool_results_only() {
    let (mut found, clears) = read(
        Dialect::Anthropic,
        r#"{"model": "m", "messages": [
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "deep", "signature": "c2ln"},
                {"type": "tool_use", "id": "a", "name": "ls", "input": {"p": "x"}},
                {"type": "server_tool_use", "id": "b", "name": "web_search", "input": {"q": "y"}},
                {"type": "web_search_tool_result", "tool_use_id": "b", "content": [
                    {"type": "web_search_result", "title": "t", "url": "u", "encrypted_content": "YQ=="}]},
                {"type": "mcp_tool_result", "tool_use_id": "b", "content": [{"type": "text", "text": "theirs"}]}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": "one"},
                {"type": "tool_result", "tool_use_id": "a", "is_error": true, "content": "bad"},
                {"type": "tool_result", "tool_use_id": "a", "content": [
                    {"type": "text", "text": "two", "cache_control": {"type": "ephemeral"}},
                    {"type": "text", "text": "cited", "citations": [{"type": "char_location", "cited_text": "c"}]},
                    {"type": "search_result", "source": "s", "title": "t", "content": [{"type": "text", "text": "x"}]},
                    {"type": "document", "title": "d", "source": {"type": "text", "media_type": "text/plain", "data": "words"}}]},
                {"type": "text", "text": "user's own"}]}]}"#,
    );
    assert_eq!(found.remove(1), ("bad".to_owned(), Answer::Failed));
    assert_eq!((found, clears), (plain(&["one", "two"]), false));
}

#[test]
fn responses_give_what_functions_put_out() {
    let (found, clears) = read(
        Dialect::OpenAiResponses,
        r#"{"model": "m", "input": [
            {"type": "message", "role": "user", "content": "hello"},
            {"type": "function_call", "call_id": "a", "name": "ls", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "a", "output": "one"},
            {"type": "function_call_output", "call_id": "a", "output": [
                {"type": "input_text", "text": "two"},
                {"type": "input_image", "image_url": "https://x.test/"}]},
            {"type": "custom_tool_call_output", "call_id": "a", "output": "three"},
            {"type": "computer_call_output", "call_id": "a", "output": {"type": "computer_screenshot", "image_url": "https://x.test/"}},
            {"type": "mcp_call", "id": "q", "name": "far", "arguments": "{}", "output": "theirs", "server_label": "s"}]}"#,
    );
    assert_eq!((found, clears), (plain(&["one", "two", "three"]), false));
}

#[test]
fn a_provider_that_may_clear_is_told_of() {
    let bodies = [
        (
            Dialect::Anthropic,
            r#"{"model": "m", "messages": [], "context_management": {"edits": []}}"#,
            true,
        ),
        (
            Dialect::Anthropic,
            r#"{"model": "m", "messages": [], "context_management": null}"#,
            false,
        ),
        (
            Dialect::OpenAiResponses,
            r#"{"model": "m", "input": [], "truncation": "auto"}"#,
            true,
        ),
        (
            Dialect::OpenAiResponses,
            r#"{"model": "m", "input": [], "truncation": "disabled"}"#,
            false,
        ),
        (
            Dialect::OpenAiResponses,
            r#"{"model": "m", "input": [], "previous_response_id": "resp_1"}"#,
            true,
        ),
    ];
    for (dialect, body, clears) in bodies {
        assert_eq!(read(dialect, body).1, clears, "{body}");
    }
}
