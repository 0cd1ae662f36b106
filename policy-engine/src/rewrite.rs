//! Writes policies so that the compiler takes them the way Rego means them.
//!
//! The compiler lets `x := input.missing` hold, with an `x` that is undefined; a body that goes on with
//! `not x == "bad"` would then allow what Rego leaves undefined. It does look at `x = input.missing`, so every
//! `x := e` is written as `some x; x = e`, which is what it means.
//!
//! And it loses its way where a comprehension's condition fails outside of any loop of its own: it leaves the
//! comprehension half open, or gives up the turn of a loop around it. So every comprehension gets a loop of one
//! turn, `some _ in [0]`. Lines stay where they are.

use crate::syntax::{Visitor, walk_module};
use regorus::unstable::{AssignOp, Expr, Literal, LiteralStmt, Module};
use std::collections::BTreeSet;

/// A loop of one turn.
pub(crate) const ONE_TURN: &str = "some _ in [0]; ";

/// The text of a module with all its assignments written out.
pub(crate) fn written_out(text: &str, module: &Module) -> String {
    let mut assignments = Assignments {
        text,
        changes: Vec::new(),
    };
    walk_module(module, &mut assignments);
    let mut changes = assignments.changes;
    changes.sort();
    changes.dedup();
    let mut out = String::with_capacity(text.len() + 16 * changes.len());
    let mut from = 0;
    for change in &changes {
        let kept = text.get(from..change.at).unwrap_or_default();
        out.push_str(kept);
        out.push_str(&change.with);
        from = change.at + change.instead_of;
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out
}

/// Bytes of the text, and what to write in their place.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Change {
    at: usize,
    instead_of: usize,
    with: String,
}

struct Assignments<'a> {
    text: &'a str,
    changes: Vec<Change>,
}

impl Visitor for Assignments<'_> {
    fn expr(&mut self, expr: &Expr) -> bool {
        if let Expr::ArrayCompr { query, .. }
        | Expr::SetCompr { query, .. }
        | Expr::ObjectCompr { query, .. } = expr
            && let Some(first) = query.stmts.first()
        {
            self.changes.push(Change {
                at: first.span.start as usize,
                instead_of: 0,
                with: ONE_TURN.into(),
            });
        }
        true
    }

    fn statement(&mut self, statement: &LiteralStmt) -> bool {
        if let Literal::Expr { expr, .. } = &statement.literal
            && let Expr::AssignExpr {
                op: AssignOp::ColEq,
                lhs,
                rhs,
                ..
            } = &**expr
        {
            self.write_out(statement, lhs, rhs);
        }
        true
    }
}

impl Assignments<'_> {
    fn write_out(&mut self, statement: &LiteralStmt, lhs: &Expr, rhs: &Expr) {
        let (start, end) = (lhs.span().end as usize, rhs.span().start as usize);
        let Some(sign) = self
            .text
            .get(start..end)
            .and_then(|between| between.find(":="))
        else {
            return;
        };
        self.changes.push(Change {
            at: start + sign,
            instead_of: 2,
            with: "=".into(),
        });
        let mut names = BTreeSet::new();
        bound(lhs, &mut names);
        if !names.is_empty() {
            let names: Vec<&str> = names.into_iter().collect();
            let with = format!("some {}; ", names.join(", "));
            self.changes.push(Change {
                at: statement.span.start as usize,
                instead_of: 0,
                with,
            });
        }
    }
}

/// The names that a pattern binds.
fn bound<'e>(pattern: &'e Expr, names: &mut BTreeSet<&'e str>) {
    match pattern {
        Expr::Var { span, .. } if span.text() != "_" => {
            names.insert(span.text());
        }
        Expr::Array { items, .. } => items.iter().for_each(|item| bound(item, names)),
        Expr::Object { fields, .. } => fields.iter().for_each(|(_, _, value)| bound(value, names)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::written_out;
    use crate::source::PolicyFile;
    use crate::syntax::parse;

    fn check(before: &str, after: &str) {
        let wrap = |body: &str| format!("package sallyport.org\nallow if {{ {body} }}\n");
        let file = PolicyFile {
            path: "x.rego".into(),
            text: wrap(before),
        };
        let module = parse(&file).expect("rego");
        assert_eq!(written_out(&file.text, &module), wrap(after));
    }

    #[test]
    fn assignments_are_written_out() {
        check("x := 1", "some x; x = 1");
        check("x:=1; x == 1", "some x; x=1; x == 1");
        check("[x, _] := [1, \":=\"]", "some x; [x, _] = [1, \":=\"]");
        check("{\"k\": v} := input", "some v; {\"k\": v} = input");
        check(
            "x := [y | y := 1]",
            "some x; x = [y | some _ in [0]; some y; y = 1]",
        );
        check(
            "every z in [1] { w := z; w == 1 }",
            "every z in [1] { some w; w = z; w == 1 }",
        );
        check(
            "count({1 | input.x}) == 1",
            "count({1 | some _ in [0]; input.x}) == 1",
        );
        check(
            "{1: 2 | input.x} != input",
            "{1: 2 | some _ in [0]; input.x} != input",
        );
        check("_ := input.x", "_ = input.x");
        check("x := \"é\"; y := x", "some x; x = \"é\"; some y; y = x");
    }
}
