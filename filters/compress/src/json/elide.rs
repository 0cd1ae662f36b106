pub(crate) fn view(_text: &str, _handle: &str) -> Option<String> {
    None
}
