//! Reads Rego into its tree, and walks it.

use crate::error::{Mistake, Place, PolicyError, from_regorus};
use crate::nesting;
use crate::source::PolicyFile;
use regorus::Source;
use regorus::unstable::{
    Expr, Literal, LiteralStmt, Module, Parser, Query, Rule, RuleBody, RuleHead, Span,
};

/// Where in the sources a span lies.
pub(crate) fn place(span: &Span) -> Place {
    Place {
        file: span.source.get_path().as_str().into(),
        line: span.line,
        column: span.col,
    }
}

/// Parses one file as Rego v1.
pub(crate) fn parse(file: &PolicyFile) -> Result<Module, PolicyError> {
    let broken =
        |error: anyhow::Error| from_regorus(Mistake::Syntax, &file.path, &error.to_string());
    nesting::check(file)?;
    let source = Source::from_contents(file.path.clone(), file.text.clone()).map_err(broken)?;
    let mut parser = Parser::new(&source).map_err(broken)?;
    parser.enable_rego_v1().map_err(broken)?;
    parser.parse().map_err(broken)
}

/// One step of a reference.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Step {
    /// `.name` or `["name"]`.
    Key(String),
    /// `[expression]`: any key.
    Any,
}

/// A reference taken apart: its root name and its steps. `None` for what is rooted in no name, such as `f(x).y`.
pub(crate) fn reference(expr: &Expr) -> Option<(String, Vec<Step>)> {
    let mut steps = Vec::new();
    let mut at = expr;
    loop {
        match at {
            Expr::Var { value, .. } => {
                steps.reverse();
                return Some((value.as_string().ok()?.to_string(), steps));
            }
            Expr::RefDot { refr, field, .. } => {
                steps.push(Step::Key(field.1.as_string().ok()?.to_string()));
                at = refr;
            }
            Expr::RefBrack { refr, index, .. } => {
                steps.push(constant(index).map_or(Step::Any, Step::Key));
                at = refr;
            }
            _ => return None,
        }
    }
}

/// A reference written out with dots, where all its steps are names.
pub(crate) fn dotted(expr: &Expr) -> Option<String> {
    let (root, steps) = reference(expr)?;
    steps.into_iter().try_fold(root, |path, step| match step {
        Step::Key(key) => Some(format!("{path}.{key}")),
        Step::Any => None,
    })
}

/// The text of a string constant.
pub(crate) fn constant(expr: &Expr) -> Option<String> {
    match expr {
        Expr::String { value, .. } | Expr::RawString { value, .. } => {
            value.as_string().ok().map(|text| text.to_string())
        }
        _ => None,
    }
}

/// Something that is shown every expression and statement of a module, outermost first.
pub(crate) trait Visitor {
    /// Returns whether to go on into the expression's children.
    fn expr(&mut self, expr: &Expr) -> bool;
    /// Returns whether to go on into the statement's expressions.
    fn statement(&mut self, _statement: &LiteralStmt) -> bool {
        true
    }
}

/// Shows `visitor` all of a module's rules.
pub(crate) fn walk_module(module: &Module, visitor: &mut dyn Visitor) {
    for rule in &module.policy {
        walk_rule(rule, visitor);
    }
}

/// Shows `visitor` a rule: its head's keys, arguments and value, and its bodies.
pub(crate) fn walk_rule(rule: &Rule, visitor: &mut dyn Visitor) {
    match rule {
        Rule::Default { value, .. } => walk(value, visitor),
        Rule::Spec { head, bodies, .. } => {
            walk_head(head, visitor);
            for body in bodies {
                walk_body(body, visitor);
            }
        }
    }
}

fn walk_head(head: &RuleHead, visitor: &mut dyn Visitor) {
    let (refr, assign) = match head {
        RuleHead::Compr { refr, assign, .. } => (refr, assign.as_ref()),
        RuleHead::Func {
            refr, args, assign, ..
        } => {
            for arg in args {
                walk(arg, visitor);
            }
            (refr, assign.as_ref())
        }
        RuleHead::Set { refr, key, .. } => {
            if let Some(key) = key {
                walk(key, visitor);
            }
            (refr, None)
        }
    };
    walk_head_keys(refr, visitor);
    if let Some(assign) = assign {
        walk(&assign.value, visitor);
    }
}

/// The keys in `name[key] := …`; the name itself is no use of a variable.
fn walk_head_keys(refr: &Expr, visitor: &mut dyn Visitor) {
    match refr {
        Expr::RefDot { refr, .. } => walk_head_keys(refr, visitor),
        Expr::RefBrack { refr, index, .. } => {
            walk_head_keys(refr, visitor);
            walk(index, visitor);
        }
        _ => {}
    }
}

fn walk_body(body: &RuleBody, visitor: &mut dyn Visitor) {
    if let Some(assign) = &body.assign {
        walk(&assign.value, visitor);
    }
    walk_query(&body.query, visitor);
}

/// Shows `visitor` the statements of a query.
pub(crate) fn walk_query(query: &Query, visitor: &mut dyn Visitor) {
    for statement in &query.stmts {
        if visitor.statement(statement) {
            walk_literal(&statement.literal, visitor);
        }
        for modifier in &statement.with_mods {
            walk(&modifier.refr, visitor);
            walk(&modifier.r#as, visitor);
        }
    }
}

fn walk_literal(literal: &Literal, visitor: &mut dyn Visitor) {
    match literal {
        Literal::SomeVars { .. } => {}
        Literal::SomeIn {
            key,
            value,
            collection,
            ..
        } => {
            if let Some(key) = key {
                walk(key, visitor);
            }
            walk(value, visitor);
            walk(collection, visitor);
        }
        Literal::Expr { expr, .. } | Literal::NotExpr { expr, .. } => walk(expr, visitor),
        Literal::Every { domain, query, .. } => {
            walk(domain, visitor);
            walk_query(query, visitor);
        }
    }
}

/// Shows `visitor` an expression and, where it wants, what is in it.
pub(crate) fn walk(expr: &Expr, visitor: &mut dyn Visitor) {
    if !visitor.expr(expr) {
        return;
    }
    match expr {
        Expr::Array { items, .. } | Expr::Set { items, .. } => {
            items.iter().for_each(|item| walk(item, visitor))
        }
        Expr::Object { fields, .. } => {
            for (_, key, value) in fields {
                walk(key, visitor);
                walk(value, visitor);
            }
        }
        Expr::ArrayCompr { term, query, .. } | Expr::SetCompr { term, query, .. } => {
            walk(term, visitor);
            walk_query(query, visitor);
        }
        Expr::ObjectCompr {
            key, value, query, ..
        } => {
            walk(key, visitor);
            walk(value, visitor);
            walk_query(query, visitor);
        }
        Expr::Call { fcn, params, .. } => {
            walk(fcn, visitor);
            params.iter().for_each(|param| walk(param, visitor));
        }
        Expr::UnaryExpr { expr, .. } => walk(expr, visitor),
        Expr::RefDot { refr, .. } => walk(refr, visitor),
        Expr::RefBrack { refr, index, .. } => {
            walk(refr, visitor);
            walk(index, visitor);
        }
        Expr::BinExpr { lhs, rhs, .. }
        | Expr::BoolExpr { lhs, rhs, .. }
        | Expr::ArithExpr { lhs, rhs, .. }
        | Expr::AssignExpr { lhs, rhs, .. } => {
            walk(lhs, visitor);
            walk(rhs, visitor);
        }
        Expr::Membership {
            key,
            value,
            collection,
            ..
        } => {
            if let Some(key) = key {
                walk(key, visitor);
            }
            walk(value, visitor);
            walk(collection, visitor);
        }
        Expr::String { .. }
        | Expr::RawString { .. }
        | Expr::Number { .. }
        | Expr::Bool { .. }
        | Expr::Null { .. }
        | Expr::Var { .. } => {}
    }
}
