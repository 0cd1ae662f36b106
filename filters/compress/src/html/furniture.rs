//! What stands beside an article on a page, by the names that pages give it.

/// Bytes of an element's names that are read.
pub(super) const NAMES_MAX: usize = 1024;

/// Something beside the article.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Furniture {
    /// Menus, breadcrumbs, pages of a list.
    Navigation,
    /// The head of the site, not of the article.
    Banner,
    /// The foot of the site.
    Footer,
    /// A column beside.
    Sidebar,
    /// Other pages of the site.
    Related,
    /// Buttons that pass the page on.
    Sharing,
    /// Consent to cookies.
    Consent,
    /// Advertisements, newsletters, offers.
    Promotion,
    /// Logging in, searching, other forms.
    Form,
    /// Links that nothing names.
    Links,
}

impl Furniture {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Furniture::Navigation => "navigation",
            Furniture::Banner => "banner",
            Furniture::Footer => "footer",
            Furniture::Sidebar => "sidebar",
            Furniture::Related => "related",
            Furniture::Sharing => "sharing",
            Furniture::Consent => "cookie notice",
            Furniture::Promotion => "promotion",
            Furniture::Form => "forms",
            Furniture::Links => "link lists",
        }
    }
}

/// By the element itself.
pub(super) fn of_element(name: &[u8]) -> Option<Furniture> {
    match name {
        b"nav" | b"menu" => Some(Furniture::Navigation),
        b"footer" => Some(Furniture::Footer),
        b"aside" => Some(Furniture::Sidebar),
        b"form" | b"search" | b"select" => Some(Furniture::Form),
        _ => None,
    }
}

/// By its role (WAI-ARIA landmarks and widgets).
pub(super) fn of_role(role: &[u8]) -> Option<Furniture> {
    match role {
        b"navigation" | b"menu" | b"menubar" | b"toolbar" | b"tablist" => {
            Some(Furniture::Navigation)
        }
        b"banner" => Some(Furniture::Banner),
        b"contentinfo" => Some(Furniture::Footer),
        b"complementary" => Some(Furniture::Sidebar),
        b"search" | b"dialog" | b"alertdialog" => Some(Furniture::Form),
        _ => None,
    }
}

/// By the words of its class and id. The first word that says something counts.
pub(super) fn of_names(names: &str) -> Option<Furniture> {
    let mut word = String::new();
    let mut last = ' ';
    for letter in names.chars().chain([' ']) {
        let begins = letter.is_ascii_uppercase() && last.is_ascii_lowercase();
        if (!letter.is_ascii_alphabetic() || begins) && !word.is_empty() {
            if let Some(furniture) = of_word(&word) {
                return Some(furniture);
            }
            word.clear();
        }
        if letter.is_ascii_alphabetic() {
            word.push(letter.to_ascii_lowercase());
        }
        last = letter;
    }
    None
}

fn of_word(word: &str) -> Option<Furniture> {
    Some(match word {
        "nav" | "navbar" | "navigation" | "menu" | "menus" | "menubar" | "submenu" | "dropdown"
        | "breadcrumb" | "breadcrumbs" | "pagination" | "pager" | "skip" | "skiplink"
        | "offcanvas" | "hamburger" | "megamenu" => Furniture::Navigation,
        "masthead" | "topbar" | "toolbar" | "banner" | "ticker" => Furniture::Banner,
        "footer" | "foot" | "colophon" | "copyright" | "legal" => Furniture::Footer,
        "sidebar" | "aside" | "rail" | "widget" | "widgets" | "secondary" => Furniture::Sidebar,
        "related" | "recommended" | "recommendations" | "recommendation" | "recirc"
        | "recirculation" | "trending" | "popular" | "outbrain" | "taboola" | "readmore"
        | "mostread" | "teaser" | "teasers" | "carousel" | "suggested" | "tags" | "tagcloud" => {
            Furniture::Related
        }
        "share" | "sharing" | "sharebar" | "social" | "socials" | "addthis" | "sharedaddy"
        | "follow" | "bookmark" => Furniture::Sharing,
        "cookie" | "cookies" | "consent" | "gdpr" | "onetrust" | "ccpa" => Furniture::Consent,
        "ad" | "ads" | "adv" | "advert" | "advertisement" | "advertising" | "adsense" | "dfp"
        | "promo" | "promos" | "promotion" | "sponsor" | "sponsored" | "newsletter"
        | "subscribe" | "subscription" | "signup" | "paywall" => Furniture::Promotion,
        "login" | "signin" | "register" | "modal" | "popup" | "overlay" | "lightbox" | "search"
        | "searchform" | "form" => Furniture::Form,
        _ => return None,
    })
}

/// Whether a style says that the element is not shown.
pub(super) fn not_shown(style: &[u8]) -> bool {
    let style = style.get(..style.len().min(NAMES_MAX)).unwrap_or(style);
    let small = style.iter().filter(|byte| !byte.is_ascii_whitespace());
    let small: Vec<u8> = small.map(u8::to_ascii_lowercase).collect();
    let has = |what: &[u8]| small.windows(what.len()).any(|window| window == what);
    has(b"display:none") || has(b"visibility:hidden")
}

/// The language of code, by its class: `language-rust`, `lang-rust`, `highlight-source-rust`.
pub(super) fn language(names: &str) -> Option<&str> {
    let starts = ["language-", "lang-", "highlight-source-", "brush:"];
    let of = |name: &'static str, class: &'_ str| class.starts_with(name).then_some(name.len());
    names.split_ascii_whitespace().find_map(|class| {
        let at = starts.iter().find_map(|start| of(start, class))?;
        let language = class.get(at..)?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "+-#_.".contains(c);
        (!language.is_empty() && language.len() < 24 && language.chars().all(plain))
            .then_some(language)
    })
}
