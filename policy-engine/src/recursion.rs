//! Rules that lead back to themselves: Rego forbids them, and evaluating one would never end.

use crate::error::{Mistake, Place, PolicyError};
use crate::package::Package;
use crate::policy::rule_head;
use crate::syntax::{Step, Visitor, dotted, place, reference, walk_rule};
use regorus::unstable::{Expr, Module};
use std::collections::{BTreeMap, BTreeSet};

/// How deep rules may lean on rules. Each level takes native stack when it is evaluated.
pub(crate) const DEPTH_MAX: usize = 32;

/// A rule by its path from `data`, as far as its head names it.
type Path = Vec<String>;

/// Where a rule stands, and the paths that it refers to.
#[derive(Default)]
struct Leans {
    at: Option<Place>,
    on: BTreeSet<Path>,
}

/// All rules that lead into a circle, or lean on others too deeply.
pub(crate) fn check(modules: &[(Package, Module)]) -> Vec<PolicyError> {
    let mut rules: BTreeMap<Path, Leans> = BTreeMap::new();
    for (_, module) in modules {
        read(module, &mut rules);
    }
    let paths: Vec<&Path> = rules.keys().collect();
    let edges: Vec<Vec<usize>> = rules
        .values()
        .map(|leans| targets(&paths, &leans.on))
        .collect();
    let depths = depths(&edges);
    let wrong = rules.iter().zip(&depths).filter_map(|((path, leans), depth)| {
        let (name, at) = (path.join("."), leans.at.clone()?);
        match depth {
            None => Some(
                PolicyError::new(Mistake::Unsupported, at, format!("`{name}` leads into a circle of rules"))
                    .hint("a rule cannot be used, however indirectly, to make itself; a variable of that name is better called otherwise"),
            ),
            Some(depth) if *depth > DEPTH_MAX => Some(
                PolicyError::new(Mistake::Unsupported, at, format!("`{name}` leans on rules that lean on rules, {depth} deep"))
                    .hint(format!("at most {DEPTH_MAX} are allowed; put several rules into one")),
            ),
            Some(_) => None,
        }
    });
    wrong.collect()
}

fn read(module: &Module, rules: &mut BTreeMap<Path, Leans>) {
    let package: Path = dotted(&module.package.refr)
        .unwrap_or_default()
        .split('.')
        .map(str::to_owned)
        .collect();
    let mut aliases = BTreeMap::new();
    for import in &module.imports {
        let Some(path) = reference(&import.refr)
            .filter(|(root, _)| root == "data")
            .map(|(_, steps)| constants(steps))
        else {
            continue;
        };
        let alias = import
            .r#as
            .as_ref()
            .map(|name| name.text().to_owned())
            .or_else(|| path.last().cloned());
        aliases.extend(alias.map(|alias| (alias, path)));
    }
    for rule in &module.policy {
        let (refr, span) = rule_head(rule);
        let Some((name, steps)) = reference(refr) else {
            continue;
        };
        let path = [package.clone(), vec![name], constants(steps)].concat();
        let leans = rules.entry(path).or_default();
        leans.at.get_or_insert_with(|| place(span));
        walk_rule(
            rule,
            &mut References {
                package: &package,
                aliases: &aliases,
                found: &mut leans.on,
            },
        );
    }
}

/// The first steps, up to one that is not constant.
fn constants(steps: Vec<Step>) -> Path {
    let keys = steps.into_iter().map_while(|step| match step {
        Step::Key(key) => Some(key),
        Step::Any => None,
    });
    keys.collect()
}

/// Collects what a rule refers to below `data`. A variable of its own counts if a rule has its name.
struct References<'a> {
    package: &'a Path,
    aliases: &'a BTreeMap<String, Path>,
    found: &'a mut BTreeSet<Path>,
}

impl Visitor for References<'_> {
    fn expr(&mut self, expr: &Expr) -> bool {
        let Some((root, steps)) = reference(expr) else {
            return true;
        };
        let steps = constants(steps);
        let path = match (root.as_str(), self.aliases.get(&root)) {
            ("input", _) => return true,
            ("data", _) => steps,
            (_, Some(alias)) => [alias.clone(), steps].concat(),
            _ => [self.package.clone(), vec![root], steps].concat(),
        };
        // All of `data` is refused elsewhere.
        if !path.is_empty() {
            self.found.insert(path);
        }
        // What stands in brackets refers to more; the reference's own beginnings say less than it does.
        let mut at = expr;
        while let Expr::RefDot { refr, .. } | Expr::RefBrack { refr, .. } = at {
            if let Expr::RefBrack { index, .. } = at {
                crate::syntax::walk(index, self);
            }
            at = refr;
        }
        false
    }
}

/// The rules that paths lead to: those above, at and below each.
fn targets(rules: &[&Path], on: &BTreeSet<Path>) -> Vec<usize> {
    let mut found = BTreeSet::new();
    for path in on {
        let below = rules.partition_point(|rule| *rule < path);
        found.extend((below..rules.len()).take_while(|at| rules[*at].starts_with(path)));
        for len in 1..path.len() {
            found.extend(
                rules
                    .binary_search_by(|rule| rule.as_slice().cmp(&path[..len]))
                    .ok(),
            );
        }
    }
    found.into_iter().collect()
}

/// How many rules follow one another from each rule on; `None` for those that lead into a circle.
fn depths(edges: &[Vec<usize>]) -> Vec<Option<usize>> {
    let mut depths: Vec<Option<usize>> = vec![None; edges.len()];
    let mut users: Vec<Vec<usize>> = vec![Vec::new(); edges.len()];
    let mut left: Vec<usize> = edges.iter().map(Vec::len).collect();
    for (user, used) in edges.iter().enumerate() {
        used.iter().for_each(|at| users[*at].push(user));
    }
    let mut ready: Vec<usize> = (0..edges.len()).filter(|at| left[*at] == 0).collect();
    while let Some(at) = ready.pop() {
        depths[at] = Some(
            1 + edges[at]
                .iter()
                .filter_map(|used| depths[*used])
                .max()
                .unwrap_or(0),
        );
        for user in &users[at] {
            left[*user] -= 1;
            if left[*user] == 0 {
                ready.push(*user);
            }
        }
    }
    depths
}
