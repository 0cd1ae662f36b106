//! Where a secret, or a call of a denied tool, can stand in a message between an agent and a tool server.
//!
//! `@` is the secret, `@64` a text with it in base64. What has a method is read as a request, whoever sent it.

use crate::places::Place;
use sallyport_exchange::{Dialect, Flow, Operation};

/// A name, and what stands in the message.
type Planted = (&'static str, &'static str);

/// All places in messages.
pub fn messages() -> Vec<Place> {
    let (ask, tell) = (Flow::Request, Flow::Answer);
    let mut places = Vec::new();
    let mut add = |operation, flow, all: &[Planted], write: &dyn Fn(&str) -> String| {
        places.extend(all.iter().map(|(name, planted)| Place {
            dialect: Dialect::Mcp,
            operation,
            flow,
            name,
            body: write(planted),
        }));
    };
    add(Operation::ToolCall, ask, CALLS, &|params| {
        request("tools/call", params)
    });
    for (operation, method, planted) in REQUESTS {
        add(*operation, ask, planted, &|params| request(method, params));
    }
    add(Operation::Notify, ask, AGENTS_NOTIFICATIONS, &whole);
    for (operation, planted) in AGENTS_ANSWERS {
        add(*operation, ask, planted, &response);
    }
    for (operation, planted) in RESULTS {
        add(*operation, tell, planted, &result);
    }
    add(Operation::ToolCall, tell, BLOCKS, &|block| {
        result(&format!(r#"{{"content":[{block}]}}"#))
    });
    add(Operation::ToolList, tell, OFFERS, &|tool| {
        result(&format!(r#"{{"tools":[{tool}]}}"#))
    });
    add(Operation::ToolCall, tell, ERRORS, &response);
    add(Operation::Notify, tell, NOTIFICATIONS, &whole);
    for (operation, method, planted) in QUESTIONS {
        add(*operation, tell, planted, &|params| request(method, params));
    }
    places
}

fn request(method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#)
}

fn whole(members: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0",{members}}}"#)
}

fn response(members: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,{members}}}"#)
}

fn result(result: &str) -> String {
    response(&format!(r#""result":{result}"#))
}

const CALLS: &[Planted] = &[
    ("argument", r#"{"name":"t","arguments":{"k":"the key @"}}"#),
    (
        "argument's name",
        r#"{"name":"t","arguments":{"the key @":1}}"#,
    ),
    (
        "argument in a list",
        r#"{"name":"t","arguments":{"k":[["the key @"]]}}"#,
    ),
    (
        "call of a denied tool",
        r#"{"name":"denied_tool","arguments":{}}"#,
    ),
    (
        "call of a denied tool without arguments",
        r#"{"name":"denied_tool"}"#,
    ),
    (
        "`_meta` of a call",
        r#"{"name":"t","arguments":{},"_meta":{"x/y":"the key @"}}"#,
    ),
    (
        "member of `_meta`",
        r#"{"name":"t","arguments":{},"_meta":{"the key @":1}}"#,
    ),
    (
        "known member of `_meta`",
        r#"{"name":"t","arguments":{},"_meta":{"tracestate":"the key @"}}"#,
    ),
    (
        "progress token",
        r#"{"name":"t","arguments":{},"_meta":{"progressToken":"the key @"}}"#,
    ),
    (
        "task of a call",
        r#"{"name":"t","arguments":{},"task":{"ttl":1,"note":"the key @"}}"#,
    ),
    (
        "unknown member of a call",
        r#"{"name":"t","arguments":{},"x_new":"the key @"}"#,
    ),
    (
        "name of an unknown member",
        r#"{"name":"t","arguments":{},"the key @":1}"#,
    ),
    (
        "answer to what a server needs",
        r#"{"name":"t","arguments":{},"inputResponses":{"a":{"action":"accept","content":{"k":"the key @"}}}}"#,
    ),
    (
        "sampled answer to what a server needs",
        r#"{"name":"t","arguments":{},"inputResponses":{"a":{"role":"assistant","model":"m","content":{"type":"text","text":"the key @"}}}}"#,
    ),
    (
        "`requestState`",
        r#"{"name":"t","arguments":{},"requestState":"the key @"}"#,
    ),
];

const REQUESTS: &[(Operation, &str, &[Planted])] = &[
    (
        Operation::Connect,
        "initialize",
        &[
            (
                "agent's name",
                r#"{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"the key @","version":"1"}}"#,
            ),
            (
                "agent's capabilities",
                r#"{"protocolVersion":"2025-11-25","capabilities":{"experimental":{"x":"the key @"}},"clientInfo":{"name":"a","version":"1"}}"#,
            ),
        ],
    ),
    (
        Operation::ToolList,
        "tools/list",
        &[("cursor", r#"{"cursor":"the key @"}"#)],
    ),
    (
        Operation::PromptGet,
        "prompts/get",
        &[
            ("prompt's name", r#"{"name":"the key @"}"#),
            (
                "prompt's argument",
                r#"{"name":"p","arguments":{"k":"the key @"}}"#,
            ),
        ],
    ),
    (
        Operation::ResourceRead,
        "resources/read",
        &[("resource's address", r#"{"uri":"https://x.test/?k=@"}"#)],
    ),
    (
        Operation::Completion,
        "completion/complete",
        &[
            (
                "what is to be completed",
                r#"{"ref":{"type":"ref/prompt","name":"p"},"argument":{"name":"a","value":"the key @"}}"#,
            ),
            (
                "context of a completion",
                r#"{"ref":{"type":"ref/prompt","name":"p"},"argument":{"name":"a","value":""},"context":{"arguments":{"k":"the key @"}}}"#,
            ),
        ],
    ),
    (
        Operation::LogLevel,
        "logging/setLevel",
        &[("log level", r#"{"level":"the key @"}"#)],
    ),
    (
        Operation::Listen,
        "subscriptions/listen",
        &[(
            "what is listened to",
            r#"{"notifications":{"resourceSubscriptions":["https://x.test/?k=@"]}}"#,
        )],
    ),
    (
        Operation::Task,
        "tasks/get",
        &[("task's id", r#"{"taskId":"the key @"}"#)],
    ),
    (
        Operation::Other,
        "novel/method",
        &[("unknown method's parameter", r#"{"k":"the key @"}"#)],
    ),
    (Operation::Other, "@", &[("unknown method's name", r#"{}"#)]),
];

const AGENTS_NOTIFICATIONS: &[Planted] = &[
    (
        "progress of the agent",
        r#""method":"notifications/progress","params":{"progressToken":1,"progress":1,"message":"the key @"}"#,
    ),
    (
        "reason of a cancellation",
        r#""method":"notifications/cancelled","params":{"requestId":1,"reason":"the key @"}"#,
    ),
    (
        "member beside the envelope's",
        r#""method":"notifications/roots/list_changed","x_new":"the key @""#,
    ),
];

const AGENTS_ANSWERS: &[(Operation, &[Planted])] = &[
    (
        Operation::Sample,
        &[
            (
                "sampled text",
                r#""result":{"role":"assistant","model":"m","content":{"type":"text","text":"the key @"}}"#,
            ),
            (
                "sampled tool use",
                r#""result":{"role":"assistant","model":"m","content":[{"type":"tool_use","id":"u","name":"t","input":{"k":"the key @"}}]}"#,
            ),
            (
                "sampling refused",
                r#""error":{"code":-1,"message":"the key @"}"#,
            ),
        ],
    ),
    (
        Operation::Elicit,
        &[
            (
                "answer of a person",
                r#""result":{"action":"accept","content":{"k":"the key @"}}"#,
            ),
            (
                "elicitation refused",
                r#""error":{"code":-1,"message":"no","data":"the key @"}"#,
            ),
        ],
    ),
    (
        Operation::Roots,
        &[(
            "folder of the agent",
            r#""result":{"roots":[{"uri":"file:///x","name":"the key @"}]}"#,
        )],
    ),
];

const RESULTS: &[(Operation, &[Planted])] = &[
    (
        Operation::Connect,
        &[
            (
                "instructions",
                r#"{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"s","version":"1"},"instructions":"the key @"}"#,
            ),
            (
                "server's title",
                r#"{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"s","title":"the key @","version":"1"}}"#,
            ),
            (
                "server's capabilities",
                r#"{"protocolVersion":"2025-11-25","capabilities":{"experimental":{"x":"the key @"}},"serverInfo":{"name":"s","version":"1"}}"#,
            ),
        ],
    ),
    (
        Operation::ToolCall,
        &[
            (
                "`structuredContent`",
                r#"{"content":[],"structuredContent":{"k":["the key @"]}}"#,
            ),
            (
                "name in `structuredContent`",
                r#"{"content":[],"structuredContent":{"the key @":1}}"#,
            ),
            (
                "`_meta` of a result",
                r#"{"content":[],"_meta":{"x/y":"the key @"}}"#,
            ),
            (
                "unknown member of a result",
                r#"{"content":[],"x_new":"the key @"}"#,
            ),
            ("result that is no object", r#""the key @""#),
            ("content that is no list", r#"{"content":"the key @"}"#),
            (
                "task's status",
                r#"{"task":{"taskId":"t","status":"working","statusMessage":"the key @"}}"#,
            ),
            (
                "what a server needs",
                r#"{"resultType":"input_required","inputRequests":{"a":{"method":"elicitation/create","params":{"message":"the key @","requestedSchema":{}}}}}"#,
            ),
            (
                "key of what a server needs",
                r#"{"resultType":"input_required","inputRequests":{"the key @":{"method":"roots/list"}}}"#,
            ),
            (
                "`requestState` of a server",
                r#"{"resultType":"input_required","inputRequests":{},"requestState":"the key @"}"#,
            ),
        ],
    ),
    (
        Operation::ResourceRead,
        &[
            (
                "resource's text",
                r#"{"contents":[{"uri":"file:///x","text":"the key @"}]}"#,
            ),
            (
                "resource's bytes",
                r#"{"contents":[{"uri":"file:///x","blob":"@64"}]}"#,
            ),
            (
                "resource's address in an answer",
                r#"{"contents":[{"uri":"https://x.test/?k=@","text":""}]}"#,
            ),
            (
                "unknown member of a resource",
                r#"{"contents":[{"uri":"file:///x","x_new":"the key @"}]}"#,
            ),
        ],
    ),
    (
        Operation::ResourceList,
        &[
            (
                "resource's description",
                r#"{"resources":[{"uri":"file:///x","name":"n","description":"the key @"}]}"#,
            ),
            (
                "template's address",
                r#"{"resourceTemplates":[{"uriTemplate":"https://x.test/{a}?k=@","name":"n"}]}"#,
            ),
            (
                "next cursor",
                r#"{"resources":[],"nextCursor":"the key @"}"#,
            ),
        ],
    ),
    (
        Operation::PromptList,
        &[(
            "prompt's arguments",
            r#"{"prompts":[{"name":"p","arguments":[{"name":"a","description":"the key @"}]}]}"#,
        )],
    ),
    (
        Operation::PromptGet,
        &[
            (
                "prompt's description",
                r#"{"description":"the key @","messages":[]}"#,
            ),
            (
                "prompt's message",
                r#"{"messages":[{"role":"user","content":{"type":"text","text":"the key @"}}]}"#,
            ),
            (
                "resource in a prompt",
                r#"{"messages":[{"role":"user","content":{"type":"resource","resource":{"uri":"file:///x","text":"the key @"}}}]}"#,
            ),
            (
                "beside a prompt's content",
                r#"{"messages":[{"role":"user","content":{"type":"text","text":""},"x_new":"the key @"}]}"#,
            ),
        ],
    ),
    (
        Operation::Completion,
        &[("completion", r#"{"completion":{"values":["the key @"]}}"#)],
    ),
    (
        Operation::Task,
        &[
            (
                "message of a task",
                r#"{"taskId":"t","status":"working","statusMessage":"the key @"}"#,
            ),
            (
                "list of tasks",
                r#"{"tasks":[{"taskId":"t","status":"working","statusMessage":"the key @"}]}"#,
            ),
        ],
    ),
];

const BLOCKS: &[Planted] = &[
    ("text", r#"{"type":"text","text":"the key @"}"#),
    (
        "annotation of a text",
        r#"{"type":"text","text":"","annotations":{"x":"the key @"}}"#,
    ),
    (
        "`_meta` of a text",
        r#"{"type":"text","text":"","_meta":{"x/y":"the key @"}}"#,
    ),
    (
        "name beside a text",
        r#"{"type":"text","text":"","the key @":1}"#,
    ),
    (
        "name beside an image",
        r#"{"type":"image","data":"aGk=","mimeType":"image/png","the key @":1}"#,
    ),
    (
        "name beside an embedded text",
        r#"{"type":"resource","resource":{"uri":"file:///x","text":"","the key @":1}}"#,
    ),
    (
        "image's type",
        r#"{"type":"image","data":"aGk=","mimeType":"the key @"}"#,
    ),
    (
        "beside an image",
        r#"{"type":"image","data":"aGk=","mimeType":"image/png","x_new":"the key @"}"#,
    ),
    (
        "text as an image's bytes",
        r#"{"type":"image","data":"@64","mimeType":"image/svg+xml"}"#,
    ),
    (
        "embedded text",
        r#"{"type":"resource","resource":{"uri":"file:///x","text":"the key @"}}"#,
    ),
    (
        "embedded bytes",
        r#"{"type":"resource","resource":{"uri":"file:///x","mimeType":"text/plain","blob":"@64"}}"#,
    ),
    (
        "link's description",
        r#"{"type":"resource_link","uri":"file:///x","name":"n","description":"the key @"}"#,
    ),
    (
        "result within a result",
        r#"{"type":"tool_result","toolUseId":"u","content":[{"type":"text","text":"the key @"}]}"#,
    ),
    (
        "id of a result within a result",
        r#"{"type":"tool_result","toolUseId":"the key @","content":[]}"#,
    ),
    ("unknown block", r#"{"type":"novel","x":"the key @"}"#),
    ("type of a block", r#"{"type":"the key @"}"#),
];

const OFFERS: &[Planted] = &[
    (
        "tool's name",
        r#"{"name":"@","inputSchema":{"type":"object"}}"#,
    ),
    (
        "tool's title",
        r#"{"name":"t","title":"the key @","inputSchema":{"type":"object"}}"#,
    ),
    (
        "tool's description",
        r#"{"name":"t","description":"the key @","inputSchema":{"type":"object"}}"#,
    ),
    (
        "tool's schema",
        r#"{"name":"t","inputSchema":{"type":"object","properties":{"a":{"description":"the key @"}}}}"#,
    ),
    (
        "tool's schema of results",
        r#"{"name":"t","inputSchema":{"type":"object"},"outputSchema":{"type":"object","description":"the key @"}}"#,
    ),
    (
        "tool's annotations",
        r#"{"name":"t","inputSchema":{"type":"object"},"annotations":{"title":"the key @"}}"#,
    ),
    (
        "unknown member of a tool",
        r#"{"name":"t","inputSchema":{"type":"object"},"x_new":"the key @"}"#,
    ),
];

const ERRORS: &[Planted] = &[
    (
        "error's message",
        r#""error":{"code":-1,"message":"the key @"}"#,
    ),
    (
        "error's data",
        r#""error":{"code":-1,"message":"no","data":{"k":["the key @"]}}"#,
    ),
    (
        "member beside a result",
        r#""result":{"content":[]},"x_new":"the key @""#,
    ),
];

const NOTIFICATIONS: &[Planted] = &[
    (
        "progress",
        r#""method":"notifications/progress","params":{"progressToken":1,"progress":1,"message":"the key @"}"#,
    ),
    (
        "log entry",
        r#""method":"notifications/message","params":{"level":"info","data":"the key @"}"#,
    ),
    (
        "log entry's data",
        r#""method":"notifications/message","params":{"level":"info","data":{"k":["the key @"]}}"#,
    ),
    (
        "logger",
        r#""method":"notifications/message","params":{"level":"info","logger":"the key @","data":1}"#,
    ),
    (
        "status of a task",
        r#""method":"notifications/tasks/status","params":{"taskId":"t","status":"working","statusMessage":"the key @"}"#,
    ),
    (
        "changed resource",
        r#""method":"notifications/resources/updated","params":{"uri":"https://x.test/?k=@"}"#,
    ),
    (
        "unknown notification",
        r#""method":"notifications/novel","params":{"k":"the key @"}"#,
    ),
];

const QUESTIONS: &[(Operation, &str, &[Planted])] = &[
    (
        Operation::Elicit,
        "elicitation/create",
        &[
            (
                "elicitation",
                r#"{"message":"the key @","requestedSchema":{"type":"object","properties":{}}}"#,
            ),
            (
                "form of an elicitation",
                r#"{"message":"","requestedSchema":{"type":"object","properties":{"a":{"type":"string","description":"the key @"}}}}"#,
            ),
            (
                "address of an elicitation",
                r#"{"mode":"url","message":"","elicitationId":"e","url":"https://x.test/?k=@"}"#,
            ),
        ],
    ),
    (
        Operation::Sample,
        "sampling/createMessage",
        &[
            (
                "message to be sampled",
                r#"{"maxTokens":1,"messages":[{"role":"user","content":{"type":"text","text":"the key @"}}]}"#,
            ),
            (
                "several contents to be sampled",
                r#"{"maxTokens":1,"messages":[{"role":"user","content":[{"type":"text","text":"the key @"}]}]}"#,
            ),
            (
                "system prompt",
                r#"{"maxTokens":1,"messages":[],"systemPrompt":"the key @"}"#,
            ),
            (
                "tool for sampling",
                r#"{"maxTokens":1,"messages":[],"tools":[{"name":"t","description":"the key @","inputSchema":{}}]}"#,
            ),
        ],
    ),
];
