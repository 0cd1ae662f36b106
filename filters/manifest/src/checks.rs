//! What one declaration shows by itself.

mod annotation;
mod headers;
mod invisible;
mod name;
mod orders;
mod schema;
mod script;
mod size;

use crate::finding::{Hit, Observation};
use crate::leaves::{self, Leaf};
use crate::limits::FINDINGS_MAX;
use crate::seen::excerpt;
use crate::tool::Tool;
use sallyport_exchange::json::{Tape, Value};

/// Looks at every key and string of a declaration and shows `tell` what is found, up to
/// [`FINDINGS_MAX`]. `value` is an MCP declaration, or a tool on offer in a chat.
pub(crate) fn words(value: Value<'_>, tell: &mut dyn FnMut(&Leaf<'_, '_>, Hit)) {
    let mut told = 0;
    leaves::each(value, &mut |leaf| {
        for hit in leaf_hits(leaf, name::is_name(value, leaf)) {
            tell(leaf, hit);
            told += 1;
        }
        told < FINDINGS_MAX
    });
}

fn leaf_hits(leaf: &Leaf<'_, '_>, is_name: bool) -> Vec<Hit> {
    let mut hits = Vec::new();
    if is_name {
        name::check(leaf, &mut hits);
    }
    invisible::check(leaf, is_name || leaf.key, &mut hits);
    script::check(leaf, &mut hits);
    if !leaf.key {
        orders::check(leaf, &mut hits);
        size::words(leaf, &mut hits);
    } else if leaf.text.len() > KEY_ORDERS_MIN {
        orders::check(leaf, &mut hits);
    }
    hits
}

/// A key as long as this, in bytes, may hold an order.
const KEY_ORDERS_MIN: usize = 24;

/// What a text shows that is no declaration.
pub(crate) fn plain(text: &str) -> Vec<Hit> {
    let path = leaves::Path::default();
    let leaf = Leaf {
        path: &path,
        key: false,
        text,
        at: 0,
    };
    leaf_hits(&leaf, false)
}

/// Everything that `tool` shows by itself. At most [`FINDINGS_MAX`] findings and a few.
pub fn check_tool(tool: &Tool) -> Vec<Observation> {
    let Ok(tape) = Tape::read_str(tool.canonical()) else {
        return Vec::new();
    };
    let root = tape.root();
    let mut found = Vec::new();
    words(root, &mut |leaf, hit| found.push(observed(leaf, hit)));
    size::declaration(tool, root, &mut found);
    schema::check(root, &mut found);
    annotation::check(root, &mut found);
    found
}

/// What a server's instructions show.
pub fn check_instructions(text: &str) -> Vec<Observation> {
    let path = leaves::Path(vec![leaves::Step::Key("instructions".into())]);
    let leaf = Leaf {
        path: &path,
        key: false,
        text,
        at: 0,
    };
    let hits = leaf_hits(&leaf, false);
    hits.into_iter().map(|hit| observed(&leaf, hit)).collect()
}

fn observed(leaf: &Leaf<'_, '_>, hit: Hit) -> Observation {
    Observation {
        label: hit.label,
        severity: hit.severity,
        place: leaf.path.pointer(),
        excerpt: excerpt(leaf.text, hit.range),
        says: hit.says,
    }
}
