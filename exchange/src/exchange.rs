//! What is known about one exchange before its body is judged.

use std::sync::Arc;

/// Which protocol the agent speaks, and so the words in which it is answered.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Dialect {
    /// OpenAI chat completions, legacy completions, embeddings, models.
    OpenAiChat,
    /// OpenAI Responses.
    OpenAiResponses,
    /// Anthropic messages.
    Anthropic,
    /// The Model Context Protocol, in all its revisions.
    Mcp,
}

impl Dialect {
    /// All of them, for tests and tables.
    pub const ALL: [Dialect; 4] = [
        Dialect::OpenAiChat,
        Dialect::OpenAiResponses,
        Dialect::Anthropic,
        Dialect::Mcp,
    ];

    /// The word a policy sees.
    pub fn as_str(self) -> &'static str {
        match self {
            Dialect::OpenAiChat => "openai.chat",
            Dialect::OpenAiResponses => "openai.responses",
            Dialect::Anthropic => "anthropic.messages",
            Dialect::Mcp => "mcp",
        }
    }
}

/// What an agent wants to do, or what an answer is about to let it do. `allow` is asked for each.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Operation {
    /// Ask a model: chat completions, responses, messages.
    Chat,
    /// Legacy text completion.
    Complete,
    /// Turn text into vectors.
    Embed,
    /// Count the tokens of a request without running it.
    CountTokens,
    /// List models, or look one up.
    Models,
    /// Read or change what the provider stored: a response by id, its items, its cancellation.
    Stored,
    /// Call a tool: in a model's answer before the agent may run it, or at a tool server.
    ToolCall,
    /// Begin with a tool server: `initialize`, `server/discover`, `ping`, its stream of messages.
    Connect,
    /// List the tools of a server.
    ToolList,
    /// List the resources, or the templates of resources, of a server.
    ResourceList,
    /// Read a resource.
    ResourceRead,
    /// Ask to be told when a resource changes, or no longer.
    ResourceSubscribe,
    /// List the prompts of a server.
    PromptList,
    /// Fetch a prompt.
    PromptGet,
    /// Ask a server to complete an argument.
    Completion,
    /// Say how much a server shall log.
    LogLevel,
    /// Listen to a server's changes (`subscriptions/listen`).
    Listen,
    /// Ask after, await, list, feed or cancel a task at a server.
    Task,
    /// A server asks the agent's model.
    Sample,
    /// A server asks the person behind the agent.
    Elicit,
    /// A server asks for the folders the agent works in.
    Roots,
    /// A notification from the agent to a server.
    Notify,
    /// A method of a tool server that is not known here.
    Other,
}

impl Operation {
    /// Whether a tool server asks it of the agent, not the agent of the server.
    pub fn is_asked_by_server(self) -> bool {
        matches!(
            self,
            Operation::Sample | Operation::Elicit | Operation::Roots
        )
    }

    /// The word a policy sees.
    pub fn as_str(self) -> &'static str {
        match self {
            Operation::Chat => "chat",
            Operation::Complete => "complete",
            Operation::Embed => "embed",
            Operation::CountTokens => "count_tokens",
            Operation::Models => "models",
            Operation::Stored => "stored",
            Operation::ToolCall => "tool_call",
            Operation::Connect => "connect",
            Operation::ToolList => "tool_list",
            Operation::ResourceList => "resource_list",
            Operation::ResourceRead => "resource_read",
            Operation::ResourceSubscribe => "resource_subscribe",
            Operation::PromptList => "prompt_list",
            Operation::PromptGet => "prompt_get",
            Operation::Completion => "completion",
            Operation::LogLevel => "log_level",
            Operation::Listen => "listen",
            Operation::Task => "task",
            Operation::Sample => "sample",
            Operation::Elicit => "elicit",
            Operation::Roots => "roots",
            Operation::Notify => "notify",
            Operation::Other => "other",
        }
    }
}

/// Which way a body travels.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Flow {
    /// From the agent to the upstream.
    Request,
    /// From the upstream to the agent.
    Answer,
}

impl Flow {
    /// The word a policy sees.
    pub fn as_str(self) -> &'static str {
        match self {
            Flow::Request => "request",
            Flow::Answer => "answer",
        }
    }
}

/// Who asks: a team's agent, known by its key or certificate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Caller {
    /// The team whose policy rules; the last part of `sallyport.teams.<team>`.
    pub team: Arc<str>,
    /// The agent's name within the team.
    pub agent: Arc<str>,
    /// The name of the key it showed (never the key).
    pub key: Arc<str>,
    /// Labels the operator gave this key, for policies to read.
    pub labels: Arc<[(Arc<str>, Arc<str>)]>,
}

/// What is known before the body is read. Every field is always there.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The decision id: in the log, in every refusal, in the `x-sallyport-id` header.
    pub id: Arc<str>,
    /// Who asks.
    pub caller: Caller,
    /// The route's name in the configuration.
    pub route: Arc<str>,
    /// How the agent speaks.
    pub dialect: Dialect,
    /// What it wants.
    pub operation: Operation,
    /// The path in normal form, such as `/v1/chat/completions`.
    pub path: Arc<str>,
    /// When it arrived: nanoseconds since 1970-01-01 UTC.
    pub now_ns: i64,
    /// What it wants of which tool server.
    pub mcp: Option<McpTarget>,
}

/// What a message of the Model Context Protocol is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct McpTarget {
    /// The server's id in the configuration.
    pub server: Arc<str>,
    /// The method as it was written.
    pub method: Arc<str>,
    /// The revision that the agent speaks, such as `2025-11-25`.
    pub revision: &'static str,
    /// The tool, prompt or resource it names, as the server itself calls it.
    pub name: Option<Arc<str>>,
}

/// Tokens of one exchange, as the upstream counted them. `None`: it did not say.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Usage {
    /// Tokens read, cached ones included.
    pub input: Option<u64>,
    /// Tokens written, reasoning included.
    pub output: Option<u64>,
    /// Of `input`, those read from the provider's prompt cache.
    pub cached: Option<u64>,
}

impl Usage {
    /// Later, cumulative figures win over earlier ones.
    pub fn update(&mut self, later: Usage) {
        self.input = later.input.or(self.input);
        self.output = later.output.or(self.output);
        self.cached = later.cached.or(self.cached);
    }
}
