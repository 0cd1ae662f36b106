//! Who speaks. The same sentence is a wish from a user and an attack in a web page, so the model is told.

use sallyport_exchange::{Author, Kind};

/// Where a text came from, as the model is told.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Channel {
    /// What the agent's user said.
    User,
    /// System and developer messages: whoever built the agent.
    System,
    /// The declaration of a tool.
    ToolDescription,
    /// The arguments of a tool call.
    ToolCall,
    /// What a tool answered: pages, files, mails, rows.
    ToolResult,
    /// Anything else, such as the model's own words.
    Unknown,
}

impl Channel {
    /// All of them; the place of each is its number in the n-gram model.
    pub const ALL: [Channel; 6] = [
        Channel::User,
        Channel::System,
        Channel::ToolDescription,
        Channel::ToolCall,
        Channel::ToolResult,
        Channel::Unknown,
    ];

    /// The channel of a part; `None` where nothing is read: media, and what the model thinks or refuses.
    pub fn of(kind: Kind, author: Author) -> Option<Channel> {
        match kind {
            Kind::Media | Kind::Reasoning | Kind::Refusal => None,
            Kind::ToolOffer => Some(Channel::ToolDescription),
            Kind::ToolCall => Some(Channel::ToolCall),
            Kind::ToolResult => Some(Channel::ToolResult),
            Kind::Text | Kind::Unread => Some(match author {
                Author::Operator => Channel::System,
                Author::User => Channel::User,
                Author::Model => Channel::Unknown,
                Author::Tool => Channel::ToolResult,
            }),
        }
    }

    /// Its word in files and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Channel::User => "user",
            Channel::System => "system",
            Channel::ToolDescription => "tool_description",
            Channel::ToolCall => "tool_call",
            Channel::ToolResult => "tool_result",
            Channel::Unknown => "unknown",
        }
    }

    /// The channel of a word.
    pub fn from_word(word: &str) -> Option<Channel> {
        Channel::ALL.into_iter().find(|c| c.as_str() == word)
    }

    /// What stands before the text when the model reads it (`models/firewall/train.py`, `PREFIX`).
    pub fn prefix(self) -> &'static str {
        match self {
            Channel::User => "channel user : ",
            Channel::System => "channel system : ",
            Channel::ToolDescription => "channel tool description : ",
            Channel::ToolCall => "channel tool call : ",
            Channel::ToolResult => "channel tool result : ",
            Channel::Unknown => "channel unknown : ",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_lead_back_to_channels_in_their_order() {
        for (number, channel) in Channel::ALL.into_iter().enumerate() {
            assert_eq!(channel as usize, number);
            assert_eq!(Channel::from_word(channel.as_str()), Some(channel));
        }
        assert_eq!(Channel::from_word("tool"), None);
    }
}
