//! What this API's objects may hold without saying anything: keys, words, ids.

use crate::exchange::Flow;
use crate::json::{JsonKind, Value};

/// What a quiet value may be made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Quiet {
    /// A word of the protocol.
    Word,
    /// An id that the provider gave.
    Id,
    /// A plain name, such as a tool's: a policy sees it elsewhere.
    Name,
}

/// How a key is quiet, if it is.
pub(super) fn quiet(key: &str) -> Option<Quiet> {
    if NAMES.contains(&key) {
        Some(Quiet::Name)
    } else if IDS.contains(&key) {
        Some(Quiet::Id)
    } else {
        WORDY.contains(&key).then_some(Quiet::Word)
    }
}

/// Whether a string or number can say nothing.
pub(super) fn harmless(quiet: Quiet, flow: Flow, value: Value<'_>) -> bool {
    // Longer than any timestamp.
    if value.kind() == JsonKind::Number {
        return value.raw().len() <= 20;
    }
    let Some(text) = value.as_str() else {
        return false;
    };
    if text.is_empty() || WORDS.binary_search(&&*text).is_ok() {
        return true;
    }
    match (quiet, flow) {
        (Quiet::Word, _) => false,
        (Quiet::Name, _) => is_name(&text),
        (Quiet::Id, Flow::Request) => is_id(&text),
        // Some providers give ids that are whole encrypted records.
        (Quiet::Id, Flow::Answer) => text.len() <= 1024 && is_base64_or_name(&text),
    }
}

/// Whether a text is a plain name, such as a tool's or a model's.
pub(super) fn is_name(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-.:/".contains(&b);
    text.len() <= 128 && text.bytes().all(plain)
}

fn is_id(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    text.len() <= 128
        && text.bytes().all(plain)
        && ID_PREFIXES.iter().any(|prefix| text.starts_with(prefix))
}

fn is_base64_or_name(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-.:/+=".contains(&b);
    text.bytes().all(plain)
}

/// Whether all of a text can be base64, of either alphabet.
pub(super) fn is_base64(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"+/=_-".contains(&b);
    text.bytes().all(plain)
}

/// What the ids that OpenAI gives begin with.
#[rustfmt::skip]
const ID_PREFIXES: &[&str] = &[
    "resp_", "msg_", "rs_", "fc_", "fco_", "call_", "ctc_", "ctco_", "ws_", "fs_", "ci_", "ig_", "mcp_",
    "mcpl_", "mcpr_", "mcpa_", "lsh_", "lsho_", "sh_", "sho_", "apc_", "apco_", "cu_", "cuo_", "cmp_",
    "tsc_", "tso_", "at_", "conv_", "file-", "file_", "vs_", "cntr_", "cfile_", "pmpt_", "item_", "prog_",
    "skill_",
];

/// Keys whose values are ids.
#[rustfmt::skip]
const IDS: &[&str] = &[
    "approval_request_id", "call_id", "caller_id", "connector_id", "container_id", "file_id", "first_id",
    "id", "item_id", "last_id", "response_id",
];

/// Keys whose values are plain names.
#[rustfmt::skip]
const NAMES: &[&str] = &[
    "agent_name", "author", "created_by", "name", "namespace", "recipient", "server_label", "version",
];

/// Keys whose values are words of the protocol, numbers, or objects of such.
#[rustfmt::skip]
const WORDY: &[&str] = &[
    "agent", "allowed_callers", "annotation_index", "approve", "background", "billing",
    "cache_write_tokens", "cached_tokens", "caller", "command_index", "compact_threshold",
    "completed_at", "content_index", "context", "context_management", "created_at", "deleted", "detail",
    "effort", "enabled", "end_index", "execution", "exit_code", "flagged", "format", "frequency_penalty",
    "generate_summary", "has_more", "include", "include_obfuscation", "incomplete_details", "index",
    "input_tokens", "input_tokens_details", "max_concurrent_subagents", "max_output_length",
    "max_output_tokens", "max_tool_calls", "mode", "multi_agent", "object", "outcome", "output_format",
    "output_index", "output_tokens", "output_tokens_details", "parallel_tool_calls",
    "partial_image_index", "payer", "personality", "phase", "presence_penalty", "prompt_cache_breakpoint",
    "prompt_cache_options", "prompt_cache_retention", "quality", "reason", "reasoning",
    "reasoning_tokens", "role", "score", "sequence_number", "service_tier", "size", "start_index",
    "status", "store", "stream", "stream_options", "strict", "summary", "summary_index", "temperature",
    "top_logprobs", "top_p", "total_tokens", "truncation", "ttl", "type", "usage", "verbosity",
];

/// Every key with a meaning somewhere in this API. One that differs from it only in case is refused.
#[rustfmt::skip]
pub(super) const KEYS: &[&str] = &[
    "acknowledged_safety_checks", "action", "actions", "agent", "agent_name", "allowed_callers",
    "annotation", "annotation_index", "annotations", "approval_request_id", "approve", "arguments",
    "attributes", "author", "background", "billing", "cache_write_tokens", "cached_tokens", "call_id",
    "caller", "caller_id", "client_metadata", "code", "command", "command_index", "compact_threshold",
    "completed_at", "container_id", "content", "content_index", "context", "context_management",
    "conversation", "created_at", "created_by", "data", "deleted", "delta", "detail", "diff", "effort",
    "encrypted_content", "end_index", "environment", "error", "execution", "exit_code", "file_data",
    "file_id", "file_ids", "file_url", "filename", "fingerprint", "first_id", "format", "has_more", "id",
    "image_url", "include", "incomplete_details", "index", "input", "input_audio", "input_tokens",
    "input_tokens_details", "instructions", "item", "item_id", "items", "last_id", "logprobs", "logs",
    "max_output_tokens", "max_tool_calls", "message", "metadata", "mode", "model", "moderation", "name",
    "namespace", "object", "obfuscation", "operation", "outcome", "output", "output_index",
    "output_text", "output_tokens", "output_tokens_details", "outputs", "parallel_tool_calls", "param",
    "part", "partial_image_b64", "pending_safety_checks", "phase", "previous_response_id", "prompt",
    "prompt_cache_key", "queries", "reason", "reasoning", "recipient", "refusal", "response", "result",
    "results", "revised_prompt", "role", "safety_identifier", "score", "sequence_number", "server_label",
    "service_tier", "sources", "status", "stderr", "stdout", "store", "stream", "stream_options",
    "summary", "summary_index", "temperature", "text", "title", "tool_choice", "tools", "top_p",
    "transcript", "truncation", "type", "url", "usage", "user", "variables", "verbosity", "version",
];

/// The words of the protocol that may stand in quiet places. Sorted.
#[rustfmt::skip]
const WORDS: &[&str] = &[
    "1024x1024", "1024x1536", "1536x1024", "16g", "1g", "24h", "30m", "4g", "64g", "additional_tools",
    "agent_message", "all_turns", "allowed_tools", "allowlist", "always", "and", "application/zip",
    "apply_patch", "apply_patch_call", "apply_patch_call_output", "approximate", "assistant", "auto",
    "back", "base64", "batch", "bio_policy", "block", "browser", "calling", "cancelled", "click", "client",
    "code_interpreter", "code_interpreter_call", "code_interpreter_call.outputs", "commentary",
    "compaction", "compaction_trigger", "completed", "computer", "computer_call", "computer_call_output",
    "computer_call_output.output.image_url", "computer_screenshot", "computer_use", "computer_use_preview",
    "concise", "configuration_update", "connector_dropbox", "connector_gmail", "connector_googlecalendar",
    "connector_googledrive", "connector_microsoftteams", "connector_outlookcalendar",
    "connector_outlookemail", "connector_sharepoint", "container_auto", "container_file_citation",
    "container_reference", "content_filter", "conversation", "conversation.deleted", "conversation.item",
    "create_file", "critic", "current_turn", "custom", "custom_tool_call", "custom_tool_call_output",
    "data_residency_mismatch", "default", "default-2024-11-15", "delete_file", "detailed", "developer",
    "direct", "disabled", "discriminator", "double_click", "drag", "edit", "empty_image_file",
    "encrypted_content", "eq", "error", "exec", "exit", "explicit", "failed", "failed_to_download_image",
    "fast", "file_citation", "file_path", "file_search", "file_search_call", "file_search_call.results",
    "final_answer", "find_in_page", "flex", "followup_task", "forward", "friendly", "function",
    "function_call", "function_call_output", "generate", "generating", "gif", "grammar", "gt", "gte",
    "high", "http_error", "image", "image_content_policy_violation", "image_file_not_found",
    "image_file_too_large", "image_generation", "image_generation_call", "image_parse_error",
    "image_too_large", "image_too_small", "implicit", "in", "in_memory", "in_progress", "incomplete",
    "inline", "input_audio", "input_file", "input_image", "input_text", "interpreting", "interrupt_agent",
    "invalid_base64_image", "invalid_image", "invalid_image_format", "invalid_image_mode",
    "invalid_image_url", "invalid_prompt", "item_reference", "jpeg", "json_object", "json_schema",
    "keypress", "lark", "left", "linux", "list", "list_agents", "local", "local_shell", "local_shell_call",
    "local_shell_call_output", "logs", "low", "lt", "lte", "mac", "max", "max_output_tokens", "mcp",
    "mcp_approval_request", "mcp_approval_response", "mcp_call", "mcp_list_tools", "mcp_protocol_error",
    "mcp_tool_execution_error", "medium", "message", "message.input_image.image_url",
    "message.output_text.logprobs", "minimal", "moderation_result", "move", "mp3", "multi_agent_call",
    "multi_agent_call_output", "namespace", "ne", "never", "nin", "none", "opaque", "open_page", "or",
    "original", "output_audio", "output_text", "png", "pragmatic", "priority", "pro", "program",
    "program_output", "programmatic", "programmatic_tool_calling", "queued", "rate_limit_exceeded",
    "reasoning", "reasoning.encrypted_content", "reasoning_text", "refusal", "regex", "required",
    "response", "response.compaction", "response.completed", "response.deleted", "response.input_tokens",
    "right", "scale", "score", "screenshot", "scroll", "search", "searching", "send_message", "server",
    "server_error", "shell", "shell_call", "shell_call_output", "skill_reference", "spawn_agent",
    "standard", "summary_text", "system", "text", "timeout", "tool", "tool_search", "tool_search_call",
    "tool_search_output", "transparent", "type", "ubuntu", "ultrafast", "unknown",
    "unsupported_image_media_type", "update_file", "url", "url_citation", "user", "vector_store_timeout",
    "wait", "wait_agent", "wav", "web_search", "web_search_2025_08_26", "web_search_call",
    "web_search_call.action.sources", "web_search_call.results", "web_search_preview",
    "web_search_preview_2025_03_11", "webp", "wheel", "windows", "xhigh",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_sorted_and_quiet_keys_have_a_meaning() {
        assert!(WORDS.is_sorted());
        assert!(ID_PREFIXES.iter().all(|p| is_id(&format!("{p}0a"))));
        let lost = |key: &&&str| quiet(key).is_none() && WORDY.contains(key);
        assert_eq!(WORDY.iter().filter(lost).count(), 0);
    }
}
