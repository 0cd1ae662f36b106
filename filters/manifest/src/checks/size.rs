//! Declarations larger than any honest one: room to hide things in, and tokens to pay for.

use crate::finding::{Hit, OVERSIZED, Observation, Severity};
use crate::leaves::{Leaf, depth};
use crate::limits::{DECLARATION_MAX, DESCRIPTION_MAX, SCHEMA_DEPTH_MAX};
use crate::tool::Tool;
use sallyport_exchange::json::Value;

/// Reports one text that is too long.
pub(crate) fn words(leaf: &Leaf<'_, '_>, hits: &mut Vec<Hit>) {
    // An icon may be a whole image, as a `data:` address.
    let icon = leaf.path.0.first().is_some_and(|step| step.is("icons"));
    if leaf.text.len() > DESCRIPTION_MAX && !icon {
        hits.push(Hit {
            label: OVERSIZED,
            severity: Severity::Warning,
            score: 0.6,
            range: 0..leaf.text.len(),
            says: format!("{} bytes; more than {DESCRIPTION_MAX}", leaf.text.len()),
        });
    }
}

/// Reports what is too large or too deep as a whole.
pub(crate) fn declaration(tool: &Tool, root: Value<'_>, found: &mut Vec<Observation>) {
    let mut tell = |place: &str, says: String| {
        found.push(Observation {
            label: OVERSIZED,
            severity: Severity::Warning,
            place: place.to_owned(),
            says,
            excerpt: String::new(),
        });
    };
    let len = tool.canonical().len();
    if len > DECLARATION_MAX {
        tell(
            "",
            format!("the declaration is {len} bytes; more than {DECLARATION_MAX}"),
        );
    }
    for key in ["inputSchema", "outputSchema"] {
        let depth = root.member(key).map_or(0, depth);
        if depth > SCHEMA_DEPTH_MAX {
            tell(
                &format!("/{key}"),
                format!("the schema is nested {depth} deep; more than {SCHEMA_DEPTH_MAX}"),
            );
        }
    }
}
