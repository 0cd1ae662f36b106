//! A tool's result in the form that the team wishes to read it.

use super::call::{Call, Request};
use crate::compression::Answered;
use sallyport_exchange::mcp::Method;
use sallyport_policy::{Cleared, Settings};

impl Call<'_> {
    /// Notes what the team's policies wish for the answer.
    pub(super) fn wish(&mut self, settings: &Settings) {
        let session = blake3::hash(self.session.id.as_bytes());
        let mut half = [0; 16];
        half.copy_from_slice(&session.as_bytes()[..16]);
        let wish = self.session.edge.compression.wish(settings);
        self.wish = wish.for_session(&half);
    }

    /// The answer to a tool call in that form; every other answer as it is.
    pub(super) fn made_small(&mut self, request: &Request, cleared: Cleared) -> Cleared {
        let Some(tool) = request.name.as_deref() else {
            return cleared;
        };
        if request.message.method != Method::ToolsCall {
            return cleared;
        }
        let about = Answered {
            caller: &self.session.caller,
            session: &self.session.id,
            tool,
            wish: &self.wish,
        };
        let compression = &self.session.edge.compression;
        compression.result(&about, cleared, self.account)
    }
}
