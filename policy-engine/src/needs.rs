//! Which of the costly fields of `input` a policy reads, found out from its text.

use crate::syntax::{Step, Visitor, constant, reference, walk, walk_module, walk_query};
use regorus::unstable::{Expr, Literal, LiteralStmt, Module};
use std::collections::{BTreeMap, BTreeSet};

/// The costly fields of `input` that a policy may read. What it cannot read is not put together.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Needs {
    /// `input.parts`, without their text.
    pub parts: bool,
    /// `input.parts[_].text`.
    pub text: bool,
    /// `input.tools`, without descriptions and definitions.
    pub tools: bool,
    /// `input.tools[_].description` and `.definition`.
    pub offer_text: bool,
    /// `input.findings`.
    pub findings: bool,
}

impl Needs {
    /// Everything: for `sallyport policy eval`, and where nothing is known.
    pub const ALL: Needs = Needs {
        parts: true,
        text: true,
        tools: true,
        offer_text: true,
        findings: true,
    };

    /// What either needs.
    pub fn or(self, other: Needs) -> Needs {
        Needs {
            parts: self.parts || other.parts,
            text: self.text || other.text,
            tools: self.tools || other.tools,
            offer_text: self.offer_text || other.offer_text,
            findings: self.findings || other.findings,
        }
    }

    /// What a module reads. Errs on the side of needing: a field that might be reached counts as read.
    pub(crate) fn of(module: &Module) -> Needs {
        let mut reader = Reader {
            names: imports(module),
            needs: Needs::default(),
        };
        // Names may be bound after their first use, and through one another: look until nothing is new.
        loop {
            let before = reader.names.clone();
            walk_module(module, &mut Binder(&mut reader.names));
            if reader.names == before {
                break;
            }
        }
        walk_module(module, &mut reader);
        reader.needs
    }

    /// Notes a use of `path` below `input`.
    fn note(&mut self, path: &[Step]) {
        let Some((field, rest)) = path.split_first() else {
            *self = Needs::ALL;
            return;
        };
        let Step::Key(field) = field else {
            *self = Needs::ALL;
            return;
        };
        match field.as_str() {
            "parts" => {
                self.parts = true;
                self.text |= reaches(rest, &["text"]);
            }
            "tools" => {
                self.tools = true;
                self.offer_text |= reaches(rest, &["description", "definition"]);
            }
            "findings" => self.findings = true,
            _ => {}
        }
    }
}

/// Whether steps below a list of objects lead to one of `fields`, or to a whole object that holds them.
fn reaches(steps: &[Step], fields: &[&str]) -> bool {
    match steps.get(1) {
        None | Some(Step::Any) => true,
        Some(Step::Key(key)) => fields.contains(&key.as_str()),
    }
}

/// What each name stands for, below `input`. A name is taken to mean the same everywhere in its file.
type Names = BTreeMap<String, BTreeSet<Vec<Step>>>;

fn imports(module: &Module) -> Names {
    let mut names = Names::from([("input".into(), BTreeSet::from([Vec::new()]))]);
    for import in &module.imports {
        let Some((root, steps)) = reference(&import.refr) else {
            continue;
        };
        if root != "input" {
            continue;
        }
        let name = match (&import.r#as, steps.last()) {
            (Some(name), _) => name.text().to_owned(),
            (None, Some(Step::Key(last))) => last.clone(),
            _ => continue,
        };
        names.entry(name).or_default().insert(steps);
    }
    names
}

/// The paths below `input` that an expression is, if it is a reference to any.
fn paths(names: &Names, expr: &Expr) -> Vec<Vec<Step>> {
    let Some((root, steps)) = reference(expr) else {
        return Vec::new();
    };
    let Some(prefixes) = names.get(&root) else {
        return Vec::new();
    };
    prefixes
        .iter()
        .map(|prefix| [prefix.as_slice(), &steps].concat())
        .collect()
}

fn name_of(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Var { value, .. } => value.as_string().ok().map(|name| name.to_string()),
        _ => None,
    }
}

/// Longer paths than this come from names bound through themselves; none is of use.
const DEEPEST: usize = 8;

fn bind(names: &mut Names, name: String, of: Vec<Vec<Step>>, element: bool) {
    for mut path in of {
        if element {
            path.push(Step::Any);
        }
        if path.len() <= DEEPEST {
            names.entry(name.clone()).or_default().insert(path);
        }
    }
}

/// Collects names bound to what lies below `input`: `some p in input.parts`, `p := input.parts[_]`.
struct Binder<'a>(&'a mut Names);

impl Visitor for Binder<'_> {
    fn expr(&mut self, expr: &Expr) -> bool {
        if let Expr::AssignExpr { lhs, rhs, .. } = expr
            && let Some(name) = name_of(lhs)
        {
            let of = paths(self.0, rhs);
            bind(self.0, name, of, false);
        }
        true
    }

    fn statement(&mut self, statement: &LiteralStmt) -> bool {
        match &statement.literal {
            Literal::SomeIn {
                value, collection, ..
            } => {
                if let Some(name) = name_of(value) {
                    let of = paths(self.0, collection);
                    bind(self.0, name, of, true);
                }
            }
            Literal::Every { value, domain, .. } => {
                let of = paths(self.0, domain);
                bind(self.0, value.text().to_owned(), of, true);
            }
            _ => {}
        }
        true
    }
}

/// Notes every use of what lies below `input`.
struct Reader {
    names: Names,
    needs: Needs,
}

impl Reader {
    fn note(&mut self, expr: &Expr) {
        for path in paths(&self.names, expr) {
            self.needs.note(&path);
        }
    }

    /// The collection that a name runs over: the name's own uses say what is read of its elements.
    fn note_domain(&mut self, collection: &Expr) {
        for mut path in paths(&self.names, collection) {
            if path.len() == 1 {
                path.extend([Step::Any, Step::Key(String::new())]);
            }
            self.needs.note(&path);
        }
        walk_indices(collection, self);
    }
}

/// Shows only what stands in brackets; a reference's own steps are known.
fn walk_indices(expr: &Expr, visitor: &mut dyn Visitor) {
    match expr {
        Expr::RefDot { refr, .. } => walk_indices(refr, visitor),
        Expr::RefBrack { refr, index, .. } => {
            walk_indices(refr, visitor);
            if constant(index).is_none() {
                walk(index, visitor);
            }
        }
        Expr::Var { .. } => {}
        other => walk(other, visitor),
    }
}

impl Visitor for Reader {
    fn expr(&mut self, expr: &Expr) -> bool {
        match expr {
            Expr::AssignExpr { lhs, rhs, .. }
                if name_of(lhs).is_some() && !paths(&self.names, rhs).is_empty() =>
            {
                self.note_alias(rhs);
                false
            }
            Expr::Call { fcn, params, .. } if name_of(fcn).as_deref() == Some("count") => {
                params.iter().for_each(|param| self.note_domain(param));
                false
            }
            Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. }
                if reference(expr).is_some() =>
            {
                self.note(expr);
                walk_indices(expr, self);
                false
            }
            _ => true,
        }
    }

    fn statement(&mut self, statement: &LiteralStmt) -> bool {
        match &statement.literal {
            Literal::SomeIn {
                key,
                value,
                collection,
                ..
            } if name_of(value).is_some() => {
                if let Some(key) = key
                    && name_of(key).is_none()
                {
                    walk(key, self);
                }
                self.note_domain(collection);
                false
            }
            Literal::Every { domain, query, .. } => {
                self.note_domain(domain);
                walk_query(query, self);
                false
            }
            _ => true,
        }
    }
}

impl Reader {
    /// `p := input.parts[_]`: what is read is said by the uses of `p`; that there are parts is needed.
    fn note_alias(&mut self, rhs: &Expr) {
        for mut path in paths(&self.names, rhs) {
            while path.len() == 1 || path.len() == 2 {
                path.push(Step::Key(String::new()));
            }
            if !path.is_empty() {
                self.needs.note(&path);
            }
        }
        walk_indices(rhs, self);
    }
}
