//! Tool servers on the operators' page.

use super::OperatorsView;
use super::page::Html;
use crate::config::{Reach, ToolServer};
use std::sync::atomic::Ordering;

/// How a server is reached, without anything that may be a secret: no arguments, no query.
pub(crate) fn reach(server: &ToolServer) -> String {
    match &server.reach {
        Reach::Address(address) => address.canonical(),
        Reach::Program(program) => match program.arguments.len() {
            0 => format!("starts {}", program.program),
            1 => format!("starts {} with an argument", program.program),
            n => format!("starts {} with {n} arguments", program.program),
        },
    }
}

/// The section; nothing where there are no tool servers.
pub(super) fn tools(html: &mut Html, view: &OperatorsView) {
    let tools = &view.tools;
    if tools.servers.is_empty() {
        return;
    }
    html.raw("<section><h2>Tool servers</h2>");
    pins(html, view);
    html.raw("<table><tr><th>Name</th><th>Reached</th><th>Seen by</th><th>Pinned tools</th><th>Sessions begun</th><th>Failed</th><th>Messages lost</th></tr>");
    let lock = tools.pins.as_ref().map(|pins| pins.in_force().1);
    for server in tools.servers.iter() {
        let (config, tally) = (&server.config, &server.tally);
        let teams = match config.teams.is_empty() {
            true => "every team".to_owned(),
            false => config.teams.join(", "),
        };
        let pinned = lock.as_ref().map(|lock| lock.server(&config.name));
        let pinned = match pinned {
            None => "–".to_owned(),
            Some(None) => "none: nothing of it is let in".to_owned(),
            Some(Some(server)) => server.tools.len().to_string(),
        };
        let lost = tally.dropped.load(Ordering::Relaxed) + tally.rubbish.load(Ordering::Relaxed);
        html.row(&[
            &config.name,
            &reach(config),
            &teams,
            &pinned,
            &tally.opened.load(Ordering::Relaxed).to_string(),
            &tally.failed.load(Ordering::Relaxed).to_string(),
            &lost.to_string(),
        ]);
    }
    html.raw("</table></section>");
}

fn pins(html: &mut Html, view: &OperatorsView) {
    html.raw("<dl><dt>Sessions</dt><dd>")
        .text(&view.tools.sessions.len().to_string())
        .raw(" of agents</dd><dt>Lock</dt><dd>");
    let Some(pins) = &view.tools.pins else {
        html.raw("none: whatever they list is let in</dd></dl>");
        return;
    };
    let (file, lock) = pins.in_force();
    html.raw("<code>")
        .text(&file.display().to_string())
        .raw("</code>")
        .text(match lock.signature() {
            Some(_) => ", signed",
            None => ", not signed",
        })
        .raw("</dd></dl>");
    if let Some(error) = pins.standing().error {
        html.raw("<div class=\"bad\"><p>What is there now is not in force:</p><pre>")
            .text(&error)
            .raw("</pre></div>");
    }
}
