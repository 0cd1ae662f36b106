//! The words of one block, with the links and pictures among them.
//!
//! A sentence stands as a reader of the page sees it, never cut by markup. A link is written where it stands when that
//! cuts no sentence: when it is a whole line of the block or whole sentences. The others follow their block, under the
//! name that they have in it.

/// Letters of a picture that stands for a letter: an emoji.
const EMOJI_MAX: usize = 4;

/// Pictures of one block that are compared with its words.
const IMAGES_COMPARED: usize = 16;

/// A link among the words.
#[derive(Debug)]
struct Link {
    start: usize,
    end: usize,
    to: String,
}

/// The words of a block while they are read.
#[derive(Debug, Default)]
pub(super) struct Line {
    text: String,
    links: Vec<Link>,
    images: Vec<String>,
    /// A blank stood before what comes next.
    blank: bool,
    /// Elements ended since the last words; after one that was a link, another began.
    left: bool,
    left_link: bool,
    between: bool,
    open: Option<Opened>,
}

#[derive(Debug)]
struct Opened {
    to: String,
    /// The node before which it ends.
    until: u32,
    /// Where its words begin, once there are any.
    start: Option<usize>,
    /// What a picture in it shows.
    image: String,
}

impl Line {
    /// Words, with blanks as one.
    pub(super) fn say(&mut self, words: &str) {
        if words.starts_with(char::is_whitespace) {
            self.blank = true;
        }
        for word in words.split_whitespace() {
            self.blank |= self.apart(word);
            if self.blank && !self.text.is_empty() && !self.text.ends_with(['\n', '\t']) {
                self.text.push(' ');
            }
            self.begin_link();
            self.text.push_str(word);
            self.blank = true;
            (self.left, self.left_link, self.between) = (false, false, false);
        }
        if !words.is_empty() {
            self.blank = words.ends_with(char::is_whitespace);
        }
    }

    /// Whether a page shows this word apart from the last one though no blank is between: a link beside another element,
    /// an address, the number of a note.
    fn apart(&self, word: &str) -> bool {
        let Some(last) = self.text.chars().next_back() else {
            return false;
        };
        let starts_link = self.open.as_ref().is_some_and(|open| open.start.is_none());
        let begins = |c: fn(char) -> bool| word.starts_with(c);
        let beside = self.between || (starts_link && self.left);
        (beside && last.is_alphanumeric() && begins(char::is_alphanumeric))
            || (starts_link && last.is_alphanumeric() && word.starts_with('['))
            || (starts_link && word.starts_with("http") && !"([{<\"'“‘«„".contains(last))
    }

    /// An element of the line begins.
    pub(super) fn entered(&mut self) {
        self.between |= self.left_link;
    }

    /// An element of the line ends.
    pub(super) fn left(&mut self, link: bool) {
        self.left = true;
        self.left_link |= link;
    }

    fn begin_link(&mut self) {
        let here = self.text.len();
        if let Some(open) = &mut self.open {
            open.start.get_or_insert(here);
        }
    }

    /// A blank, whatever the words say.
    pub(super) fn blank(&mut self) {
        self.blank = true;
    }

    /// A new line in the block.
    pub(super) fn newline(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
        self.blank = false;
    }

    /// The next row of a table.
    pub(super) fn row(&mut self) {
        let len = self.text.trim_end_matches('\t').len();
        self.text.truncate(len);
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
        self.blank = false;
    }

    /// The next cell of a row.
    pub(super) fn cell(&mut self) {
        self.text.push('\t');
        self.blank = false;
    }

    /// A link begins. What was open ends: links do not nest.
    pub(super) fn open_link(&mut self, to: &str, until: u32) {
        self.close_link();
        self.open = Some(Opened {
            to: to.to_owned(),
            until,
            start: None,
            image: String::new(),
        });
    }

    /// Ends the link that ends before this node.
    pub(super) fn reached(&mut self, at: u32) {
        if self.open.as_ref().is_some_and(|open| open.until <= at) {
            self.close_link();
        }
    }

    fn close_link(&mut self) {
        let Some(open) = self.open.take() else { return };
        if open.start.is_none() && !open.image.is_empty() {
            self.open = Some(Opened {
                image: String::new(),
                to: open.to,
                ..open
            });
            self.blank = true;
            self.say(&open.image);
            self.blank = true;
            self.close_link();
            return;
        }
        let Some(start) = open.start else { return };
        let end = self.text.trim_end().len();
        if end > start {
            self.links.push(Link {
                start,
                end,
                to: open.to,
            });
        }
    }

    /// A picture, by what it shows.
    pub(super) fn image(&mut self, shows: &str) {
        let shows = shows.split_whitespace().collect::<Vec<_>>().join(" ");
        if shows.is_empty() {
            return;
        }
        if shows.chars().count() <= EMOJI_MAX
            && !shows.contains(|c: char| c.is_ascii_alphanumeric())
        {
            self.say(&shows);
        } else if let Some(open) = &mut self.open
            && open.start.is_none()
        {
            open.image = shows;
        } else {
            self.images.push(shows);
        }
    }

    /// The block, and an empty line for the next. A link that is still open goes on only if it has no words yet.
    pub(super) fn take(&mut self) -> Taken {
        let begun = self.open.as_ref().is_some_and(|open| open.start.is_some());
        if begun {
            self.close_link();
        }
        let open = self.open.take();
        let line = std::mem::take(self);
        self.open = open;
        line.finish()
    }

    fn finish(mut self) -> Taken {
        let len = self.text.trim_end().len();
        self.text.truncate(len);
        let plain = self.text.clone();
        let text = &self.text;
        if self.images.len() <= IMAGES_COMPARED {
            self.images.retain(|image| !text.contains(image.as_str()));
        }
        let mut written = String::with_capacity(len);
        let mut after = String::new();
        let mut at = 0;
        for link in &self.links {
            let name = text.get(link.start..link.end).unwrap_or_default();
            // The words are the address.
            if name == link.to.trim() {
                continue;
            }
            if self.is_sentence(link) {
                written.push_str(text.get(at..link.start).unwrap_or_default());
                name_link(&mut written, name, &link.to);
                at = link.end;
            } else {
                after.push(if after.is_empty() { '\n' } else { ' ' });
                name_link(&mut after, name, &link.to);
            }
        }
        written.push_str(text.get(at..).unwrap_or_default());
        written.push_str(&after);
        Taken {
            plain,
            written,
            images: self.images,
        }
    }

    /// The link begins and ends where sentences do.
    fn is_sentence(&self, link: &Link) -> bool {
        let before = self
            .text
            .get(..link.start)
            .unwrap_or_default()
            .trim_end_matches(' ');
        let after = self.text.get(link.end..).unwrap_or_default();
        let name = self.text.get(link.start..link.end).unwrap_or_default();
        let ends = |text: &str| text.ends_with(['.', '!', '?', '\n']);
        (before.is_empty() || ends(before))
            && (ends(name) && after.starts_with(' ') || after.is_empty() || after.starts_with('\n'))
    }
}

fn name_link(out: &mut String, name: &str, to: &str) {
    let odd = to.contains([' ', '\t', '\n', '<', '>'])
        || to.matches('(').count() != to.matches(')').count();
    let to = to.trim();
    match odd {
        true => out.push_str(&format!(
            "[{name}](<{}>)",
            to.replace(['\n', '\t', '\r'], "")
        )),
        false => out.push_str(&format!("[{name}]({to})")),
    }
}

/// A block, ready to be written.
#[derive(Debug)]
pub(super) struct Taken {
    /// Its words alone.
    pub plain: String,
    /// Its words and links.
    pub written: String,
    /// What pictures in it show, unless its words say the same.
    pub images: Vec<String>,
}
