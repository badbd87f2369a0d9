//! Numbers of an instance that cannot be wrong.

use serde::{Deserialize, Serialize};

/// The largest number an instance may hold.
const NUMBER_MAX: f64 = 1e12;

/// A number above 0, up to 10^12.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Deserialize, Serialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Positive(f64);

/// A number of 0 or more, up to 10^12.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Deserialize, Serialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Amount(f64);

/// A number from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Deserialize, Serialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Share(f64);

/// Why a number does not fit.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum NumberError {
    /// Not above 0.
    #[error("{0} is not a number above 0 and up to 10^12")]
    Positive(f64),
    /// Below 0.
    #[error("{0} is not a number from 0 to 10^12")]
    Amount(f64),
    /// Not within 0 and 1.
    #[error("{0} is not a number from 0 to 1")]
    Share(f64),
}

impl Positive {
    /// Returns the plain number.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl Amount {
    /// Returns the plain number.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl Share {
    /// Returns the plain number.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Positive {
    type Error = NumberError;

    fn try_from(number: f64) -> Result<Self, NumberError> {
        let fits = 0.0 < number && number <= NUMBER_MAX;
        if fits { Ok(Self(number)) } else { Err(NumberError::Positive(number)) }
    }
}

impl TryFrom<f64> for Amount {
    type Error = NumberError;

    fn try_from(number: f64) -> Result<Self, NumberError> {
        let fits = (0.0..=NUMBER_MAX).contains(&number);
        if fits { Ok(Self(number)) } else { Err(NumberError::Amount(number)) }
    }
}

impl TryFrom<f64> for Share {
    type Error = NumberError;

    fn try_from(number: f64) -> Result<Self, NumberError> {
        let fits = (0.0..=1.0).contains(&number);
        if fits { Ok(Self(number)) } else { Err(NumberError::Share(number)) }
    }
}

impl From<Positive> for f64 {
    fn from(number: Positive) -> Self {
        number.0
    }
}

impl From<Amount> for f64 {
    fn from(number: Amount) -> Self {
        number.0
    }
}

impl From<Share> for f64 {
    fn from(number: Share) -> Self {
        number.0
    }
}
