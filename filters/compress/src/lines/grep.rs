use crate::form::Form;

pub(crate) fn encode(_text: &str) -> Option<Form> {
    None
}

pub(crate) fn decode(_text: &str, _residue: &[u8]) -> Option<String> {
    None
}
