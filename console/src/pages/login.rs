//! The pages of those who are not let in, or find nothing.

use maud::{Markup, html};

/// The form that asks for the token. `word`: what it has to bring back; `to`: where it leads.
pub(crate) fn login(word: &str, to: &str, error: Option<&str>) -> Markup {
    html! {
        h1 { "Log in" }
        @if let Some(error) = error { p.bad role="alert" { (error) } }
        form.login method="post" action="/login" {
            input type="hidden" name="word" value=(word);
            input type="hidden" name="to" value=(to);
            label for="token" { "The operators’ token" }
            input id="token" type="password" name="token" required autocomplete="current-password" autofocus;
            button { "Log in" }
        }
        p.soft { "It is what " code { "operators.token" } " says in the configuration. Scripts send it as "
            code { "authorization: Bearer …" } "." }
    }
}

/// What to do where no token is configured.
pub(crate) fn unconfigured() -> Markup {
    html! {
        h1 { "This console has no token yet" }
        p { "Its listener can be reached from other machines, so it shows nothing without one. Set a token and start again:" }
        pre { "operators:\n  token: ${SALLYPORT_OPERATORS_TOKEN}" }
        p.soft { "Or let " code { "operators.listen" } " be a loopback address such as " code { "127.0.0.1:9090" }
            ": there it shows without. " code { "/healthz" } ", " code { "/readyz" } " and " code { "/metrics" } " need none." }
    }
}

/// There is no such thing.
pub(crate) fn missing(what: &str) -> Markup {
    html! { h1 { "Not found" } p { (what) } p { a href="/" { "To the live view" } } }
}

/// The history does not answer.
pub(crate) fn broken(why: &str) -> Markup {
    html! { h1 { "The history does not answer" } p { "The gateway goes on without it." } pre.bad { (why) } }
}
