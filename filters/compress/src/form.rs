//! A text in another form.

/// What one step makes of a text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Form {
    /// What the model reads.
    pub text: String,
    /// What else is needed to give the bytes back; see [`crate::Step::residue`].
    pub residue: Vec<u8>,
}
