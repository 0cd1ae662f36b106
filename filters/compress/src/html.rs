//! A web page as markdown. (docs to come)

mod furniture;
mod line;
mod page;
mod tag;
mod tree;
mod weigh;
mod write;

/// The view of a text that is a web page; `None`: it is none, or the view would say what only the gateway says.
pub(crate) fn view(text: &str, handle: &str) -> Option<String> {
    let (preface, page) = page::split(text)?;
    let tree = tree::Tree::of(page)?;
    let weighed = weigh::weigh(&tree);
    let written = write::write(&tree, &weighed);
    let mut form = String::from("html: page as markdown without markup");
    if written.hidden > 0 {
        let hidden = write::counted(written.hidden, "hidden element");
        form.push_str(&format!(", {hidden} left out"));
    }
    let body = match preface.trim_end() {
        "" => written.text,
        preface => format!("{preface}\n\n{}", written.text),
    };
    if body.trim().is_empty() || crate::mark::imitates(&body) {
        return None;
    }
    Some(crate::mark::reversible(&form, handle) + &body)
}
