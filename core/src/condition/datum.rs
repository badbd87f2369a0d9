//! Data: the values that conditions compare.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::{Number, Value};

/// One value while a condition is evaluated.
#[derive(Clone, Debug)]
pub(super) enum Datum<'a> {
    /// Absent.
    Null,
    /// Yes or no.
    Truth(bool),
    /// A whole number; wide enough for all that JSON readers take for whole.
    Whole(i128),
    /// Any other number.
    Float(f64),
    /// A text.
    Text(Cow<'a, str>),
    /// A list or an object, which is equal to its like and to nothing else.
    Nested(Value),
}

/// A text in JSON, copied only where it has escapes.
#[derive(serde::Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> Datum<'a> {
    /// Returns the datum for `text`, null where there is none.
    pub(super) fn of_text(text: Option<&'a str>) -> Self {
        text.map_or(Self::Null, |text| Self::Text(Cow::Borrowed(text)))
    }

    /// Returns the same datum without copying its text.
    pub(super) fn borrowed(&self) -> Datum<'_> {
        match self {
            Self::Null => Datum::Null,
            Self::Truth(truth) => Datum::Truth(*truth),
            Self::Whole(whole) => Datum::Whole(*whole),
            Self::Float(float) => Datum::Float(*float),
            Self::Text(text) => Datum::Text(Cow::Borrowed(text)),
            Self::Nested(value) => Datum::Nested(value.clone()),
        }
    }

    /// Returns the datum that JSON text stands for; null for what is no JSON.
    pub(super) fn of_text_of_json(text: &'a str) -> Self {
        if text.starts_with('"') {
            return serde_json::from_str(text).map_or(Self::Null, |Text(text)| Self::Text(text));
        }
        serde_json::from_str(text).map_or(Self::Null, Self::of_json)
    }

    /// Returns the member called `key` of an object, null where there is none.
    pub(super) fn into_member(self, key: &str) -> Self {
        match self {
            Self::Nested(mut value) => {
                let inner = value.get_mut(key).map(Value::take);
                inner.map_or(Self::Null, Self::of_json)
            }
            Self::Null | Self::Truth(_) | Self::Whole(_) | Self::Float(_) | Self::Text(_) => {
                Self::Null
            }
        }
    }

    /// Returns the datum a JSON value stands for.
    pub(super) fn of_json(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(truth) => Self::Truth(truth),
            Value::Number(number) => Self::of_number(&number),
            Value::String(text) => Self::Text(Cow::Owned(text)),
            Value::Array(_) | Value::Object(_) => Self::Nested(value),
        }
    }

    fn of_number(number: &Number) -> Self {
        match number.as_i128() {
            Some(whole) => Self::Whole(whole),
            None => number.as_f64().map_or(Self::Null, Self::Float),
        }
    }

    /// Returns the datum as JSON text, which is how conditions write it, too.
    pub(super) fn to_json(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Truth(truth) => truth.to_string(),
            Self::Whole(whole) => whole.to_string(),
            Self::Float(float) => Value::from(*float).to_string(),
            Self::Text(text) => Value::from(&**text).to_string(),
            Self::Nested(value) => value.to_string(),
        }
    }

    /// Returns whether two values are equal. Values of different types are not.
    pub(super) fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Truth(one), Self::Truth(other)) => one == other,
            (Self::Text(one), Self::Text(other)) => one == other,
            (Self::Nested(one), Self::Nested(other)) => equals_nested(one, other),
            (Self::Whole(_) | Self::Float(_), Self::Whole(_) | Self::Float(_)) => {
                self.order(other) == Some(Ordering::Equal)
            }
            (
                Self::Null
                | Self::Truth(_)
                | Self::Whole(_)
                | Self::Float(_)
                | Self::Text(_)
                | Self::Nested(_),
                _,
            ) => false,
        }
    }

    /// Returns how two values are ordered; `None` where they cannot be.
    pub(super) fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Whole(one), Self::Whole(other)) => Some(one.cmp(other)),
            (Self::Whole(one), Self::Float(other)) => float(*one).partial_cmp(other),
            (Self::Float(one), Self::Whole(other)) => one.partial_cmp(&float(*other)),
            (Self::Float(one), Self::Float(other)) => one.partial_cmp(other),
            (Self::Text(one), Self::Text(other)) => Some(one.cmp(other)),
            (Self::Truth(one), Self::Truth(other)) => Some(one.cmp(other)),
            (
                Self::Null
                | Self::Truth(_)
                | Self::Whole(_)
                | Self::Float(_)
                | Self::Text(_)
                | Self::Nested(_),
                _,
            ) => None,
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a number that is compared with a measurement is as exact as the measurement"
)]
pub(super) fn float(whole: i128) -> f64 {
    whole as f64
}

fn equals_nested(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len()
                && one.iter().zip(other).all(|(one, other)| equals_nested(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .all(|(key, one)| other.get(key).is_some_and(|other| equals_nested(one, other)))
        }
        (Value::Array(_) | Value::Object(_), _) | (_, Value::Array(_) | Value::Object(_)) => false,
        (one, other) => Datum::of_json(one.clone()).equals(&Datum::of_json(other.clone())),
    }
}
