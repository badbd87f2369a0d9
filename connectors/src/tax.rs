//! Taxes, duties and the nomenclature: pure readers of what their sources publish.
//!
//! To add a source: a file under `tax/` with a function from the body to facts, and a line in
//! [`crate::feed::KINDS`].

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use upturn_core::fact::place::Country;
use upturn_core::fact::tax::TaxRate;
use upturn_core::fact::validity::Validity;
use upturn_core::tax::TaxTable;

use crate::read::{ReadError, number};

pub mod duty_table;
pub mod harmonized_system;
pub mod ibericode;
pub mod sales_tax;
pub mod tax_table;
pub mod tedb;
pub mod uk_tariff;
pub mod vat_history;

/// How many facts one document may hold.
const FACTS_MAX: usize = 500_000;

/// Returns `rates` in the order of the document, each once.
///
/// Fails if there are none, too many, or if two of one thing differ on some day.
pub(crate) fn close(mut rates: Vec<TaxRate>) -> Result<Vec<TaxRate>, ReadError> {
    bounded(rates.len(), "rates")?;
    let mut rules = BTreeSet::new();
    let clash = TaxTable::of(rates.iter().cloned()).err();
    if let Some(clash) = clash {
        return Err(ReadError::whole(clash.to_string()));
    }
    rates.retain(|rate| rules.insert((rate.rule.clone(), rate.valid, rate.scope.clone())));
    Ok(rates)
}

/// Fails unless a document has some `facts`, and not too many.
fn bounded(count: usize, facts: &str) -> Result<(), ReadError> {
    match count {
        0 => Err(ReadError::whole(format!("it has no {facts}"))),
        count if FACTS_MAX < count => {
            Err(ReadError::excess(format!("it has more than {FACTS_MAX} {facts}")))
        }
        _ => Ok(()),
    }
}

/// Returns the percentage `text`: from 0 to 100, as it is written.
fn percent(text: &str) -> Result<Decimal, String> {
    percent_up_to(Decimal::ONE_HUNDRED, text)
}

/// Returns the percentage `text`: from 0 to `max`, as it is written.
fn percent_up_to(max: Decimal, text: &str) -> Result<Decimal, String> {
    let percent = number::decimal(text)?;
    if percent < Decimal::ZERO || max < percent {
        return Err(format!("'{}' is no percentage from 0 to {max}", number::short(text)));
    }
    Ok(percent)
}

/// Returns the percentage that the fraction `text` is: 0.255 is 25.5.
fn percent_of_fraction(text: &str) -> Result<Decimal, String> {
    let fraction = number::decimal(text)?;
    if fraction < Decimal::ZERO || Decimal::ONE < fraction {
        return Err(format!("'{}' is no fraction from 0 to 1", number::short(text)));
    }
    in_percent(fraction)
}

/// Returns `fraction` in percent, without the zeros that come of it.
fn in_percent(fraction: Decimal) -> Result<Decimal, String> {
    let percent = fraction.checked_mul(Decimal::ONE_HUNDRED);
    percent
        .map(|percent| percent.normalize())
        .ok_or_else(|| "it has more digits than a decimal holds".to_owned())
}

/// Returns the country `text`.
fn country(text: &str) -> Result<Country, String> {
    text.parse().map_err(|error| format!("'{}': {error}", number::short(text)))
}

/// Returns the days from `from` to the one before `end`.
fn days_before(
    from: Option<chrono::NaiveDate>,
    end: Option<chrono::NaiveDate>,
) -> Result<Validity, String> {
    Validity::before(from, end).map_err(|error| error.to_string())
}
