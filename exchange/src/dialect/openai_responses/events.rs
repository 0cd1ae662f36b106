//! The types of events, and what each does.

use crate::part::Kind;

/// What an event does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Does {
    /// Tells the response as it is so far, or as it ended.
    Tell(Ending),
    Added,
    Done,
    /// Shows a part of an item whole.
    Part(Kind),
    /// Adds to a lane.
    Grow(Grows),
    /// Repeats a lane's whole content, in the member named.
    Close(Grows, &'static str),
    Annotation,
    /// Shows bytes, in the member named.
    Media(&'static str, &'static str),
    /// A shell's output, or its repetition.
    Output,
    OutputDone,
    /// Says how far the response is.
    Notice,
    Error,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ending {
    None,
    Complete,
    Failed,
}

/// A lane before its index is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Grows {
    Text,
    Refusal,
    Reasoning,
    Summary,
    Transcript,
    Call,
    Command,
}

/// Events that only say how far an item is, without `response.` before.
const NOTICES: &[&str] = &[
    "audio.done",
    "code_interpreter_call.completed",
    "code_interpreter_call.in_progress",
    "code_interpreter_call.interpreting",
    "compaction.compacting",
    "file_search_call.completed",
    "file_search_call.in_progress",
    "file_search_call.searching",
    "image_generation_call.completed",
    "image_generation_call.generating",
    "image_generation_call.in_progress",
    "mcp_call.completed",
    "mcp_call.failed",
    "mcp_call.in_progress",
    "mcp_list_tools.completed",
    "mcp_list_tools.failed",
    "mcp_list_tools.in_progress",
    "web_search_call.completed",
    "web_search_call.in_progress",
    "web_search_call.searching",
];

/// What the event type `kind` does; `None` if it is not known.
pub(super) fn does(kind: &str) -> Option<Does> {
    use Does::*;
    if kind == "error" {
        return Some(Error);
    }
    Some(match kind.strip_prefix("response.")? {
        "created" | "queued" | "in_progress" => Tell(Ending::None),
        "completed" | "incomplete" | "cancelled" => Tell(Ending::Complete),
        "failed" => Tell(Ending::Failed),
        "output_item.added" => Added,
        "output_item.done" => Done,
        "content_part.added" | "content_part.done" => Part(Kind::Text),
        "reasoning_summary_part.added" | "reasoning_summary_part.done" => Part(Kind::Reasoning),
        "output_text.delta" => Grow(Grows::Text),
        "output_text.done" => Close(Grows::Text, "text"),
        "output_text.annotation.added" => Annotation,
        "refusal.delta" => Grow(Grows::Refusal),
        "refusal.done" => Close(Grows::Refusal, "refusal"),
        "reasoning_text.delta" => Grow(Grows::Reasoning),
        "reasoning_text.done" => Close(Grows::Reasoning, "text"),
        "reasoning_summary_text.delta" => Grow(Grows::Summary),
        "reasoning_summary_text.done" => Close(Grows::Summary, "text"),
        "function_call_arguments.delta" | "mcp_call_arguments.delta" => Grow(Grows::Call),
        "function_call_arguments.done" | "mcp_call_arguments.done" => {
            Close(Grows::Call, "arguments")
        }
        "custom_tool_call_input.delta" | "code_interpreter_call_code.delta" => Grow(Grows::Call),
        "custom_tool_call_input.done" => Close(Grows::Call, "input"),
        "code_interpreter_call_code.done" => Close(Grows::Call, "code"),
        "shell_call_command.added" => Part(Kind::Text),
        "shell_call_command.delta" => Grow(Grows::Command),
        "shell_call_command.done" => Close(Grows::Command, "command"),
        "shell_call_output_content.delta" => Output,
        "shell_call_output_content.done" => OutputDone,
        "audio.transcript.delta" => Grow(Grows::Transcript),
        "audio.transcript.done" => Close(Grows::Transcript, "transcript"),
        "audio.delta" => Media("delta", "audio"),
        "image_generation_call.partial_image" => Media("partial_image_b64", "image"),
        event if NOTICES.contains(&event) => Notice,
        _ => return None,
    })
}
