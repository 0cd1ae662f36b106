//! Where a secret, or a call of a denied tool, can stand.

use sallyport_exchange::{Dialect, Flow, Kind, Operation};

/// One place in a whole body.
pub struct Place {
    pub dialect: Dialect,
    pub operation: Operation,
    pub flow: Flow,
    pub name: &'static str,
    /// With `@` where the secret goes; without, it calls the denied tool.
    pub body: String,
}

/// All places in requests and whole answers.
pub fn places() -> Vec<Place> {
    let mut places = Vec::new();
    let mut add = |dialect, operation, flow, name, body: String| {
        places.push(Place {
            dialect,
            operation,
            flow,
            name,
            body,
        })
    };
    let (ask, tell) = (Flow::Request, Flow::Answer);

    let chat = Dialect::OpenAiChat;
    let messages = |message: &str| format!(r#"{{"model":"m","messages":[{message}]}}"#);
    for (name, message) in [
        ("system", r#"{"role":"system","content":"the key @"}"#),
        (
            "system, as a part",
            r#"{"role":"system","content":[{"type":"text","text":"the key @"}]}"#,
        ),
        ("developer", r#"{"role":"developer","content":"the key @"}"#),
        ("user", r#"{"role":"user","content":"the key @"}"#),
        (
            "user, as a part",
            r#"{"role":"user","content":[{"type":"text","text":"the key @"}]}"#,
        ),
        (
            "user's name",
            r#"{"role":"user","name":"@","content":"hi"}"#,
        ),
        (
            "image address",
            r#"{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x.test/?k=@"}}]}"#,
        ),
        (
            "file name",
            r#"{"role":"user","content":[{"type":"file","file":{"filename":"@","file_data":"data:text/plain;base64,aGk="}}]}"#,
        ),
        (
            "unknown part",
            r#"{"role":"user","content":[{"type":"novel","x":"@"}]}"#,
        ),
        (
            "unknown field of a message",
            r#"{"role":"user","content":"hi","x_new":"the key @"}"#,
        ),
        ("assistant", r#"{"role":"assistant","content":"the key @"}"#),
        (
            "assistant's refusal",
            r#"{"role":"assistant","refusal":"the key @"}"#,
        ),
        (
            "assistant's thought",
            r#"{"role":"assistant","content":"hi","reasoning_content":"the key @"}"#,
        ),
        (
            "call",
            r#"{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"t","arguments":"{\"k\":\"the key @\"}"}}]}"#,
        ),
        (
            "call, the old way",
            r#"{"role":"assistant","content":null,"function_call":{"name":"t","arguments":"{\"k\":\"the key @\"}"}}"#,
        ),
        (
            "result",
            r#"{"role":"tool","tool_call_id":"c","content":"the key @"}"#,
        ),
        (
            "result, as a part",
            r#"{"role":"tool","tool_call_id":"c","content":[{"type":"text","text":"the key @"}]}"#,
        ),
        (
            "result, the old way",
            r#"{"role":"function","name":"t","content":"the key @"}"#,
        ),
    ] {
        add(chat, Operation::Chat, ask, name, messages(message));
    }
    for (name, rest) in [
        (
            "tool's description",
            r#""tools":[{"type":"function","function":{"name":"t","description":"the key @","parameters":{}}}]"#,
        ),
        (
            "tool's schema",
            r#""tools":[{"type":"function","function":{"name":"t","parameters":{"type":"object","properties":{"a":{"description":"the key @"}}}}}]"#,
        ),
        (
            "function, the old way",
            r#""functions":[{"name":"t","description":"the key @","parameters":{}}]"#,
        ),
        (
            "prediction",
            r#""prediction":{"type":"content","content":"the key @"}"#,
        ),
        ("unknown field", r#""x_new":{"a":["the key @"]}"#),
        ("metadata", r#""metadata":{"a":"the key @"}"#),
        ("user id", r#""user":"@""#),
    ] {
        add(
            chat,
            Operation::Chat,
            ask,
            name,
            format!(r#"{{"model":"m","messages":[],{rest}}}"#),
        );
    }
    add(
        chat,
        Operation::Complete,
        ask,
        "prompt",
        r#"{"model":"m","prompt":"the key @"}"#.into(),
    );
    add(
        chat,
        Operation::Complete,
        ask,
        "prompts",
        r#"{"model":"m","prompt":["a","the key @"]}"#.into(),
    );
    add(
        chat,
        Operation::Complete,
        ask,
        "suffix",
        r#"{"model":"m","prompt":"a","suffix":"the key @"}"#.into(),
    );
    add(
        chat,
        Operation::Embed,
        ask,
        "embedding input",
        r#"{"model":"m","input":"the key @"}"#.into(),
    );
    add(
        chat,
        Operation::Embed,
        ask,
        "embedding inputs",
        r#"{"model":"m","input":["a","the key @"]}"#.into(),
    );
    let choice = |message: &str| {
        format!(
            r#"{{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{{"index":0,"message":{message},"finish_reason":"stop"}}]}}"#
        )
    };
    for (name, message) in [
        ("answer", r#"{"role":"assistant","content":"the key @"}"#),
        (
            "refusal",
            r#"{"role":"assistant","content":null,"refusal":"the key @"}"#,
        ),
        (
            "thought",
            r#"{"role":"assistant","content":"hi","reasoning_content":"the key @"}"#,
        ),
        (
            "unknown field of the message",
            r#"{"role":"assistant","content":"hi","x_new":"the key @"}"#,
        ),
        (
            "transcript",
            r#"{"role":"assistant","content":null,"audio":{"id":"a","data":"aGk=","expires_at":1,"transcript":"the key @"}}"#,
        ),
        (
            "call of a denied tool",
            r#"{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"denied_tool","arguments":"{}"}}]}"#,
        ),
        (
            "call of a denied tool, the old way",
            r#"{"role":"assistant","content":null,"function_call":{"name":"denied_tool","arguments":"{}"}}"#,
        ),
        (
            "call's arguments",
            r#"{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"t","arguments":"{\"k\":\"the key @\"}"}}]}"#,
        ),
    ] {
        add(chat, Operation::Chat, tell, name, choice(message));
    }
    add(chat, Operation::Chat, tell, "second choice", r#"{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hi"}},{"index":1,"message":{"role":"assistant","content":"the key @"}}]}"#.into());
    add(
        chat,
        Operation::Chat,
        tell,
        "error",
        r#"{"error":{"message":"the key @","type":"x","param":null,"code":null}}"#.into(),
    );
    add(
        chat,
        Operation::Chat,
        tell,
        "unknown field",
        r#"{"choices":[],"x_new":{"a":"the key @"}}"#.into(),
    );
    add(chat, Operation::Complete, tell, "legacy answer", r#"{"id":"c","object":"text_completion","created":1,"model":"m","choices":[{"index":0,"text":"the key @","finish_reason":"stop"}]}"#.into());

    let responses = Dialect::OpenAiResponses;
    let input = |item: &str| format!(r#"{{"model":"m","input":[{item}]}}"#);
    for (name, item) in [
        ("system", r#"{"role":"system","content":"the key @"}"#),
        ("user", r#"{"role":"user","content":"the key @"}"#),
        (
            "user, as a part",
            r#"{"type":"message","role":"user","content":[{"type":"input_text","text":"the key @"}]}"#,
        ),
        (
            "image address",
            r#"{"role":"user","content":[{"type":"input_image","image_url":"https://x.test/?k=@"}]}"#,
        ),
        (
            "file name",
            r#"{"role":"user","content":[{"type":"input_file","filename":"@","file_data":"data:text/plain;base64,aGk="}]}"#,
        ),
        (
            "assistant",
            r#"{"type":"message","role":"assistant","content":[{"type":"output_text","text":"the key @","annotations":[]}]}"#,
        ),
        (
            "assistant's refusal",
            r#"{"type":"message","role":"assistant","content":[{"type":"refusal","refusal":"the key @"}]}"#,
        ),
        (
            "thought's summary",
            r#"{"type":"reasoning","id":"r","summary":[{"type":"summary_text","text":"the key @"}]}"#,
        ),
        (
            "call",
            r#"{"type":"function_call","call_id":"c","name":"t","arguments":"{\"k\":\"the key @\"}"}"#,
        ),
        (
            "result",
            r#"{"type":"function_call_output","call_id":"c","output":"the key @"}"#,
        ),
        (
            "free-form call",
            r#"{"type":"custom_tool_call","call_id":"c","name":"t","input":"the key @"}"#,
        ),
        ("unknown item", r#"{"type":"novel_item","x":"the key @"}"#),
        (
            "unknown part",
            r#"{"role":"user","content":[{"type":"novel","x":"the key @"}]}"#,
        ),
    ] {
        add(responses, Operation::Chat, ask, name, input(item));
    }
    for (name, body) in [
        ("input", r#"{"model":"m","input":"the key @"}"#),
        (
            "instructions",
            r#"{"model":"m","instructions":"the key @","input":"hi"}"#,
        ),
        (
            "tool's description",
            r#"{"model":"m","input":"hi","tools":[{"type":"function","name":"t","description":"the key @","parameters":{}}]}"#,
        ),
        (
            "hosted tool server",
            r#"{"model":"m","input":"hi","tools":[{"type":"mcp","server_label":"x","server_url":"https://x.test/?k=@"}]}"#,
        ),
        (
            "unknown field",
            r#"{"model":"m","input":"hi","x_new":"the key @"}"#,
        ),
    ] {
        add(responses, Operation::Chat, ask, name, body.into());
    }
    let output = |item: &str| {
        format!(
            r#"{{"id":"r","object":"response","created_at":1,"status":"completed","model":"m","output":[{item}]}}"#
        )
    };
    for (name, item) in [
        (
            "answer",
            r#"{"id":"m","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","annotations":[],"text":"the key @"}]}"#,
        ),
        (
            "refusal",
            r#"{"id":"m","type":"message","status":"completed","role":"assistant","content":[{"type":"refusal","refusal":"the key @"}]}"#,
        ),
        (
            "thought's summary",
            r#"{"id":"x","type":"reasoning","summary":[{"type":"summary_text","text":"the key @"}]}"#,
        ),
        (
            "call of a denied tool",
            r#"{"id":"f","type":"function_call","status":"completed","call_id":"c","name":"denied_tool","arguments":"{}"}"#,
        ),
        (
            "call's arguments",
            r#"{"id":"f","type":"function_call","status":"completed","call_id":"c","name":"t","arguments":"{\"k\":\"the key @\"}"}"#,
        ),
        (
            "free-form call",
            r#"{"id":"f","type":"custom_tool_call","call_id":"c","name":"t","input":"the key @"}"#,
        ),
        ("unknown item", r#"{"type":"novel_item","x":"the key @"}"#),
    ] {
        add(responses, Operation::Chat, tell, name, output(item));
    }
    add(
        responses,
        Operation::Chat,
        tell,
        "error",
        r#"{"error":{"message":"the key @","type":"x"}}"#.into(),
    );

    let claude = Dialect::Anthropic;
    let said = |message: &str| format!(r#"{{"model":"m","max_tokens":9,"messages":[{message}]}}"#);
    for (name, message) in [
        ("user", r#"{"role":"user","content":"the key @"}"#),
        (
            "user, as a block",
            r#"{"role":"user","content":[{"type":"text","text":"the key @"}]}"#,
        ),
        (
            "image address",
            r#"{"role":"user","content":[{"type":"image","source":{"type":"url","url":"https://x.test/?k=@"}}]}"#,
        ),
        (
            "document",
            r#"{"role":"user","content":[{"type":"document","source":{"type":"text","media_type":"text/plain","data":"the key @"}}]}"#,
        ),
        ("assistant", r#"{"role":"assistant","content":"the key @"}"#),
        (
            "thought",
            r#"{"role":"assistant","content":[{"type":"thinking","thinking":"the key @","signature":""}]}"#,
        ),
        (
            "call",
            r#"{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"t","input":{"k":"the key @"}}]}"#,
        ),
        (
            "result",
            r#"{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"the key @"}]}"#,
        ),
        (
            "result, as a block",
            r#"{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":[{"type":"text","text":"the key @"}]}]}"#,
        ),
        (
            "unknown block",
            r#"{"role":"user","content":[{"type":"novel","x":"the key @"}]}"#,
        ),
    ] {
        add(claude, Operation::Chat, ask, name, said(message));
        add(
            claude,
            Operation::CountTokens,
            ask,
            name,
            said(message).replace(r#""max_tokens":9,"#, ""),
        );
    }
    for (name, rest) in [
        ("system", r#""system":"the key @""#),
        (
            "system, as a block",
            r#""system":[{"type":"text","text":"the key @"}]"#,
        ),
        (
            "tool's description",
            r#""tools":[{"name":"t","description":"the key @","input_schema":{}}]"#,
        ),
        (
            "tool server",
            r#""mcp_servers":[{"type":"url","name":"x","url":"https://x.test/?k=@"}]"#,
        ),
        ("unknown field", r#""x_new":{"a":"the key @"}"#),
        ("metadata", r#""metadata":{"user_id":"the key @"}"#),
    ] {
        add(
            claude,
            Operation::Chat,
            ask,
            name,
            format!(r#"{{"model":"m","max_tokens":9,"messages":[],{rest}}}"#),
        );
    }
    let block = |block: &str| {
        format!(
            r#"{{"id":"m","type":"message","role":"assistant","model":"m","content":[{block}],"stop_reason":"end_turn","stop_sequence":null,"usage":{{"input_tokens":1,"output_tokens":1}}}}"#
        )
    };
    for (name, content) in [
        ("answer", r#"{"type":"text","text":"the key @"}"#),
        (
            "thought",
            r#"{"type":"thinking","thinking":"the key @","signature":""}"#,
        ),
        (
            "call of a denied tool",
            r#"{"type":"tool_use","id":"t","name":"denied_tool","input":{}}"#,
        ),
        (
            "call's input",
            r#"{"type":"tool_use","id":"t","name":"t","input":{"k":"the key @"}}"#,
        ),
        ("unknown block", r#"{"type":"novel","x":"the key @"}"#),
    ] {
        add(claude, Operation::Chat, tell, name, block(content));
    }
    add(
        claude,
        Operation::Chat,
        tell,
        "error",
        r#"{"type":"error","error":{"type":"x","message":"the key @"}}"#.into(),
    );
    places
}

/// A stream's dialect, operation, name, the kind of part it grows, and its events.
type StreamPlace = (Dialect, Operation, &'static str, Kind, Vec<String>);

/// All places in streamed answers. `@1` and `@2` are the halves of the secret.
pub fn stream_places() -> Vec<StreamPlace> {
    let mut places: Vec<StreamPlace> = Vec::new();
    let chunk = |delta: &str, finish: &str| {
        format!(
            "data: {{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{{\"index\":0,\"delta\":{delta},\"finish_reason\":{finish}}}]}}\n\n"
        )
    };
    let done = || "data: [DONE]\n\n".to_owned();
    for (name, kind, deltas) in [
        (
            "text in two events",
            Kind::Text,
            vec![
                r#"{"role":"assistant","content":"the key @1"}"#,
                r#"{"content":"@2 is it."}"#,
            ],
        ),
        (
            "refusal in two events",
            Kind::Refusal,
            vec![r#"{"refusal":"the key @1"}"#, r#"{"refusal":"@2 is it."}"#],
        ),
        (
            "arguments in two events",
            Kind::ToolCall,
            vec![
                r#"{"tool_calls":[{"index":0,"id":"c","type":"function","function":{"name":"t","arguments":"{\"k\":\"the key @1"}}]}"#,
                r#"{"tool_calls":[{"index":0,"function":{"arguments":"@2\"}"}}]}"#,
            ],
        ),
        (
            "call of a denied tool",
            Kind::ToolCall,
            vec![
                r#"{"tool_calls":[{"index":0,"id":"c","type":"function","function":{"name":"denied_tool","arguments":"{}"}}]}"#,
            ],
        ),
        (
            "call of a denied tool, the old way",
            Kind::ToolCall,
            vec![r#"{"function_call":{"name":"denied_tool","arguments":"{}"}}"#],
        ),
        (
            "thought in two events",
            Kind::Reasoning,
            vec![
                r#"{"reasoning_content":"the key @1"}"#,
                r#"{"reasoning_content":"@2 is it."}"#,
            ],
        ),
        (
            "unknown field",
            Kind::Unread,
            vec![r#"{"x_new":"the key @"}"#],
        ),
    ] {
        let mut events: Vec<String> = deltas.iter().map(|delta| chunk(delta, "null")).collect();
        events.extend([chunk("{}", "\"stop\""), done()]);
        places.push((Dialect::OpenAiChat, Operation::Chat, name, kind, events));
    }
    let legacy = |text: &str| {
        format!(
            "data: {{\"id\":\"c\",\"object\":\"text_completion\",\"created\":1,\"model\":\"m\",\"choices\":[{{\"index\":0,\"text\":\"{text}\",\"finish_reason\":null}}]}}\n\n"
        )
    };
    places.push((
        Dialect::OpenAiChat,
        Operation::Complete,
        "legacy text in two events",
        Kind::Text,
        vec![legacy("the key @1"), legacy("@2 is it."), done()],
    ));

    let event = |data: &str| {
        let name = data.split('"').nth(3).unwrap_or_default();
        format!("event: {name}\ndata: {data}\n\n")
    };
    let response = |status: &str, output: &str| {
        format!(
            r#"{{"id":"r","object":"response","created_at":1,"status":"{status}","model":"m","output":[{output}]}}"#
        )
    };
    let created = format!(
        r#"{{"type":"response.created","sequence_number":0,"response":{}}}"#,
        response("in_progress", "")
    );
    let completed = format!(
        r#"{{"type":"response.completed","sequence_number":9,"response":{}}}"#,
        response("completed", "")
    );
    for (name, kind, item, deltas) in [
        (
            "text in two events",
            Kind::Text,
            r#"{"id":"i","type":"message","status":"in_progress","role":"assistant","content":[]}"#,
            vec![
                r#"{"type":"response.content_part.added","item_id":"i","output_index":0,"content_index":0,"part":{"type":"output_text","annotations":[],"text":""}}"#,
                r#"{"type":"response.output_text.delta","item_id":"i","output_index":0,"content_index":0,"delta":"the key @1"}"#,
                r#"{"type":"response.output_text.delta","item_id":"i","output_index":0,"content_index":0,"delta":"@2 is it."}"#,
                r#"{"type":"response.output_text.done","item_id":"i","output_index":0,"content_index":0,"text":"the key @ is it."}"#,
            ],
        ),
        (
            "refusal in two events",
            Kind::Refusal,
            r#"{"id":"i","type":"message","status":"in_progress","role":"assistant","content":[]}"#,
            vec![
                r#"{"type":"response.refusal.delta","item_id":"i","output_index":0,"content_index":0,"delta":"the key @1"}"#,
                r#"{"type":"response.refusal.delta","item_id":"i","output_index":0,"content_index":0,"delta":"@2 is it."}"#,
                r#"{"type":"response.refusal.done","item_id":"i","output_index":0,"content_index":0,"refusal":"the key @ is it."}"#,
            ],
        ),
        (
            "summary in two events",
            Kind::Reasoning,
            r#"{"id":"i","type":"reasoning","summary":[]}"#,
            vec![
                r#"{"type":"response.reasoning_summary_text.delta","item_id":"i","output_index":0,"summary_index":0,"delta":"the key @1"}"#,
                r#"{"type":"response.reasoning_summary_text.delta","item_id":"i","output_index":0,"summary_index":0,"delta":"@2 is it."}"#,
                r#"{"type":"response.reasoning_summary_text.done","item_id":"i","output_index":0,"summary_index":0,"text":"the key @ is it."}"#,
            ],
        ),
        (
            "arguments in two events",
            Kind::ToolCall,
            r#"{"id":"i","type":"function_call","status":"in_progress","call_id":"c","name":"t","arguments":""}"#,
            vec![
                r#"{"type":"response.function_call_arguments.delta","item_id":"i","output_index":0,"delta":"{\"k\":\"the key @1"}"#,
                r#"{"type":"response.function_call_arguments.delta","item_id":"i","output_index":0,"delta":"@2\"}"}"#,
                r#"{"type":"response.function_call_arguments.done","item_id":"i","output_index":0,"arguments":"{\"k\":\"the key @\"}"}"#,
            ],
        ),
        (
            "call of a denied tool",
            Kind::ToolCall,
            r#"{"id":"i","type":"function_call","status":"in_progress","call_id":"c","name":"denied_tool","arguments":""}"#,
            vec![
                r#"{"type":"response.function_call_arguments.delta","item_id":"i","output_index":0,"delta":"{}"}"#,
                r#"{"type":"response.function_call_arguments.done","item_id":"i","output_index":0,"arguments":"{}"}"#,
            ],
        ),
        (
            "unknown event",
            Kind::Unread,
            r#"{"id":"i","type":"message","status":"in_progress","role":"assistant","content":[]}"#,
            vec![r#"{"type":"response.novel","x":"the key @"}"#],
        ),
    ] {
        let mut events = vec![
            event(&created),
            event(&format!(
                r#"{{"type":"response.output_item.added","output_index":0,"item":{item}}}"#
            )),
        ];
        events.extend(deltas.iter().map(|data| event(data)));
        events.push(event(&completed));
        places.push((
            Dialect::OpenAiResponses,
            Operation::Chat,
            name,
            kind,
            events,
        ));
    }

    let start = r#"{"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}}"#;
    for (name, kind, block, deltas) in [
        (
            "text in two events",
            Kind::Text,
            r#"{"type":"text","text":""}"#,
            vec![
                r#"{"type":"text_delta","text":"the key @1"}"#,
                r#"{"type":"text_delta","text":"@2 is it."}"#,
            ],
        ),
        (
            "thought in two events",
            Kind::Reasoning,
            r#"{"type":"thinking","thinking":"","signature":""}"#,
            vec![
                r#"{"type":"thinking_delta","thinking":"the key @1"}"#,
                r#"{"type":"thinking_delta","thinking":"@2 is it."}"#,
            ],
        ),
        (
            "input in two events",
            Kind::ToolCall,
            r#"{"type":"tool_use","id":"t","name":"t","input":{}}"#,
            vec![
                r#"{"type":"input_json_delta","partial_json":"{\"k\":\"the key @1"}"#,
                r#"{"type":"input_json_delta","partial_json":"@2\"}"}"#,
            ],
        ),
        (
            "call of a denied tool",
            Kind::ToolCall,
            r#"{"type":"tool_use","id":"t","name":"denied_tool","input":{}}"#,
            vec![r#"{"type":"input_json_delta","partial_json":"{}"}"#],
        ),
        (
            "unknown block",
            Kind::Unread,
            r#"{"type":"novel","x":"the key @"}"#,
            vec![],
        ),
    ] {
        let mut events = vec![
            event(start),
            event(&format!(
                r#"{{"type":"content_block_start","index":0,"content_block":{block}}}"#
            )),
        ];
        events.extend(deltas.iter().map(|delta| {
            event(&format!(
                r#"{{"type":"content_block_delta","index":0,"delta":{delta}}}"#
            ))
        }));
        events.push(event(r#"{"type":"content_block_stop","index":0}"#));
        events.push(event(r#"{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":2}}"#));
        events.push(event(r#"{"type":"message_stop"}"#));
        places.push((Dialect::Anthropic, Operation::Chat, name, kind, events));
    }
    places
}
