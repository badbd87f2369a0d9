//! Checks calls: operators and functions, their number of arguments and their types.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr, LiteralValue, operators};

use super::{Checker, Fault, Name, Severity, Type, Typed, place};
use crate::rule::nearest;

/// Functions that are called on a text: `event.code.startsWith("EV")`.
const TEXT_FUNCTIONS: &[&str] = &["startsWith", "endsWith", "contains"];
/// Functions of one value: `size(event.code)`.
const FUNCTIONS: &[&str] = &["has", "size", "int", "double", "string"];
/// Functions of CEL that walk through lists, whose time has no bound.
const WALKS: &[&str] = &["all", "exists", "exists_one", "map", "filter"];

impl Checker<'_> {
    /// Checks a call and returns what it yields.
    pub(super) fn check_call(&mut self, expression: &IdedExpr, call: &CallExpr) -> Typed {
        match call.func_name.as_str() {
            operators::LOGICAL_AND | operators::LOGICAL_OR | operators::LOGICAL_NOT => {
                for argument in &call.args {
                    let source = self.source(argument);
                    self.truth(argument, source);
                }
                Typed::of(Type::Truth)
            }
            operators::EQUALS
            | operators::NOT_EQUALS
            | operators::LESS
            | operators::LESS_EQUALS
            | operators::GREATER
            | operators::GREATER_EQUALS => self.check_comparison(expression, call),
            operators::IN => self.check_membership(expression, call),
            operators::ADD
            | operators::SUBSTRACT
            | operators::MULTIPLY
            | operators::DIVIDE
            | operators::MODULO
            | operators::NEGATE => self.check_calculation(expression, call),
            operators::CONDITIONAL => self.check_choice(call),
            operators::INDEX => self.check_index(call),
            _ => self.check_function(expression, call),
        }
    }

    fn check_membership(&mut self, expression: &IdedExpr, call: &CallExpr) -> Typed {
        let [element, list] = call.args.as_slice() else { return Typed::of(Type::Truth) };
        let typed = self.check(element);
        let Expr::List(written) = &list.expr else {
            let whole = self.check(list);
            if !matches!(whole.holds, Type::List | Type::Any) {
                let source = self.source(list);
                let message = format!("{source} is {}, not a list", whole.holds.name());
                let fault = Fault::new("condition-type", message, "write a list: [\"a\", \"b\"]");
                self.remark(list, whole.certainty, fault);
            }
            return Typed::of(Type::Truth);
        };
        for item in &written.elements {
            let other = self.check(item);
            self.check_equality(item, (element, item), &(typed.clone(), other));
            self.check_value(item, &typed);
        }
        if written.elements.is_empty() {
            let fault =
                Fault::new("condition-type", "nothing is in an empty list", "name what it holds");
            self.remark(expression, Severity::Warning, fault);
        }
        Typed::of(Type::Truth)
    }

    fn check_calculation(&mut self, expression: &IdedExpr, call: &CallExpr) -> Typed {
        for argument in &call.args {
            self.expect(argument, Type::Number, "is calculated with");
        }
        let divides = [operators::DIVIDE, operators::MODULO].contains(&&*call.func_name);
        if divides && call.args.get(1).is_some_and(is_zero) {
            let message = format!("{} divides by zero", self.source(expression));
            let fault = Fault::new("division-by-zero", message, "divide by another number");
            self.remark(expression, Severity::Error, fault);
        }
        Typed::of(Type::Number)
    }

    fn check_choice(&mut self, call: &CallExpr) -> Typed {
        let [condition, one, other] = call.args.as_slice() else { return Typed::of(Type::Any) };
        self.truth(condition, "what stands before '?'");
        let (one, other) = (self.check(one), self.check(other));
        Typed::of(if one.holds == other.holds { one.holds } else { Type::Any })
    }

    fn check_index(&mut self, call: &CallExpr) -> Typed {
        if let [list, index] = call.args.as_slice() {
            self.expect(list, Type::List, "is taken from");
            self.check(index);
        }
        Typed::of(Type::Any)
    }

    fn check_function(&mut self, expression: &IdedExpr, call: &CallExpr) -> Typed {
        let function = call.func_name.as_str();
        match (call.target.as_deref(), call.args.as_slice()) {
            (Some(text), [part]) if TEXT_FUNCTIONS.contains(&function) => {
                self.expect(text, Type::Text, "is searched");
                self.expect(part, Type::Text, "is searched for");
                Typed::of(Type::Truth)
            }
            (None, [argument]) if function == "has" => {
                if Name::of(argument, self.places).is_none_or(|name| name.fields.is_empty()) {
                    let fault = Fault::new(
                        "condition-type",
                        "has() asks whether an event has an attribute",
                        "name one: has(event.code)",
                    );
                    self.remark(argument, Severity::Error, fault);
                } else {
                    self.check(argument);
                }
                Typed::of(Type::Truth)
            }
            (None, [value]) | (Some(value), []) if function == "size" => {
                self.check(value);
                Typed::of(Type::Number)
            }
            (None, [value]) if matches!(function, "int" | "double" | "string") => {
                self.check(value);
                let is_text = function == "string";
                Typed::of(if is_text { Type::Text } else { Type::Number })
            }
            (_, _) => self.refuse_function(expression, function),
        }
    }

    fn refuse_function(&mut self, expression: &IdedExpr, function: &str) -> Typed {
        let known = || FUNCTIONS.iter().chain(TEXT_FUNCTIONS).copied();
        let (code, message, cure) = if known().any(|name| name == function) {
            let on_text = TEXT_FUNCTIONS.contains(&function);
            let cure = if on_text {
                format!("write event.code.{function}(\"EV\")")
            } else {
                format!("write {function}(event.code)")
            };
            ("condition-type", format!("'{function}' is not called like this"), cure)
        } else if WALKS.contains(&function) {
            let message = format!("'{function}' walks through a list, which is not supported");
            ("condition-unsupported", message, "compare with 'in' and a list".to_owned())
        } else if function == "matches" {
            let message = "regular expressions are not supported in conditions".to_owned();
            ("condition-unsupported", message, "use startsWith, endsWith or contains".to_owned())
        } else {
            let message = format!("there is no function '{function}'");
            ("unknown-function", message, nearest::cure(function, known()))
        };
        let span = place::of_function(expression, function, self.places);
        self.remark_at(span, Severity::Error, Fault::new(code, message, cure));
        Typed::of(Type::Any)
    }

    /// Checks an expression that must yield a value of type `holds`.
    fn expect(&mut self, expression: &IdedExpr, holds: Type, role: &str) {
        let typed = self.check(expression);
        if typed.holds == holds || typed.holds == Type::Any {
            return;
        }
        let source = self.source(expression);
        let message = format!("{source} {role} but is {}", typed.holds.name());
        let cure = format!("name {} here", holds.name());
        let fault = Fault::new("condition-type", message, cure);
        self.remark(expression, typed.certainty, fault);
    }
}

/// Returns whether an expression is a zero that is written out.
fn is_zero(expression: &IdedExpr) -> bool {
    match &expression.expr {
        Expr::Literal(LiteralValue::Int(whole)) => *whole.inner() == 0,
        Expr::Literal(LiteralValue::UInt(whole)) => *whole.inner() == 0,
        Expr::Literal(LiteralValue::Double(float)) => *float.inner() == 0.0,
        Expr::Call(call) if call.func_name == operators::NEGATE => call.args.iter().all(is_zero),
        Expr::Call(_)
        | Expr::Literal(_)
        | Expr::Ident(_)
        | Expr::List(_)
        | Expr::Map(_)
        | Expr::Select(_)
        | Expr::Struct(_)
        | Expr::Comprehension(_)
        | Expr::Unspecified => false,
    }
}
