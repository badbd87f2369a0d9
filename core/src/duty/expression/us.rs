//! Reading duties as the tariff of the United States writes them: `Free`, `2.4%`, `1.4¢/kg + 7.2%`,
//! `$1.035/kg`, `0.34¢ each`.

use rust_decimal::Decimal;

use super::parse::amount;
use super::{Expression, ExpressionError, Sign, Sum, Term};
use crate::duty::unit::{Base, Unit};
use crate::money::Currency;

/// The longest duty, in bytes.
const TEXT_MAX: usize = 200;
/// How many terms a duty has at most.
const TERMS_MAX: usize = 8;

/// Reads `text`.
pub(super) fn read(text: &str) -> Result<Expression, ExpressionError> {
    let text = text.trim();
    if TEXT_MAX < text.len() {
        return Err(ExpressionError::Size);
    }
    if text.is_empty() {
        return Err(ExpressionError::Empty);
    }
    if text == "Free" {
        return Ok(Expression::ad_valorem(Decimal::ZERO));
    }
    let terms = text.split('+').map(|part| Ok((Sign::Plus, term(part.trim())?)));
    let terms = terms.take(TERMS_MAX + 1).collect::<Result<Vec<_>, ExpressionError>>()?;
    if TERMS_MAX < terms.len() {
        return Err(ExpressionError::Size);
    }
    Ok(Expression { sum: Sum(terms), limits: Vec::new() })
}

fn term(text: &str) -> Result<Term, ExpressionError> {
    let no_term = || ExpressionError::Term(text.chars().take(60).collect());
    if let Some(percent) = text.strip_suffix('%') {
        let percent = amount(percent.trim())?;
        return if percent <= Decimal::ONE_THOUSAND {
            Ok(Term::AdValorem(percent))
        } else {
            Err(ExpressionError::Amount(text.to_owned()))
        };
    }
    let (number, unit) = match (text.strip_prefix('$'), text.split_once('¢')) {
        (Some(dollars), None) => {
            let end = dollars.find(|c: char| !c.is_ascii_digit() && c != '.');
            let (number, unit) =
                dollars.split_at_checked(end.unwrap_or(dollars.len())).ok_or_else(no_term)?;
            (amount(number)?, unit)
        }
        (None, Some((cents, unit))) => {
            let cents = amount(cents.trim())?;
            let dollars = cents.checked_mul(Decimal::new(1, 2));
            (dollars.ok_or_else(no_term)?, unit)
        }
        _ => return Err(no_term()),
    };
    let unit = match unit.trim() {
        "each" | "ea." => Unit::one(Base::Item),
        unit => Unit::read(unit.strip_prefix('/').ok_or_else(no_term)?)?,
    };
    Ok(Term::Specific { amount: number, currency: Currency::USD, unit: Some(unit) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duties_of_the_united_states_become_the_usual_ones() {
        let cases = [
            ("Free", Some("0 %")),
            ("2.4%", Some("2.4 %")),
            ("1.4¢/kg", Some("0.014 USD / kg")),
            ("5.1¢/kg + 7.2%", Some("0.051 USD / kg + 7.2 %")),
            ("$1.035/kg + 17%", Some("1.035 USD / kg + 17 %")),
            ("$0.34 each", Some("0.34 USD / p/st")),
            ("23.7¢/pf.liter", Some("0.237 USD / pf.liter")),
            ("6.3¢/liter", Some("0.063 USD / l")),
            ("21¢/doz.", Some("0.21 USD / doz.")),
            ("The rate applicable to the article", None),
            ("Free (A,AU,BH)", None),
            ("See 9903.88.15", None),
            ("", None),
            ("2,4%", None),
            ("-2%", None),
            ("1001%", None),
        ];
        for (text, expected) in cases {
            let read = read(text).map(|expression| expression.to_string());
            assert_eq!(read.ok().as_deref(), expected, "case: {text}");
        }
    }
}
