//! The gateway's own marks in a text, and how a text is kept from imitating them.
//!
//! A rewritten block begins with a line `[compact …]` that says in which form it is. A reversible one names on that line
//! how the original can be had: `[compact html: …; original intact: sallyport_retrieve ref=k3j9x7q2m4n5p6r7]`.

/// How a mark begins.
pub const HEAD: &str = "[compact ";
/// The tool that gives originals back.
pub const RETRIEVE: &str = "sallyport_retrieve";

/// Whether a text says what only the gateway says. Such a text stays as it is, so that what a stranger wrote is never
/// taken for a form; the handles in it open nothing, for they are looked up only in the asker's own session.
pub fn imitates(text: &str) -> bool {
    text.match_indices(HEAD)
        .any(|(at, _)| at == 0 || text.as_bytes()[at - 1] == b'\n')
        || text.contains("sallyport_retrieve ref=")
}

/// The line that begins a form without loss.
pub fn lossless(form: &str) -> String {
    format!("{HEAD}{form}]\n")
}

/// The line that begins a form that leaves something out.
pub fn reversible(form: &str, handle: &str) -> String {
    format!("{HEAD}{form}; original intact: {RETRIEVE} ref={handle}]\n")
}
