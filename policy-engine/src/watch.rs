//! Notices what goes wrong inside an evaluation.
//!
//! The engine treats a rule body in which a built-in fails as one that does not hold: `deny` would then not
//! deny. So every built-in of a program is replaced by a watched one, which notes failures and refuses results
//! of absurd size; whoever ran the evaluation asks for [`Trouble`] afterwards, and denies if there was any.

use crate::limits::Limits;
use regorus::rvm::program::Program;
use regorus::unstable::{BUILTINS, BuiltinFcn, Expr, Ref, Span};
use regorus::{LimitError, Value};
use std::cell::RefCell;
use std::sync::LazyLock;

/// What went wrong in an evaluation, in words without values: it may be logged.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Trouble {
    /// A built-in or an operator failed.
    Failed(String),
    /// A result would have been too large.
    Large(String),
    /// The rule of that number has two values at once.
    TwoValues(usize),
    /// A partial object has two values under one key.
    TwoUnderOneKey,
}

thread_local! {
    static NOTED: RefCell<Noted> = const { RefCell::new(Noted::new(0, 0)) };
}

struct Noted {
    trouble: Option<Trouble>,
    string_bytes: usize,
    elements: usize,
    /// By number of rule: the arguments of the function and the value it gave last.
    values: Vec<Option<(Vec<Value>, Value)>>,
}

impl Noted {
    const fn new(string_bytes: usize, elements: usize) -> Self {
        Noted {
            trouble: None,
            string_bytes,
            elements,
            values: Vec::new(),
        }
    }
}

/// Starts watching on this thread.
pub(crate) fn begin(limits: &Limits) {
    NOTED.set(Noted::new(limits.string_bytes, limits.elements));
}

/// What has gone wrong on this thread since [`begin`].
pub(crate) fn end() -> Option<Trouble> {
    NOTED.replace(Noted::new(0, 0)).trouble
}

fn note(trouble: Trouble) {
    NOTED.with_borrow_mut(|noted| {
        noted.trouble.get_or_insert(trouble);
    });
}

/// Puts watched built-ins in place of a program's own.
pub(crate) fn install(program: &mut Program) -> Result<(), String> {
    program.resolved_builtins.clear();
    for builtin in &program.builtin_info_table {
        let index = TABLE
            .binary_search_by(|(name, _)| (*name).cmp(builtin.name.as_str()))
            .map_err(|_| format!("there is no built-in `{}`", builtin.name))?;
        let watched = WATCHED
            .get(index)
            .ok_or("more built-ins than can be watched")?;
        program.resolved_builtins.push((*watched, TABLE[index].1.1));
    }
    Ok(())
}

/// What a built-in is.
pub(crate) type Function = fn(&Span, &[Ref<Expr>], &[Value], bool) -> anyhow::Result<Value>;

/// All built-ins, sorted by name: a built-in's place is its number.
static TABLE: LazyLock<Vec<(&'static str, BuiltinFcn)>> = LazyLock::new(|| {
    let mut table: Vec<_> = BUILTINS
        .iter()
        .map(|(name, function)| (*name, *function))
        .collect();
    table.sort_unstable_by_key(|(name, _)| *name);
    table
});

/// The built-in of that number, watched. A function pointer can carry nothing with it, so there is one for each.
fn watched<const NUMBER: usize>(
    span: &Span,
    exprs: &[Ref<Expr>],
    args: &[Value],
    _strict: bool,
) -> anyhow::Result<Value> {
    let Some((name, (function, _))) = TABLE.get(NUMBER) else {
        anyhow::bail!("no such built-in");
    };
    let (string_bytes, elements) = NOTED.with_borrow(|noted| (noted.string_bytes, noted.elements));
    if would_be_huge(name, args, elements) {
        return Err(too_large(name));
    }
    match function(span, exprs, args, true) {
        Ok(value) if is_huge(&value, string_bytes, elements) => Err(too_large(name)),
        Ok(value) => Ok(value),
        Err(error) => {
            let types: Vec<&str> = args.iter().map(type_name).collect();
            note(Trouble::Failed(format!(
                "`{name}({})` failed",
                types.join(", ")
            )));
            Err(error)
        }
    }
}

/// An error that the engine passes on at once, whatever rule it is in.
fn too_large(name: &str) -> anyhow::Error {
    note(Trouble::Large(format!(
        "`{name}` would give too large a result"
    )));
    LimitError::MemoryLimitExceeded { usage: 0, limit: 0 }.into()
}

fn is_huge(value: &Value, string_bytes: usize, elements: usize) -> bool {
    match value {
        Value::String(text) => text.len() > string_bytes,
        Value::Array(array) => array.len() > elements,
        Value::Set(set) => set.len() > elements,
        Value::Object(object) => object.len() > elements,
        _ => false,
    }
}

/// Whether a built-in would take all memory before its result could be looked at.
fn would_be_huge(name: &str, args: &[Value], elements: usize) -> bool {
    match name {
        "numbers.range" | "numbers.range_step" => {
            let bound = |index: usize| args.get(index).and_then(|arg| arg.as_f64().ok());
            matches!((bound(0), bound(1)), (Some(from), Some(to)) if (to - from).abs() > elements as f64)
        }
        "net.cidr_expand" => args
            .first()
            .is_some_and(|cidr| addresses_log2(cidr) > elements.ilog2()),
        "sprintf" => args.first().is_some_and(has_wide_field),
        "bits.lsh" => args
            .get(1)
            .and_then(|shift| shift.as_f64().ok())
            .is_some_and(|shift| shift > 65_536.0),
        _ => false,
    }
}

/// How many bits of addresses a network leaves open.
fn addresses_log2(cidr: &Value) -> u32 {
    let Ok(text) = cidr.as_string() else { return 0 };
    let width: u32 = if text.contains(':') { 128 } else { 32 };
    let prefix = text
        .rsplit_once('/')
        .and_then(|(_, prefix)| prefix.parse::<u32>().ok());
    width.saturating_sub(prefix.unwrap_or(width))
}

/// Whether a format asks for a width or precision of more than three digits, or takes one from its arguments.
fn has_wide_field(format: &Value) -> bool {
    let Ok(format) = format.as_string() else {
        return false;
    };
    format.split('%').skip(1).any(|field| {
        let spec: &str = field
            .split(|c: char| c.is_alphabetic())
            .next()
            .unwrap_or_default();
        spec.contains('*')
            || spec
                .split(|c: char| !c.is_ascii_digit())
                .any(|digits| digits.len() > 3)
    })
}

pub(crate) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Set(_) => "set",
        Value::Object(_) => "object",
        Value::Undefined => "undefined",
    }
}

macro_rules! numbered {
    ($($tens:literal)*) => { [$(
        watched::<{ $tens * 8 }>, watched::<{ $tens * 8 + 1 }>, watched::<{ $tens * 8 + 2 }>, watched::<{ $tens * 8 + 3 }>,
        watched::<{ $tens * 8 + 4 }>, watched::<{ $tens * 8 + 5 }>, watched::<{ $tens * 8 + 6 }>, watched::<{ $tens * 8 + 7 }>,
    )*] };
}

/// One watched function for each built-in.
static WATCHED: [Function; 256] = numbered!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31);

/// The value that a rule's body gave: the first argument; the others are the function's own. A rule or a call of a
/// function that has given another value before has two values.
fn value_of<const NUMBER: usize>(
    _: &Span,
    _: &[Ref<Expr>],
    args: &[Value],
    _: bool,
) -> anyhow::Result<Value> {
    let Some((value, parameters)) = args.split_first() else {
        anyhow::bail!("no value");
    };
    let same = NOTED.with_borrow_mut(|noted| {
        if noted.values.len() <= NUMBER {
            noted.values.resize(NUMBER + 1, None);
        }
        match &mut noted.values[NUMBER] {
            Some((before, other)) if before == parameters => other == value,
            last => {
                *last = Some((parameters.to_vec(), value.clone()));
                true
            }
        }
    });
    if !same {
        note(Trouble::TwoValues(NUMBER));
    }
    Ok(value.clone())
}

/// `object[key] := value` of a partial object: a key has one value.
pub(crate) fn insert(_: &Span, _: &[Ref<Expr>], args: &[Value], _: bool) -> anyhow::Result<Value> {
    let [object, key, value] = args else {
        anyhow::bail!("no object, key and value");
    };
    let mut object = object.clone();
    if let Some(before) = object.as_object_mut()?.insert(key.clone(), value.clone())
        && before != *value
    {
        note(Trouble::TwoUnderOneKey);
    }
    Ok(object)
}

macro_rules! arithmetic {
    ($(#[$doc:meta] $name:ident $sign:literal $method:ident $refuse_zero:literal;)*) => { $(
        #[$doc]
        pub(crate) fn $name(_: &Span, _: &[Ref<Expr>], args: &[Value], _: bool) -> anyhow::Result<Value> {
            let [left, right] = args else { anyhow::bail!("no two operands") };
            if let (Value::Set(left), Value::Set(right)) = (left, right)
                && $sign == "-"
            {
                return Ok(Value::from(left.difference(right)));
            }
            let result = match (left, right) {
                (Value::Number(_), Value::Number(_)) if $refuse_zero && *right == Value::from(0_u64) => None,
                (Value::Number(left), Value::Number(right)) => left.clone().$method(right).ok(),
                _ => None,
            };
            result.map(Value::from).ok_or_else(|| {
                let (left, right) = (type_name(left), type_name(right));
                note(Trouble::Failed(format!("`{left} {} {right}` failed", $sign)));
                anyhow::anyhow!("arithmetic")
            })
        }
    )* };
}

arithmetic! {
    /// `+`
    add "+" add false;
    /// `-`, of numbers or of sets
    sub "-" sub false;
    /// `*`
    mul "*" mul false;
    /// `/`
    div "/" divide true;
    /// `%`, of whole numbers
    modulo "%" modulo true;
}

macro_rules! numbered_values {
    ($($tens:literal)*) => { [$(
        value_of::<{ $tens * 8 }>, value_of::<{ $tens * 8 + 1 }>, value_of::<{ $tens * 8 + 2 }>, value_of::<{ $tens * 8 + 3 }>,
        value_of::<{ $tens * 8 + 4 }>, value_of::<{ $tens * 8 + 5 }>, value_of::<{ $tens * 8 + 6 }>, value_of::<{ $tens * 8 + 7 }>,
    )*] };
}

/// One function for each rule that is watched for two values.
pub(crate) static VALUES: [Function; 256] = numbered_values!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31);
