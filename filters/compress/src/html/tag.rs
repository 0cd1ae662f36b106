//! What the elements of HTML mean for reading.

/// An element, by what reading it takes. Names that need nothing of their own share a variant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Tag {
    A,
    Article,
    Aside,
    Blockquote,
    Body,
    Br,
    Code,
    Dd,
    Dialog,
    Dt,
    Footer,
    Form,
    Head,
    Heading(u8),
    Hr,
    Html,
    Img,
    Li,
    Main,
    Meta,
    Nav,
    Ol,
    Opt,
    P,
    Pre,
    Select,
    Svg,
    Table,
    /// `caption`: of a table, a block of its own.
    Caption,
    /// `thead`, `tbody`, `tfoot`.
    Rows,
    Row,
    Cell,
    Title,
    Ul,
    /// Any other that begins a line of its own.
    Block,
    /// `button`, `label` and their like: in the line, but words of their own.
    Control,
    /// Never has content.
    Void,
    /// What a reader never sees: scripts, styles, players, frames.
    Unseen,
    /// Any other, known or not: part of the line.
    Inline,
}

impl Tag {
    pub(super) fn of(name: &[u8]) -> Tag {
        match name {
            b"a" => Tag::A,
            b"article" => Tag::Article,
            b"aside" => Tag::Aside,
            b"blockquote" => Tag::Blockquote,
            b"body" => Tag::Body,
            b"br" => Tag::Br,
            b"code" => Tag::Code,
            b"dd" => Tag::Dd,
            b"dialog" => Tag::Dialog,
            b"dt" => Tag::Dt,
            b"footer" => Tag::Footer,
            b"form" => Tag::Form,
            b"head" => Tag::Head,
            [b'h', level @ b'1'..=b'6'] => Tag::Heading(level - b'0'),
            b"hr" => Tag::Hr,
            b"html" => Tag::Html,
            b"img" => Tag::Img,
            b"li" => Tag::Li,
            b"main" => Tag::Main,
            b"meta" => Tag::Meta,
            b"nav" => Tag::Nav,
            b"ol" => Tag::Ol,
            b"option" | b"optgroup" => Tag::Opt,
            b"p" => Tag::P,
            b"pre" | b"listing" | b"xmp" | b"plaintext" | b"textarea" => Tag::Pre,
            b"select" => Tag::Select,
            b"svg" => Tag::Svg,
            b"table" => Tag::Table,
            b"caption" => Tag::Caption,
            b"thead" | b"tbody" | b"tfoot" => Tag::Rows,
            b"tr" => Tag::Row,
            b"td" | b"th" => Tag::Cell,
            b"title" => Tag::Title,
            b"ul" | b"menu" | b"dir" => Tag::Ul,
            b"address" | b"center" | b"details" | b"div" | b"dl" | b"fieldset" | b"figcaption"
            | b"figure" | b"frameset" | b"header" | b"hgroup" | b"legend" | b"section"
            | b"search" | b"summary" => Tag::Block,
            b"button" | b"label" | b"output" | b"meter" | b"progress" => Tag::Control,
            b"area" | b"base" | b"basefont" | b"bgsound" | b"col" | b"embed" | b"frame"
            | b"input" | b"keygen" | b"link" | b"param" | b"source" | b"track" | b"wbr" => {
                Tag::Void
            }
            b"script" | b"style" | b"noscript" | b"template" | b"iframe" | b"canvas" | b"audio"
            | b"video" | b"noembed" | b"noframes" | b"datalist" | b"rp" => Tag::Unseen,
            _ => Tag::Inline,
        }
    }

    /// Stands on lines of its own.
    pub(super) fn is_block(self) -> bool {
        !matches!(
            self,
            Tag::A
                | Tag::Br
                | Tag::Code
                | Tag::Img
                | Tag::Meta
                | Tag::Control
                | Tag::Void
                | Tag::Unseen
                | Tag::Svg
                | Tag::Inline
        )
    }

    /// Has no end tag.
    pub(super) fn is_void(self) -> bool {
        matches!(self, Tag::Br | Tag::Hr | Tag::Img | Tag::Meta | Tag::Void)
    }

    /// Its start tag ends an open paragraph (HTML, "close a p element").
    pub(super) fn ends_paragraph(self) -> bool {
        self.is_block()
            && !matches!(
                self,
                Tag::Head | Tag::Title | Tag::Select | Tag::Opt | Tag::Html | Tag::Body
            )
    }

    /// Nothing inside it ends what is outside (HTML, "has an element in scope").
    pub(super) fn is_wall(self) -> bool {
        matches!(self, Tag::Table | Tag::Cell | Tag::Caption | Tag::Html)
    }
}
