//! The methods of all revisions, and what each asks for.

use crate::exchange::Operation;

/// Who may send a method.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// The agent.
    Agent,
    /// The tool server.
    Server,
    /// Both.
    Either,
}

macro_rules! methods {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $operation:ident, $side:ident;)*) => {
        /// A method of the protocol.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum Method {
            $(#[doc = concat!("`", $text, "`")] $name,)*
            /// One that no revision knows.
            Other,
        }

        impl Method {
            /// All that some revision knows.
            pub const ALL: &[Method] = &[$(Method::$name),*];

            /// The method of this name; exactly, for a name that only looks like it is another one.
            pub fn of(name: &str) -> Method {
                match name {
                    $($text => Method::$name,)*
                    _ => Method::Other,
                }
            }

            /// Its name; empty for [`Method::Other`].
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Method::$name => $text,)*
                    Method::Other => "",
                }
            }

            /// What is asked for with it.
            pub fn operation(self) -> Operation {
                match self {
                    $(Method::$name => Operation::$operation,)*
                    Method::Other => Operation::Other,
                }
            }

            /// Who may send it.
            pub fn side(self) -> Side {
                match self {
                    $(Method::$name => Side::$side,)*
                    Method::Other => Side::Either,
                }
            }
        }
    };
}

methods! {
    Initialize = "initialize", Connect, Agent;
    Initialized = "notifications/initialized", Connect, Agent;
    Ping = "ping", Connect, Either;
    Discover = "server/discover", Connect, Agent;
    ToolsList = "tools/list", ToolList, Agent;
    ToolsCall = "tools/call", ToolCall, Agent;
    ResourcesList = "resources/list", ResourceList, Agent;
    ResourceTemplatesList = "resources/templates/list", ResourceList, Agent;
    ResourcesRead = "resources/read", ResourceRead, Agent;
    ResourcesSubscribe = "resources/subscribe", ResourceSubscribe, Agent;
    ResourcesUnsubscribe = "resources/unsubscribe", ResourceSubscribe, Agent;
    PromptsList = "prompts/list", PromptList, Agent;
    PromptsGet = "prompts/get", PromptGet, Agent;
    Complete = "completion/complete", Completion, Agent;
    SetLevel = "logging/setLevel", LogLevel, Agent;
    Listen = "subscriptions/listen", Listen, Agent;
    TasksGet = "tasks/get", Task, Either;
    TasksResult = "tasks/result", Task, Either;
    TasksList = "tasks/list", Task, Either;
    TasksCancel = "tasks/cancel", Task, Either;
    TasksUpdate = "tasks/update", Task, Agent;
    CreateMessage = "sampling/createMessage", Sample, Server;
    Elicit = "elicitation/create", Elicit, Server;
    RootsList = "roots/list", Roots, Server;
    Cancelled = "notifications/cancelled", Notify, Either;
    Progress = "notifications/progress", Notify, Either;
    RootsChanged = "notifications/roots/list_changed", Notify, Agent;
    LogMessage = "notifications/message", Notify, Server;
    ToolsChanged = "notifications/tools/list_changed", Notify, Server;
    PromptsChanged = "notifications/prompts/list_changed", Notify, Server;
    ResourcesChanged = "notifications/resources/list_changed", Notify, Server;
    ResourceUpdated = "notifications/resources/updated", Notify, Server;
    ElicitationComplete = "notifications/elicitation/complete", Notify, Server;
    TaskStatus = "notifications/tasks/status", Notify, Either;
    Acknowledged = "notifications/subscriptions/acknowledged", Notify, Server;
}

impl Method {
    /// The member of `params` that names what is meant: a tool, a prompt, a resource, a task.
    pub fn name_key(self) -> Option<&'static str> {
        match self {
            Method::ToolsCall | Method::PromptsGet => Some("name"),
            Method::ResourcesRead
            | Method::ResourcesSubscribe
            | Method::ResourcesUnsubscribe
            | Method::ResourceUpdated => Some("uri"),
            Method::TasksGet
            | Method::TasksResult
            | Method::TasksCancel
            | Method::TasksUpdate
            | Method::TaskStatus => Some("taskId"),
            _ => None,
        }
    }

    /// Whether the modern era mirrors that member in the header `Mcp-Name` (2026-07-28, Standard Request
    /// Headers).
    pub fn is_named_in_header(self) -> bool {
        matches!(
            self,
            Method::ToolsCall | Method::PromptsGet | Method::ResourcesRead
        )
    }

    /// Whether its results may be `input_required` (2026-07-28, MRTR).
    pub fn may_need_input(self) -> bool {
        self.is_named_in_header()
    }

    /// Whether it is a list that comes in pages, and the member of the result that holds it.
    pub fn list_key(self) -> Option<&'static str> {
        match self {
            Method::ToolsList => Some("tools"),
            Method::ResourcesList => Some("resources"),
            Method::ResourceTemplatesList => Some("resourceTemplates"),
            Method::PromptsList => Some("prompts"),
            Method::TasksList => Some("tasks"),
            _ => None,
        }
    }
}
