//! Revisions of the protocol, and the two eras they fall into.

use std::fmt;

/// A revision of the specification, oldest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Revision {
    /// 2024-11-05: HTTP+SSE.
    V2024_11_05,
    /// 2025-03-26: streamable HTTP, batches.
    V2025_03_26,
    /// 2025-06-18: no batches, structured content, elicitation.
    V2025_06_18,
    /// 2025-11-25: tasks, polled streams, URL elicitation.
    V2025_11_25,
    /// 2026-07-28: no sessions, no `initialize`.
    V2026_07_28,
}

/// Sessions, or none.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Era {
    /// Up to 2025-11-25: `initialize`, sessions, requests from the server.
    Legacy,
    /// From 2026-07-28: every request stands alone.
    Modern,
}

impl Revision {
    /// All of them, oldest first.
    pub const ALL: [Revision; 5] = [
        Revision::V2024_11_05,
        Revision::V2025_03_26,
        Revision::V2025_06_18,
        Revision::V2025_11_25,
        Revision::V2026_07_28,
    ];
    /// The newest with sessions.
    pub const LEGACY: Revision = Revision::V2025_11_25;
    /// The newest without.
    pub const MODERN: Revision = Revision::V2026_07_28;

    /// The revision of this name.
    pub fn of(name: &str) -> Option<Revision> {
        Revision::ALL.into_iter().find(|r| r.as_str() == name)
    }

    /// Its name: a date.
    pub fn as_str(self) -> &'static str {
        match self {
            Revision::V2024_11_05 => "2024-11-05",
            Revision::V2025_03_26 => "2025-03-26",
            Revision::V2025_06_18 => "2025-06-18",
            Revision::V2025_11_25 => "2025-11-25",
            Revision::V2026_07_28 => "2026-07-28",
        }
    }

    /// Its era.
    pub fn era(self) -> Era {
        match self {
            Revision::V2026_07_28 => Era::Modern,
            _ => Era::Legacy,
        }
    }

    /// Whether a body may hold several messages.
    pub fn has_batches(self) -> bool {
        self == Revision::V2025_03_26
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
