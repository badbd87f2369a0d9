//! Checks a condition against the catalogue: names, types, literals, and what is supported.

use std::ops::Range;

use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr, LiteralValue, SourceInfo, operators};

use super::Remark;
use super::path::{Name, Path};
use crate::catalogue::Catalogue;
use crate::rule::finding::{Fault, Severity};

mod call;
mod name;
pub(super) mod place;

/// What an expression yields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Truth,
    Number,
    Text,
    List,
    Null,
    /// Not known before it runs.
    Any,
}

impl Type {
    fn name(self) -> &'static str {
        match self {
            Self::Truth => "yes or no",
            Self::Number => "a number",
            Self::Text => "a text",
            Self::List => "a list",
            Self::Null => "null",
            Self::Any => "anything",
        }
    }
}

/// What is known of an expression's value.
#[derive(Clone, Debug)]
struct Typed {
    holds: Type,
    /// What an attribute can hold, if that is a closed list.
    values: &'static [&'static str],
    /// How bad it is to be wrong about it: an open source may send something else.
    certainty: Severity,
}

impl Typed {
    fn of(holds: Type) -> Self {
        Self { holds, values: &[], certainty: Severity::Error }
    }
}

/// Walks a condition and collects what is wrong with it.
pub(super) struct Checker<'c> {
    catalogue: &'c Catalogue,
    kind: Option<&'c str>,
    places: &'c SourceInfo,
    remarks: Vec<Remark>,
    /// How many regular expressions there were so far.
    searches: usize,
}

impl<'c> Checker<'c> {
    /// Returns a checker of conditions about events of `kind`.
    pub(super) fn new(
        catalogue: &'c Catalogue,
        kind: Option<&'c str>,
        places: &'c SourceInfo,
    ) -> Self {
        Self { catalogue, kind, places, remarks: Vec::new(), searches: 0 }
    }

    /// Returns what was found.
    pub(super) fn into_remarks(self) -> Vec<Remark> {
        self.remarks
    }

    /// Checks a whole condition, which must be yes or no.
    pub(super) fn check_condition(&mut self, expression: &IdedExpr) {
        self.truth(expression, "the condition");
    }

    /// Checks a name, whatever it holds.
    pub(super) fn check_value_of(&mut self, name: &Name) {
        self.check_name(name);
    }

    /// Checks a name that must be one of a number.
    pub(super) fn check_number(&mut self, name: &Name) {
        let typed = self.check_name(name);
        if matches!(typed.holds, Type::Number | Type::Any) {
            return;
        }
        let message = format!("{} is {}, not a number", name.text(), typed.holds.name());
        let fault = Fault::new("condition-type", message, "name a number: event.temperature");
        self.remark_at(name.span(), typed.certainty, fault);
    }

    /// Checks an expression that must be yes or no.
    fn truth(&mut self, expression: &IdedExpr, what: &str) {
        let typed = self.check(expression);
        if matches!(typed.holds, Type::Truth | Type::Any) {
            return;
        }
        let message = format!("{what} is {}, not yes or no", typed.holds.name());
        let cure = "compare it: event.code == \"GroundFailure\"";
        self.remark(expression, typed.certainty, Fault::new("condition-type", message, cure));
    }

    /// Checks an expression and returns what it yields.
    fn check(&mut self, expression: &IdedExpr) -> Typed {
        if let Some(name) = Name::of(expression, self.places) {
            return self.check_name(&name);
        }
        match &expression.expr {
            Expr::Literal(literal) => self.check_literal(expression, literal),
            Expr::Call(call) => self.check_call(expression, call),
            Expr::List(list) => {
                for element in &list.elements {
                    self.check(element);
                }
                Typed::of(Type::List)
            }
            Expr::Select(select) => {
                self.check(&select.operand);
                Typed::of(Type::Any)
            }
            Expr::Map(_) | Expr::Struct(_) => self.unsupported(expression, "'{'", "compare fields"),
            Expr::Comprehension(_) | Expr::Ident(_) | Expr::Unspecified => {
                self.unsupported(expression, "this", "compare fields")
            }
        }
    }

    fn check_literal(&mut self, expression: &IdedExpr, literal: &LiteralValue) -> Typed {
        match literal {
            LiteralValue::Boolean(_) => Typed::of(Type::Truth),
            LiteralValue::Double(_) | LiteralValue::Int(_) | LiteralValue::UInt(_) => {
                Typed::of(Type::Number)
            }
            LiteralValue::String(_) => Typed::of(Type::Text),
            LiteralValue::Null => Typed::of(Type::Null),
            LiteralValue::Bytes(_) => self.unsupported(expression, "a text of bytes", "drop the b"),
        }
    }

    /// Checks `==`, `<` and the like.
    fn check_comparison(&mut self, expression: &IdedExpr, call: &CallExpr) -> Typed {
        if let [left, right] = call.args.as_slice() {
            let typed = (self.check(left), self.check(right));
            let is_order = ![operators::EQUALS, operators::NOT_EQUALS].contains(&&*call.func_name);
            if is_order {
                self.check_order(expression, (left, right), &typed);
            } else {
                self.check_equality(expression, (left, right), &typed);
            }
            self.check_value(right, &typed.0);
            self.check_value(left, &typed.1);
        }
        Typed::of(Type::Truth)
    }

    fn check_equality(
        &mut self,
        expression: &IdedExpr,
        (left, right): (&IdedExpr, &IdedExpr),
        (one, other): &(Typed, Typed),
    ) {
        let is_null = one.holds == Type::Null || other.holds == Type::Null;
        let is_unknown = one.holds == Type::Any || other.holds == Type::Any;
        if is_null || is_unknown || one.holds == other.holds {
            return;
        }
        let message = format!(
            "{} is {} and {} is {}; they are never equal",
            self.source(left),
            one.holds.name(),
            self.source(right),
            other.holds.name()
        );
        self.mismatch(expression, (one, other), message);
    }

    fn check_order(
        &mut self,
        expression: &IdedExpr,
        (left, right): (&IdedExpr, &IdedExpr),
        (one, other): &(Typed, Typed),
    ) {
        for (side, typed) in [(left, one), (right, other)] {
            if matches!(typed.holds, Type::Truth | Type::List | Type::Null) {
                let what = typed.holds.name();
                let message = format!("{} is {what}, which has no order", self.source(side));
                self.mismatch(expression, (one, other), message);
                return;
            }
        }
        if one.holds != other.holds && one.holds != Type::Any && other.holds != Type::Any {
            let message = format!(
                "{} is {} and {} is {}; they have no order",
                self.source(left),
                one.holds.name(),
                self.source(right),
                other.holds.name()
            );
            self.mismatch(expression, (one, other), message);
        }
    }

    fn mismatch(&mut self, expression: &IdedExpr, (one, other): (&Typed, &Typed), message: String) {
        // A warning if either side may be something else after all.
        let severity = one.certainty.max(other.certainty);
        let cure = "compare texts (\"3\") with texts and numbers (3) with numbers";
        self.remark(expression, severity, Fault::new("condition-type", message, cure));
    }

    /// Checks a text that is compared with an attribute of which all values are known.
    fn check_value(&mut self, literal: &IdedExpr, attribute: &Typed) {
        let Expr::Literal(LiteralValue::String(text)) = &literal.expr else { return };
        if attribute.values.is_empty() || attribute.values.contains(&text.inner()) {
            return;
        }
        let cure = crate::rule::nearest::cure(text.inner(), attribute.values.iter().copied());
        let message = format!("no source is known to send '{}' here", text.inner());
        self.remark(literal, attribute.certainty, Fault::new("unknown-literal", message, cure));
    }

    fn unsupported(&mut self, expression: &IdedExpr, what: &str, cure: &str) -> Typed {
        let message = format!("{what} is not supported in conditions");
        let fault = Fault::new("condition-unsupported", message, cure);
        self.remark(expression, Severity::Error, fault);
        Typed::of(Type::Any)
    }

    fn remark(&mut self, expression: &IdedExpr, severity: Severity, fault: Fault) {
        let span = place::of(expression, self.places);
        self.remark_at(span, severity, fault);
    }

    fn remark_at(&mut self, span: Range<usize>, severity: Severity, fault: Fault) {
        self.remarks.push(Remark { span, severity, fault });
    }

    /// Returns an expression as it was written.
    fn source(&self, expression: &IdedExpr) -> &'c str {
        let span = place::of(expression, self.places);
        self.places.source.get(span).unwrap_or("it")
    }
}
