//! What a declaration, a list of them and a lock file may cost.

/// The largest declaration that is read, in bytes.
pub const TOOL_BYTES_MAX: usize = 1 << 20;
/// The deepest declaration that is read: in a lock file it lies some levels down, and that must be read too
/// (`sallyport_exchange::json::DEPTH_MAX`).
pub const TOOL_DEPTH_MAX: usize = 96;
/// The most tools of one server.
pub const TOOLS_MAX: usize = 1 << 17;
/// The largest lock file, in bytes.
pub const LOCK_BYTES_MAX: usize = 256 << 20;
/// The longest name of a server, in bytes.
pub const SERVER_NAME_MAX: usize = 128;
/// A description longer than this, in bytes, is reported.
pub const DESCRIPTION_MAX: usize = 8 << 10;
/// A declaration longer than this, in bytes of canonical JSON, is reported.
pub const DECLARATION_MAX: usize = 64 << 10;
/// A schema nested deeper than this is reported.
pub const SCHEMA_DEPTH_MAX: usize = 32;
/// The most findings told of one tool. What is past it is not looked at: the tool is refused already.
pub const FINDINGS_MAX: usize = 64;
/// The longest excerpt shown of a text, in characters.
pub const EXCERPT_MAX: usize = 96;
