//! What each object of the protocol may hold, and how each of its members is to be read.

/// How the value of a known key is read.
#[derive(Clone, Copy)]
pub(super) enum Take {
    /// By whoever walks the object.
    Elsewhere,
    /// A number, a flag or a short word; anything else there is unread.
    Word,
    /// A name for people to read, as models have; anything else there is unread.
    Label,
    /// Base64 that only the provider can read; anything else there is unread.
    Opaque,
    /// Settings: objects and lists of words. Anything else in there makes all of it unread.
    Words,
    /// Settings that may hold free text, which is then a part.
    Settings,
    /// Text.
    Text,
    /// Text that the user chose.
    UserText,
    /// A tool's or a model's refusal, in words.
    Refusal,
    /// Every word inside.
    Leaves,
    /// A string, blocks, or one block.
    Content,
    /// A list of citations, or whether they are wanted.
    Citations,
    /// Where an image or document comes from.
    Source(&'static str),
    /// A file in the container.
    Upload,
    /// An object of its own shape.
    Object(Rows),
    /// A list of objects of one shape.
    Each(Rows),
    /// The id of something kept at the provider.
    Stored,
    /// The id of something that an answer made at the provider.
    Created,
    /// A container's id, or the container.
    Container,
    /// The model.
    Model,
    /// Whether to stream.
    Stream,
    /// Tokens.
    Usage,
    /// The tokens of a request that was only counted.
    Counted,
    /// The messages of a request.
    Messages,
    /// Tools on offer: the key of the list, and those that make no sense without it.
    Offers(&'static str, &'static [&'static str]),
    /// Tools on offer within a message.
    Listing,
    /// One tool on offer within a message.
    Offer,
    /// A choice of tool.
    ToolChoice,
}

/// An object's known keys.
pub(super) type Rows = &'static [(&'static str, Take)];

pub(super) const REQUEST: Rows = &[
    ("model", Take::Model),
    ("messages", Take::Messages),
    ("system", Take::Content),
    ("tools", Take::Offers("tools", &["tool_choice"])),
    ("mcp_servers", Take::Offers("mcp_servers", &[])),
    ("tool_choice", Take::ToolChoice),
    ("stream", Take::Stream),
    ("max_tokens", Take::Word),
    ("temperature", Take::Word),
    ("top_k", Take::Word),
    ("top_p", Take::Word),
    ("stop_sequences", Take::UserText),
    ("metadata", Take::Object(METADATA)),
    ("thinking", Take::Words),
    ("container", Take::Container),
    ("context_management", Take::Settings),
    ("compaction", Take::Settings),
    ("output_format", Take::Leaves),
    ("output_config", Take::Object(OUTPUT_CONFIG)),
    ("cache_control", Take::Words),
    ("service_tier", Take::Word),
    ("inference_geo", Take::Word),
    ("speed", Take::Word),
    ("billing_policy", Take::Words),
    ("diagnostics", Take::Words),
    ("thread", Take::Object(THREAD)),
];

const METADATA: Rows = &[("user_id", Take::UserText)];

const OUTPUT_CONFIG: Rows = &[
    ("effort", Take::Word),
    ("format", Take::Leaves),
    ("task_budget", Take::Words),
];

const THREAD: Rows = &[("type", Take::Word), ("previous_message_id", Take::Stored)];

pub(super) const CONTAINER: Rows = &[("id", Take::Stored), ("skills", Take::Each(SKILL))];

const SKILL: Rows = &[
    ("type", Take::Word),
    ("skill_id", Take::Stored),
    ("version", Take::Word),
];

pub(super) const MESSAGE_PARAM: Rows = &[
    ("role", Take::Word),
    ("content", Take::Content),
    ("clear_at", Take::Word),
    ("output_config", Take::Words),
];

pub(super) const TOOL_CHOICE: Rows = &[
    ("type", Take::Word),
    ("name", Take::Word),
    ("disable_parallel_tool_use", Take::Word),
];

/// Keys that give an offer its meaning: none may have a lookalike.
pub(super) const OFFER_KEYS: &[&str] = &[
    "type",
    "name",
    "description",
    "input_schema",
    "mcp_server_name",
    "url",
    "tools",
    "tool_configuration",
];

pub(super) const MESSAGE: Rows = &[
    ("id", Take::Word),
    ("type", Take::Word),
    ("role", Take::Word),
    ("model", Take::Model),
    ("content", Take::Content),
    ("stop_reason", Take::Word),
    ("stop_sequence", Take::Text),
    ("stop_details", Take::Object(STOP_DETAILS)),
    ("usage", Take::Usage),
    ("container", Take::Object(ANSWER_CONTAINER)),
    ("context_management", Take::Words),
    ("diagnostics", Take::Words),
    ("input_transformations", Take::Words),
];

const STOP_DETAILS: Rows = &[
    ("type", Take::Word),
    ("category", Take::Word),
    ("explanation", Take::Refusal),
    ("recommended_model", Take::Word),
    ("fallback_credit_token", Take::Opaque),
    ("fallback_has_prefill_claim", Take::Word),
];

const ANSWER_CONTAINER: Rows = &[
    ("id", Take::Created),
    ("expires_at", Take::Word),
    ("skills", Take::Words),
];

/// What the end of a streamed message adds to it.
pub(super) const MESSAGE_CHANGE: Rows = &[
    ("stop_reason", Take::Word),
    ("stop_sequence", Take::Text),
    ("stop_details", Take::Object(STOP_DETAILS)),
    ("container", Take::Object(ANSWER_CONTAINER)),
];

pub(super) const TEXT_START: Rows = &[
    ("type", Take::Word),
    ("text", Take::Elsewhere),
    ("citations", Take::Citations),
];

pub(super) const THINKING_START: Rows = &[
    ("type", Take::Word),
    ("thinking", Take::Elsewhere),
    ("signature", Take::Opaque),
];

pub(super) const CALL_START: Rows = &[
    ("type", Take::Word),
    ("id", Take::Word),
    ("name", Take::Word),
    ("input", Take::Words),
    ("server_name", Take::Word),
    ("toolset_name", Take::Word),
    ("caller", Take::Words),
];

pub(super) const TEXT_DELTA: Rows = &[("type", Take::Word), ("text", Take::Elsewhere)];

pub(super) const THINKING_DELTA: Rows = &[
    ("type", Take::Word),
    ("thinking", Take::Elsewhere),
    ("estimated_tokens", Take::Word),
];

pub(super) const INPUT_DELTA: Rows = &[("type", Take::Word), ("partial_json", Take::Elsewhere)];

pub(super) const CITATIONS_DELTA: Rows =
    &[("type", Take::Word), ("citation", Take::Object(CITATION))];

pub(super) const SIGNATURE_DELTA: Rows = &[("type", Take::Word), ("signature", Take::Opaque)];

pub(super) const COMPACTION_DELTA: Rows = &[
    ("type", Take::Word),
    ("content", Take::Text),
    ("encrypted_content", Take::Opaque),
];

/// Whether a delta's type is known: then it may only stand where it belongs.
pub(super) fn is_delta(kind: &str) -> bool {
    matches!(
        kind,
        "text_delta"
            | "thinking_delta"
            | "input_json_delta"
            | "citations_delta"
            | "signature_delta"
            | "compaction_delta"
    )
}

pub(super) const ERROR: Rows = &[
    ("type", Take::Word),
    ("error", Take::Object(ERROR_BODY)),
    ("request_id", Take::Word),
];

const ERROR_BODY: Rows = &[
    ("type", Take::Word),
    ("message", Take::Text),
    ("details", Take::Settings),
];

pub(super) const COUNT: Rows = &[
    ("input_tokens", Take::Counted),
    ("context_management", Take::Words),
];

pub(super) const MODELS: Rows = &[
    ("data", Take::Each(MODEL)),
    ("first_id", Take::Word),
    ("last_id", Take::Word),
    ("has_more", Take::Word),
];

pub(super) const MODEL: Rows = &[
    ("id", Take::Word),
    ("type", Take::Word),
    ("display_name", Take::Label),
    ("created_at", Take::Word),
    ("deprecated_at", Take::Word),
    ("retires_at", Take::Word),
    ("lifecycle", Take::Word),
    ("line", Take::Words),
    ("capabilities", Take::Words),
    ("allowed_fallback_models", Take::Words),
    ("max_input_tokens", Take::Word),
    ("max_tokens", Take::Word),
];

/// An object of a `type` that nobody here knows.
pub(super) const UNKNOWN: Rows = &[("type", Take::Word)];

pub(super) const CITATION: Rows = &[
    ("type", Take::Word),
    ("cited_text", Take::Text),
    ("document_title", Take::Text),
    ("title", Take::Text),
    ("url", Take::Text),
    ("source", Take::Text),
    ("file_id", Take::Stored),
    ("encrypted_index", Take::Opaque),
    ("document_index", Take::Word),
    ("search_result_index", Take::Word),
    ("start_char_index", Take::Word),
    ("end_char_index", Take::Word),
    ("start_page_number", Take::Word),
    ("end_page_number", Take::Word),
    ("start_block_index", Take::Word),
    ("end_block_index", Take::Word),
];

/// What a content block is, beyond its members.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sort {
    /// Said by whoever wrote the message.
    Plain,
    /// Found by a search: nobody in the conversation wrote it.
    Found,
    /// Thinking.
    Thinking,
    /// A summary of what was said before.
    Compaction,
    /// A call.
    Call,
    /// A call that the provider runs.
    ProviderCall,
    /// What a tool answered.
    Result,
    /// Something that stands within a result.
    Inner,
    /// Changes the tools on offer.
    Tools,
}

impl Sort {
    /// Whether it may stand in what a tool answered. Nothing there may pass for the model's own words.
    pub(super) fn within_result(self) -> bool {
        matches!(self, Sort::Plain | Sort::Found | Sort::Inner)
    }
}

const TEXT: Rows = &[
    ("type", Take::Word),
    ("text", Take::Text),
    ("citations", Take::Citations),
    ("cache_control", Take::Words),
];

const IMAGE: Rows = &[
    ("type", Take::Word),
    ("source", Take::Source("image")),
    ("cache_control", Take::Words),
    ("transformations", Take::Words),
];

const DOCUMENT: Rows = &[
    ("type", Take::Word),
    ("source", Take::Source("document")),
    ("title", Take::Text),
    ("context", Take::Text),
    ("citations", Take::Citations),
    ("cache_control", Take::Words),
];

const SEARCH_RESULT: Rows = &[
    ("type", Take::Word),
    ("source", Take::Text),
    ("title", Take::Text),
    ("content", Take::Content),
    ("citations", Take::Citations),
    ("cache_control", Take::Words),
];

const THINKING: Rows = &[
    ("type", Take::Word),
    ("thinking", Take::Text),
    ("signature", Take::Opaque),
];

const REDACTED: Rows = &[("type", Take::Word), ("data", Take::Opaque)];

const COMPACTION: Rows = &[
    ("type", Take::Word),
    ("content", Take::Text),
    ("encrypted_content", Take::Opaque),
    ("signature", Take::Opaque),
    ("tool_changes", Take::Content),
    ("cache_control", Take::Words),
];

const CALL: Rows = &[
    ("type", Take::Word),
    ("id", Take::Word),
    ("name", Take::Word),
    ("input", Take::Leaves),
    ("server_name", Take::Word),
    ("toolset_name", Take::Word),
    ("caller", Take::Words),
    ("cache_control", Take::Words),
];

const RESULT: Rows = &[
    ("type", Take::Word),
    ("tool_use_id", Take::Word),
    ("content", Take::Content),
    ("is_error", Take::Word),
    ("toolset_name", Take::Word),
    ("caller", Take::Words),
    ("cache_control", Take::Words),
];

const UPLOAD: Rows = &[
    ("type", Take::Word),
    ("file_id", Take::Upload),
    ("cache_control", Take::Words),
];

const REFERENCE: Rows = &[
    ("type", Take::Word),
    ("tool_name", Take::Text),
    ("name", Take::Text),
    ("server_name", Take::Text),
    ("mcp_server_name", Take::Text),
    ("cache_control", Take::Words),
];

const TABS: Rows = &[
    ("type", Take::Word),
    ("tabs", Take::Leaves),
    ("state_changes", Take::Leaves),
    ("cache_control", Take::Words),
];

const SEARCHED: Rows = &[
    ("type", Take::Word),
    ("title", Take::Text),
    ("url", Take::Text),
    ("page_age", Take::Text),
    ("encrypted_content", Take::Opaque),
];

const FETCHED: Rows = &[
    ("type", Take::Word),
    ("url", Take::Text),
    ("retrieved_at", Take::Word),
    ("content", Take::Content),
];

const EXECUTED: Rows = &[
    ("type", Take::Word),
    ("stdout", Take::Text),
    ("stderr", Take::Text),
    ("encrypted_stdout", Take::Opaque),
    ("return_code", Take::Word),
    ("content", Take::Content),
];

const OUTPUT: Rows = &[("type", Take::Word), ("file_id", Take::Created)];

const VIEWED: Rows = &[
    ("type", Take::Word),
    ("content", Take::Text),
    ("file_type", Take::Word),
    ("num_lines", Take::Word),
    ("start_line", Take::Word),
    ("total_lines", Take::Word),
];

const EDITED: Rows = &[
    ("type", Take::Word),
    ("lines", Take::Leaves),
    ("is_file_update", Take::Word),
    ("new_lines", Take::Word),
    ("new_start", Take::Word),
    ("old_lines", Take::Word),
    ("old_start", Take::Word),
];

const REFERENCES: Rows = &[("type", Take::Word), ("tool_references", Take::Content)];

const ADVICE: Rows = &[
    ("type", Take::Word),
    ("text", Take::Text),
    ("encrypted_content", Take::Opaque),
    ("stop_reason", Take::Word),
];

const FAILURE: Rows = &[
    ("type", Take::Word),
    ("error_code", Take::Word),
    ("error_message", Take::Text),
];

const CHANGE: Rows = &[
    ("type", Take::Word),
    ("tool", Take::Content),
    ("cache_control", Take::Words),
];

const DEFINITION: Rows = &[("type", Take::Word), ("definition", Take::Offer)];

const LISTING: Rows = &[
    ("type", Take::Word),
    ("mcp_server_name", Take::Word),
    ("tools", Take::Listing),
];

const FALLBACK: Rows = &[
    ("type", Take::Word),
    ("from", Take::Words),
    ("to", Take::Words),
    ("trigger", Take::Words),
];

/// The content block, or the object within a result, that `kind` names.
pub(super) fn block(kind: &str) -> Option<(Sort, Rows)> {
    Some(match kind {
        "text" => (Sort::Plain, TEXT),
        "image" => (Sort::Plain, IMAGE),
        "document" => (Sort::Plain, DOCUMENT),
        "container_upload" => (Sort::Plain, UPLOAD),
        "fallback" => (Sort::Plain, FALLBACK),
        "search_result" => (Sort::Found, SEARCH_RESULT),
        "thinking" => (Sort::Thinking, THINKING),
        "redacted_thinking" => (Sort::Thinking, REDACTED),
        "compaction" => (Sort::Compaction, COMPACTION),
        "tool_use" => (Sort::Call, CALL),
        "server_tool_use" | "mcp_tool_use" => (Sort::ProviderCall, CALL),
        "tool_addition" | "tool_removal" => (Sort::Tools, CHANGE),
        "tool_definition" => (Sort::Tools, DEFINITION),
        "mcp_tool_listing" => (Sort::Tools, LISTING),
        "mcp_tool_reference" | "mcp_toolset_reference" => (Sort::Tools, REFERENCE),
        "tool_reference" => (Sort::Inner, REFERENCE),
        "browser_state" => (Sort::Inner, TABS),
        _ => return result(kind),
    })
}

fn result(kind: &str) -> Option<(Sort, Rows)> {
    Some(match kind {
        "tool_result"
        | "mcp_tool_result"
        | "web_search_tool_result"
        | "web_fetch_tool_result"
        | "code_execution_tool_result"
        | "bash_code_execution_tool_result"
        | "text_editor_code_execution_tool_result"
        | "tool_search_tool_result"
        | "advisor_tool_result" => (Sort::Result, RESULT),
        "web_search_result" => (Sort::Inner, SEARCHED),
        "web_fetch_result" => (Sort::Inner, FETCHED),
        "code_execution_result"
        | "encrypted_code_execution_result"
        | "bash_code_execution_result" => (Sort::Inner, EXECUTED),
        "code_execution_output" | "bash_code_execution_output" => (Sort::Inner, OUTPUT),
        "text_editor_code_execution_view_result" => (Sort::Inner, VIEWED),
        "text_editor_code_execution_create_result"
        | "text_editor_code_execution_str_replace_result" => (Sort::Inner, EDITED),
        "tool_search_tool_search_result" => (Sort::Inner, REFERENCES),
        "advisor_result" | "advisor_redacted_result" => (Sort::Inner, ADVICE),
        "web_search_tool_result_error"
        | "web_fetch_tool_result_error"
        | "code_execution_tool_result_error"
        | "bash_code_execution_tool_result_error"
        | "text_editor_code_execution_tool_result_error"
        | "tool_search_tool_result_error"
        | "advisor_tool_result_error" => (Sort::Inner, FAILURE),
        _ => return None,
    })
}

/// The key of a `source` of this type that tells of a medium, and all its members. Text has no such key.
pub(super) fn source(kind: &str) -> Option<(Option<&'static str>, Rows)> {
    Some(match kind {
        "base64" => (Some("media_type"), BASE64_SOURCE),
        "url" => (Some("url"), URL_SOURCE),
        "file" => (Some("file_id"), FILE_SOURCE),
        "text" => (None, TEXT_SOURCE),
        "content" => (None, CONTENT_SOURCE),
        _ => return None,
    })
}

const BASE64_SOURCE: Rows = &[
    ("type", Take::Word),
    ("media_type", Take::Elsewhere),
    ("data", Take::Opaque),
];

const URL_SOURCE: Rows = &[("type", Take::Word), ("url", Take::Elsewhere)];

const FILE_SOURCE: Rows = &[("type", Take::Word), ("file_id", Take::Elsewhere)];

const TEXT_SOURCE: Rows = &[
    ("type", Take::Word),
    ("media_type", Take::Word),
    ("data", Take::Text),
];

const CONTENT_SOURCE: Rows = &[("type", Take::Word), ("content", Take::Content)];
