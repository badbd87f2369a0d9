//! What the `cel` library evaluates: calculations, choices, conversions, lists that events send.
//!
//! The expression is rewritten once: every name becomes a variable with the number of its path,
//! so that no map is built for an event; calculations are made in floats (`+` of a whole number
//! and a float has no meaning in CEL, and a sensor sends both).

use std::fmt;
use std::sync::{Arc, LazyLock};

use cel::common::ast::{CallExpr, Expr, ListExpr, LiteralValue, SelectExpr, SourceInfo, operators};
use cel::common::types::{CelBool, CelDouble, CelInt, CelNull, CelString, CelUInt};
use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;
use cel::{Context, Env, IdedExpr, Value};

use super::check::place;
use super::datum::{Datum, float};
use super::facts::Facts;
use super::lower;
use super::path::{Name, Path};
use super::regular_expression::RegularExpression;
use super::syntax::balanced;

static ENVIRONMENT: LazyLock<Arc<Env>> =
    LazyLock::new(|| Arc::new(Env::default().with_optional_support(false).with_stdlib()));

/// A variable that nothing stands behind, so that it is an error.
const UNKNOWN: &str = "unknown";

/// An expression for the library.
pub(super) struct Foreign {
    text: Box<str>,
    expression: IdedExpr,
    paths: Vec<Path>,
    /// What `matches` searches for, each in the path of that number.
    searches: Vec<(usize, RegularExpression)>,
}

impl fmt::Debug for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Foreign").field("text", &self.text).finish_non_exhaustive()
    }
}

impl Foreign {
    /// Returns a checked expression as the library evaluates it.
    pub(super) fn of(expression: &IdedExpr, places: &SourceInfo) -> Self {
        let mut rewriter = Rewriter { places, paths: Vec::new(), searches: Vec::new() };
        let text = balanced(&places.source, &place::of(expression, places)).into();
        let expression = rewriter.value(expression);
        Self { text, expression, paths: rewriter.paths, searches: rewriter.searches }
    }

    /// Returns the expression as it was written.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns what the expression names, each once.
    pub(super) fn paths(&self) -> &[Path] {
        &self.paths
    }

    /// Returns whether the expression is true; `None` where it is an error, or neither.
    pub(super) fn evaluate(&self, facts: &Facts<'_>) -> Option<bool> {
        let variables = Variables { foreign: self, facts };
        let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
        context.set_variable_resolver(&variables);
        match Value::resolve(&self.expression, &context) {
            Ok(Value::Bool(truth)) => Some(truth),
            Ok(_) | Err(_) => None,
        }
    }
}

/// Returns whether an expression that names nothing is zero, as calculations take it.
pub(super) fn is_zero(expression: &IdedExpr, places: &SourceInfo) -> bool {
    let mut rewriter = Rewriter { places, paths: Vec::new(), searches: Vec::new() };
    let number = rewriter.float(expression);
    let context = Context::with_env(Arc::clone(&ENVIRONMENT));
    rewriter.paths.is_empty() && matches!(Value::resolve(&number, &context), Ok(Value::Float(0.0)))
}

/// What an expression names, read when the library asks: variable `3` is the path of that number,
/// `3f` the number there as a float, `3m` whether the search of that number finds something.
struct Variables<'a, 'e> {
    foreign: &'a Foreign,
    facts: &'a Facts<'e>,
}

impl VariableResolver for Variables<'_, '_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        let read = |number: usize| {
            let path = self.foreign.paths.get(number)?;
            Some(path.read(self.facts))
        };
        if let Some(number) = variable.strip_suffix('f') {
            return as_float(&read(number.parse().ok()?)?);
        }
        if let Some(number) = variable.strip_suffix('m') {
            let (path, sought) = self.foreign.searches.get(number.parse::<usize>().ok()?)?;
            return Some(CowVal::owned(CelBool::from(sought.is_in(&read(*path)?)?)));
        }
        as_value(read(variable.parse().ok()?)?)
    }
}

/// Returns the number as a float; nothing for what is no number, which makes an error of it.
fn as_float<'b>(datum: &Datum<'_>) -> Option<CowVal<'b, 'b>> {
    let number = match datum {
        Datum::Whole(whole) => float(*whole),
        Datum::Float(number) => *number,
        Datum::Null | Datum::Truth(_) | Datum::Text(_) | Datum::Nested(_) => return None,
    };
    Some(CowVal::owned(CelDouble::from(number)))
}

fn as_value(datum: Datum<'_>) -> Option<CowVal<'_, '_>> {
    Some(match datum {
        Datum::Null => CowVal::owned(CelNull),
        Datum::Truth(truth) => CowVal::owned(CelBool::from(truth)),
        Datum::Whole(whole) => match i64::try_from(whole) {
            Ok(whole) => CowVal::owned(CelInt::from(whole)),
            Err(_) => CowVal::owned(CelUInt::from(u64::try_from(whole).ok()?)),
        },
        Datum::Float(number) => CowVal::owned(CelDouble::from(number)),
        Datum::Text(text) => CowVal::owned(CelString::from(text.into_owned())),
        Datum::Nested(value) => {
            let value: Box<dyn Val> = cel::to_value(&value).ok()?.try_into().ok()?;
            CowVal::Owned(value)
        }
    })
}

struct Rewriter<'s> {
    places: &'s SourceInfo,
    paths: Vec<Path>,
    searches: Vec<(usize, RegularExpression)>,
}

impl Rewriter<'_> {
    /// Returns `expression` with variables for names.
    fn value(&mut self, expression: &IdedExpr) -> IdedExpr {
        if let Some(variable) = self.variable(expression, "") {
            return variable;
        }
        let rewritten = match &expression.expr {
            Expr::Call(call) if is_calculation(call) => return self.calculation(expression, call),
            Expr::Call(call) if call.func_name == "has" => Expr::Call(CallExpr {
                func_name: operators::NOT_EQUALS.to_owned(),
                target: None,
                args: call
                    .args
                    .iter()
                    .map(|named| self.value(named))
                    .chain([with(expression, Expr::Literal(LiteralValue::Null))])
                    .collect(),
            }),
            Expr::Call(call) if call.func_name == "matches" => self.search(call),
            Expr::Call(call) => Expr::Call(CallExpr {
                func_name: call.func_name.clone(),
                target: call.target.as_ref().map(|target| Box::new(self.value(target))),
                args: call.args.iter().map(|argument| self.value(argument)).collect(),
            }),
            Expr::List(list) => Expr::List(ListExpr::new(
                list.elements.iter().map(|element| self.value(element)).collect(),
            )),
            Expr::Select(select) => Expr::Select(SelectExpr {
                operand: Box::new(self.value(&select.operand)),
                field: select.field.clone(),
                test: select.test,
            }),
            Expr::Literal(_)
            | Expr::Ident(_)
            | Expr::Map(_)
            | Expr::Struct(_)
            | Expr::Comprehension(_)
            | Expr::Unspecified => expression.expr.clone(),
        };
        with(expression, rewritten)
    }

    /// Returns a calculation whose operands are floats.
    fn calculation(&mut self, expression: &IdedExpr, call: &CallExpr) -> IdedExpr {
        let args: Vec<_> = call.args.iter().map(|operand| self.float(operand)).collect();
        let divisor = args.get(1).filter(|_| call.func_name == operators::DIVIDE).cloned();
        let calculated = call_of(expression, &call.func_name, args);
        let Some(divisor) = divisor else { return calculated };
        // A float divided by zero is infinite, which would hold in comparisons.
        let zero = with(expression, Expr::Literal(LiteralValue::Double(CelDouble::from(0.0))));
        let is_zero = call_of(expression, operators::EQUALS, vec![divisor, zero]);
        let error = with(expression, Expr::Ident(UNKNOWN.to_owned()));
        call_of(expression, operators::CONDITIONAL, vec![is_zero, error, calculated])
    }

    /// Returns an operand of a calculation as a float.
    fn float(&mut self, expression: &IdedExpr) -> IdedExpr {
        if let Some(variable) = self.variable(expression, "f") {
            return variable;
        }
        let whole = match &expression.expr {
            Expr::Literal(LiteralValue::Int(whole)) => Some(i128::from(*whole.inner())),
            Expr::Literal(LiteralValue::UInt(whole)) => Some(i128::from(*whole.inner())),
            Expr::Call(call) if is_calculation(call) => return self.calculation(expression, call),
            Expr::Call(_)
            | Expr::Literal(_)
            | Expr::Ident(_)
            | Expr::List(_)
            | Expr::Map(_)
            | Expr::Select(_)
            | Expr::Struct(_)
            | Expr::Comprehension(_)
            | Expr::Unspecified => None,
        };
        let rewritten = match whole {
            Some(whole) => Expr::Literal(LiteralValue::Double(CelDouble::from(float(whole)))),
            None => Expr::Call(CallExpr {
                func_name: "double".to_owned(),
                target: None,
                args: vec![self.value(expression)],
            }),
        };
        with(expression, rewritten)
    }

    /// Returns the variable that stands for a name, if `expression` is one.
    fn variable(&mut self, expression: &IdedExpr, suffix: &str) -> Option<IdedExpr> {
        let number = self.number(Path::of(&Name::of(expression, self.places)?)?);
        Some(with(expression, Expr::Ident(format!("{number}{suffix}"))))
    }

    /// Returns the variable for what `matches` says.
    fn search(&mut self, call: &CallExpr) -> Expr {
        let Some((path, sought)) = lower::search(call, self.places) else {
            return Expr::Ident(UNKNOWN.to_owned());
        };
        let path = self.number(path);
        self.searches.push((path, sought));
        Expr::Ident(format!("{}m", self.searches.len() - 1))
    }

    /// Returns the number of a path.
    fn number(&mut self, path: Path) -> usize {
        self.paths.iter().position(|known| *known == path).unwrap_or_else(|| {
            self.paths.push(path);
            self.paths.len() - 1
        })
    }
}

fn call_of(original: &IdedExpr, function: &str, args: Vec<IdedExpr>) -> IdedExpr {
    let call = CallExpr { func_name: function.to_owned(), target: None, args };
    with(original, Expr::Call(call))
}

fn with(original: &IdedExpr, expr: Expr) -> IdedExpr {
    IdedExpr { id: original.id, expr }
}

/// Returns whether a call is made in floats; a remainder is one of whole numbers.
pub(super) fn is_calculation(call: &CallExpr) -> bool {
    matches!(
        call.func_name.as_str(),
        operators::ADD
            | operators::SUBSTRACT
            | operators::MULTIPLY
            | operators::DIVIDE
            | operators::NEGATE
    )
}
