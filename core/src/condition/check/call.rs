//! Checks calls: operators and functions, their number of arguments and their types.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr, LiteralValue, operators};

use super::{Checker, Fault, Name, Severity, Type, Typed, place};
use crate::condition::library;
use crate::condition::regular_expression::RegularExpression;
use crate::rule::nearest;

/// Functions that are called on a text: `event.code.startsWith("EV")`.
const TEXT_FUNCTIONS: &[&str] = &["startsWith", "endsWith", "contains", "matches"];
/// Functions of one value: `size(event.code)`.
const FUNCTIONS: &[&str] = &["has", "size", "int", "double", "string"];
/// How many regular expressions a condition can have.
const SEARCHES_MAX: usize = 8;
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
        if call.func_name == operators::MODULO {
            for argument in &call.args {
                self.refuse_float(argument);
            }
        }
        let divides = [operators::DIVIDE, operators::MODULO].contains(&&*call.func_name);
        if divides && call.args.get(1).is_some_and(|divisor| library::is_zero(divisor, self.places))
        {
            let message = format!("{} divides by zero", self.source(expression));
            let fault = Fault::new("division-by-zero", message, "divide by another number");
            self.remark(expression, Severity::Error, fault);
        }
        Typed::of(Type::Number)
    }

    /// Refuses a remainder of what is calculated, since that is no whole number.
    fn refuse_float(&mut self, operand: &IdedExpr) {
        let Expr::Call(call) = &operand.expr else { return };
        let is_literal =
            matches!(call.args.as_slice(), [one] if matches!(one.expr, Expr::Literal(_)));
        if is_literal || !library::is_calculation(call) {
            return;
        }
        let source = self.source(operand);
        let message =
            format!("a remainder is one of whole numbers, and {source} is calculated in others");
        let fault = Fault::new("condition-type", message, format!("write int({source})"));
        self.remark(operand, Severity::Error, fault);
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
            (Some(text), [expression]) if function == "matches" => {
                self.check_search(text, expression)
            }
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

    /// Checks `matches`: a name that is searched, for an expression that is written out.
    fn check_search(&mut self, text: &IdedExpr, expression: &IdedExpr) -> Typed {
        self.expect(text, Type::Text, "is searched");
        if Name::of(text, self.places).is_none() {
            let message =
                format!("{} is not a name, and only a name is searched", self.source(text));
            let fault = Fault::new("condition-unsupported", message, "name a text: event.code");
            self.remark(text, Severity::Error, fault);
        }
        self.searches += 1;
        if SEARCHES_MAX < self.searches {
            let message = format!("more than {SEARCHES_MAX} regular expressions in a condition");
            let fault =
                Fault::new("condition-too-big", message, "join some with |: r\"^(EV|GF)-\"");
            self.remark(expression, Severity::Error, fault);
        } else if let Expr::Literal(LiteralValue::String(written)) = &expression.expr {
            if let Err(fault) = RegularExpression::compile(written.inner()) {
                self.remark(expression, Severity::Error, fault);
            }
        } else {
            let message = "a regular expression has to be written out";
            let fault =
                Fault::new("condition-unsupported", message, "write .matches(r\"^EV-[0-9]+$\")");
            self.remark(expression, Severity::Error, fault);
        }
        Typed::of(Type::Truth)
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
