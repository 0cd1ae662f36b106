//! What one statement that was read does.

use crate::action::Action;
use crate::look::Look;
use crate::shell;
use sqlparser::ast::{
    AlterTableOperation, BinaryOperator, CopyTarget, Expr, MergeAction, ObjectType, Privileges,
    Query, SetExpr, Statement, UnaryOperator, Value,
};

/// Judges a statement.
pub(crate) fn judge(statement: &Statement, look: &mut Look) {
    match statement {
        Statement::Truncate(_)
        | Statement::Delete(_)
        | Statement::Update(_)
        | Statement::Merge(_)
        | Statement::Insert(_) => rows(statement, look),
        Statement::Drop {
            object_type,
            names,
            temporary,
            ..
        } => dropped(
            object_type,
            names.iter().map(|name| name.to_string()),
            *temporary,
            look,
        ),
        Statement::AlterTable(alter) => alter
            .operations
            .iter()
            .for_each(|operation| altered(operation, look)),
        Statement::Grant(grant) => {
            let all = matches!(grant.privileges, Privileges::All { .. }) || grant.with_grant_option;
            look.found(Action::Permission, if all { 0.9 } else { 0.5 });
        }
        Statement::Revoke(revoke) => {
            let all = matches!(revoke.privileges, Privileges::All { .. });
            look.found(Action::Permission, if all { 0.85 } else { 0.5 });
        }
        Statement::Copy { to, target, .. } => match target {
            CopyTarget::Program { command } => {
                look.found(Action::ExecutePrivileged, 0.95);
                look.deeper(|look| {
                    shell::look_at(command, look);
                });
            }
            CopyTarget::File { .. } if *to => look.found(Action::Egress, 0.85),
            _ => {}
        },
        Statement::Query(query) => in_query(query, look),
        Statement::Explain {
            analyze: true,
            statement,
            ..
        }
        | Statement::Prepare { statement, .. } => judge(statement, look),
        Statement::CreateTable(create) if create.or_replace && !create.temporary => {
            look.found(Action::DeleteDatabase, 0.85)
        }
        Statement::CreateTable(_) | Statement::CreateView(_) | Statement::CreateIndex(_) => {
            look.found(Action::WriteDatabase, 0.3)
        }
        Statement::Kill { .. } => look.found(Action::Stop, 0.6),
        Statement::DropExtension(_)
        | Statement::DropDomain(_)
        | Statement::DropFunction(_)
        | Statement::DropProcedure { .. }
        | Statement::DropPolicy(_) => {
            look.found(Action::DeleteDatabase, 0.8);
        }
        other => by_first_words(&other.to_string(), look),
    }
}

/// Judges a statement that changes rows.
fn rows(statement: &Statement, look: &mut Look) {
    match statement {
        Statement::Truncate(truncate) => {
            let temporary = truncate
                .table_names
                .iter()
                .all(|name| is_temporary(&name.to_string()));
            look.found(Action::DeleteDatabase, if temporary { 0.4 } else { 0.95 });
        }
        Statement::Delete(delete) => {
            let score = match &delete.selection {
                None => 0.95,
                Some(condition) if always(condition) => 0.95,
                Some(_) => 0.5,
            };
            look.found(Action::DeleteDatabase, score);
        }
        Statement::Update(update) => match &update.selection {
            Some(condition) if !always(condition) => look.found(Action::WriteDatabase, 0.5),
            None if update.from.is_some() => look.found(Action::WriteDatabase, 0.6),
            _ => look.found(Action::DeleteDatabase, 0.9),
        },
        Statement::Merge(merge) => {
            let deletes = merge
                .clauses
                .iter()
                .any(|clause| matches!(clause.action, MergeAction::Delete { .. }));
            look.found(
                if deletes {
                    Action::DeleteDatabase
                } else {
                    Action::WriteDatabase
                },
                if deletes { 0.85 } else { 0.5 },
            );
        }
        Statement::Insert(insert) => {
            look.found(
                Action::WriteDatabase,
                if insert.overwrite { 0.85 } else { 0.4 },
            );
            if let Some(query) = &insert.source {
                in_query(query, look);
            }
        }
        _ => {}
    }
}

/// Statements that have no rule of their own, by the words that they are written with.
fn by_first_words(text: &str, look: &mut Look) {
    let head: String = text
        .chars()
        .take(64)
        .collect::<String>()
        .to_ascii_lowercase();
    if head.starts_with("drop ") {
        look.found(Action::DeleteDatabase, 0.8);
    } else if head.starts_with("alter ") {
        look.found(Action::WriteDatabase, 0.6);
    }
}

fn is_temporary(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let last = name
        .rsplit('.')
        .next()
        .unwrap_or(&name)
        .trim_matches(['"', '`', '[', ']']);
    name.starts_with("pg_temp")
        || last.starts_with(['#', '@'])
        || last.starts_with("tmp")
        || last.starts_with("temp_")
        || last.ends_with("_tmp")
        || last.ends_with("_temp")
}

fn dropped(
    kind: &ObjectType,
    mut names: impl Iterator<Item = String>,
    temporary: bool,
    look: &mut Look,
) {
    let score = match kind {
        _ if temporary => 0.4,
        ObjectType::Table if names.all(|name| is_temporary(&name)) => 0.4,
        ObjectType::Index | ObjectType::View => 0.5,
        ObjectType::Type | ObjectType::Sequence => 0.6,
        _ => 0.95,
    };
    look.found(Action::DeleteDatabase, score);
}

fn altered(operation: &AlterTableOperation, look: &mut Look) {
    match operation {
        AlterTableOperation::DropColumn { .. } | AlterTableOperation::DropPartitions { .. } => {
            look.found(Action::DeleteDatabase, 0.9)
        }
        AlterTableOperation::DropPrimaryKey { .. } => look.found(Action::DeleteDatabase, 0.7),
        other => {
            let text = other.to_string().to_ascii_lowercase();
            let column = text.starts_with("drop ")
                && !text.starts_with("drop constraint")
                && !text.starts_with("drop index")
                && !text.starts_with("drop foreign");
            let gone = column
                || text.starts_with("truncate partition")
                || text.starts_with("delete where");
            look.found(
                if gone {
                    Action::DeleteDatabase
                } else {
                    Action::WriteDatabase
                },
                if gone { 0.85 } else { 0.5 },
            );
        }
    }
}

/// Statements within a query: `WITH gone AS (DELETE …) SELECT …`.
fn in_query(query: &Query, look: &mut Look) {
    for part in query.with.iter().flat_map(|with| &with.cte_tables) {
        in_query(&part.query, look);
    }
    in_body(&query.body, look);
}

fn in_body(body: &SetExpr, look: &mut Look) {
    match body {
        SetExpr::Insert(statement)
        | SetExpr::Update(statement)
        | SetExpr::Delete(statement)
        | SetExpr::Merge(statement) => judge(statement, look),
        SetExpr::Query(query) => in_query(query, look),
        SetExpr::SetOperation { left, right, .. } => {
            in_body(left, look);
            in_body(right, look);
        }
        SetExpr::Select(select) if select.into.is_some() => look.found(Action::WriteDatabase, 0.4),
        _ => {}
    }
}

/// Whether a condition holds for every row, as far as that can be seen.
fn always(condition: &Expr) -> bool {
    match condition {
        Expr::Nested(inner) => always(inner),
        Expr::Value(value) => match &value.value {
            Value::Boolean(holds) => *holds,
            Value::Number(number, _) => !number.to_string().trim_matches(['0', '.']).is_empty(),
            Value::SingleQuotedString(text) => {
                text.parse::<f64>().is_ok_and(|number| number != 0.0)
            }
            _ => false,
        },
        Expr::Identifier(name) => name.value.eq_ignore_ascii_case("true"),
        Expr::UnaryOp {
            op: UnaryOperator::Not,
            expr,
        } => never(expr),
        Expr::BinaryOp { left, op, right } => match op {
            BinaryOperator::And => always(left) && always(right),
            BinaryOperator::Or => always(left) || always(right),
            BinaryOperator::Eq | BinaryOperator::GtEq | BinaryOperator::LtEq => left == right,
            BinaryOperator::NotEq => constant(left) && constant(right) && left != right,
            BinaryOperator::Gt | BinaryOperator::Lt => {
                numbers(left, right).is_some_and(|(l, r)| {
                    if matches!(op, BinaryOperator::Gt) {
                        l > r
                    } else {
                        l < r
                    }
                })
            }
            _ => false,
        },
        Expr::IsNotNull(inner) | Expr::IsNotFalse(inner) => {
            constant(inner)
                || matches!(&**inner, Expr::Identifier(name) if name.value.eq_ignore_ascii_case("id"))
        }
        Expr::IsTrue(inner) => always(inner),
        Expr::Like {
            negated: false,
            pattern,
            ..
        } => {
            matches!(&**pattern, Expr::Value(value) if matches!(&value.value, Value::SingleQuotedString(text) if !text.is_empty() && text.bytes().all(|b| b == b'%')))
        }
        _ => false,
    }
}

fn never(condition: &Expr) -> bool {
    match condition {
        Expr::Nested(inner) => never(inner),
        Expr::Value(value) => {
            matches!(&value.value, Value::Boolean(false))
                || matches!(&value.value, Value::Number(number, _) if *number == "0")
        }
        Expr::BinaryOp {
            left,
            op: BinaryOperator::Eq,
            right,
        } => constant(left) && constant(right) && left != right,
        Expr::BinaryOp {
            left,
            op: BinaryOperator::NotEq,
            right,
        } => left == right,
        _ => false,
    }
}

fn constant(expr: &Expr) -> bool {
    matches!(expr, Expr::Value(_))
}

fn numbers(left: &Expr, right: &Expr) -> Option<(f64, f64)> {
    let number = |expr: &Expr| match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(number, _) => number.to_string().parse::<f64>().ok(),
            _ => None,
        },
        _ => None,
    };
    Some((number(left)?, number(right)?))
}
