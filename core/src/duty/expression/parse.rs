//! Reading duties as the tariffs of the United Kingdom and the European Union write them.

use rust_decimal::Decimal;

use super::{Component, Expression, ExpressionError, Limit, Sign, Sum, Term};
use crate::duty::unit::Unit;

/// The longest duty, in bytes.
const TEXT_MAX: usize = 400;
/// How many terms a duty has at most.
const TERMS_MAX: usize = 24;
/// The largest percentage: anti-dumping duties exceed the value of goods.
const PERCENT_MAX: Decimal = Decimal::from_parts(1_000, 0, 0, false, 0);
/// The largest amount for a unit.
const AMOUNT_MAX: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);

/// What stands between terms.
#[derive(Clone, Copy)]
enum Mark {
    Sign(Sign),
    Limit(Limit),
}

/// Reads `text`.
pub(super) fn read(text: &str) -> Result<Expression, ExpressionError> {
    if TEXT_MAX < text.len() {
        return Err(ExpressionError::Size);
    }
    let mut expression = Expression { sum: Sum(Vec::new()), limits: Vec::new() };
    let mut mark: Option<Mark> = None;
    let mut words: Vec<&str> = Vec::new();
    for word in text.split_whitespace() {
        match split_mark(word) {
            Some((next, rest)) => {
                // A sign may stand before the first term; two marks beside each other mean nothing.
                let is_first = words.is_empty() && mark.is_none() && matches!(next, Mark::Sign(_));
                if !is_first {
                    expression.push(mark, &words)?;
                }
                mark = Some(next);
                words.clear();
                words.extend((!rest.is_empty()).then_some(rest));
            }
            None => words.push(word),
        }
    }
    if words.is_empty() && mark.is_none() {
        return Err(ExpressionError::Empty);
    }
    expression.push(mark, &words)?;
    Ok(expression)
}

impl Expression {
    fn push(&mut self, mark: Option<Mark>, words: &[&str]) -> Result<(), ExpressionError> {
        if self.terms().count() == TERMS_MAX {
            return Err(ExpressionError::Size);
        }
        let term = term(&words.join(" "))?;
        let sign = match mark {
            None => Sign::Plus,
            Some(Mark::Sign(sign)) => sign,
            Some(Mark::Limit(limit)) => {
                self.limits.push((limit, Sum(vec![(Sign::Plus, term)])));
                return Ok(());
            }
        };
        let sum = self.limits.last_mut().map_or(&mut self.sum, |(_, sum)| sum);
        sum.0.push((sign, term));
        Ok(())
    }
}

/// Returns the mark that `word` is or begins with, as in `+ADSZ`, and what follows it.
fn split_mark(word: &str) -> Option<(Mark, &str)> {
    match word {
        "MIN" => return Some((Mark::Limit(Limit::Min), "")),
        "MAX" => return Some((Mark::Limit(Limit::Max), "")),
        _ => {}
    }
    let signs = [('+', Sign::Plus), ('-', Sign::Minus)];
    signs.iter().find_map(|(c, sign)| Some((Mark::Sign(*sign), word.strip_prefix(*c)?)))
}

fn term(text: &str) -> Result<Term, ExpressionError> {
    let no_term = || ExpressionError::Term(text.chars().take(60).collect());
    if text == "NIHIL" {
        return Ok(Term::Nil);
    }
    if let Some((component, _)) = Component::ALL.iter().find(|(_, name)| *name == text) {
        return Ok(Term::Agricultural(*component));
    }
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, rest) = text.split_at_checked(end).ok_or_else(no_term)?;
    let rest = rest.trim();
    // Units that are written with a number, as `100 kg`, are none of them a term of a duty.
    let unit =
        if number.is_empty() || !rest.starts_with('%') { Unit::read(text).ok() } else { None };
    if let Some(unit) = unit {
        return Err(ExpressionError::SupplementaryUnit(unit));
    }
    let amount = amount(number)?;
    if let Some(rest) = rest.strip_prefix('%') {
        if PERCENT_MAX < amount {
            return Err(ExpressionError::Amount(number.to_owned()));
        }
        return match rest.trim().strip_prefix('/').map(str::trim) {
            None if rest.is_empty() => Ok(Term::AdValorem(amount)),
            Some("Retail Price") => Ok(Term::RetailPrice(amount)),
            _ => Err(no_term()),
        };
    }
    let (currency, unit) = match rest.split_once('/') {
        Some((currency, unit)) => (currency.trim(), Some(Unit::read(unit)?)),
        None => (rest, None),
    };
    let currency = currency.parse().map_err(|_| no_term())?;
    Ok(Term::Specific { amount, currency, unit })
}

/// Returns the amount `text`, which has no sign.
pub(super) fn amount(text: &str) -> Result<Decimal, ExpressionError> {
    let is_number = text.starts_with(|c: char| c.is_ascii_digit()) && !text.ends_with('.');
    let amount = is_number.then(|| Decimal::from_str_exact(text).ok()).flatten();
    let amount = amount.ok_or_else(|| ExpressionError::Term(text.chars().take(60).collect()))?;
    if AMOUNT_MAX < amount {
        return Err(ExpressionError::Amount(text.to_owned()));
    }
    Ok(amount)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::duty::unit::Base;

    #[test]
    fn duties_are_read_and_written_back() {
        let cases = [
            "12.00 %",
            "0.00 %",
            "35.10 EUR / 100 kg",
            "10.20 % + 93.10 EUR / 100 kg",
            "1.00 EUR / % vol/hl + 6.40 EUR / hl",
            "9.27 GBP / % vol/hl",
            "16.50 % / Retail Price + 244.78 GBP / 1000 p/st MIN 320.90 GBP / 1000 p/st",
            "9.00 % + EA MAX 24.20 % + ADSZ",
            "8.30 % + EAR MAX 20.70 % + ADFMR",
            "12.80 % MIN 1.00 EUR / 100 kg MAX 5.00 EUR / 100 kg",
            "10.40 % MIN 1.60 EUR / 100 kg / net drained wt",
            "17.30 % - 2.50 EUR / hl",
            "NIHIL",
            "5.00 EUR",
            "131.80 %",
        ];
        for text in cases {
            let expression: Expression = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(expression.to_string(), text);
        }
    }

    #[test]
    fn other_ways_to_write_a_duty_are_read_as_the_usual_one() {
        let cases = [
            ("12.00%", "12.00 %"),
            (" 10.20 %  +  93.10 EUR/DTN ", "10.20 % + 93.10 EUR / 100 kg"),
            ("9.00 % + EA MAX 24.20 % +ADSZ", "9.00 % + EA MAX 24.20 % + ADSZ"),
            ("0.10 GBP / 1,000 l", "0.10 GBP / 1000 l"),
        ];
        for (text, expected) in cases {
            let expression: Expression = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(expression.to_string(), expected, "case: {text}");
        }
    }

    #[test]
    fn what_is_no_duty_is_refused() {
        let cases = [
            ("", "no duty written"),
            ("p/st", "supplementary unit"),
            ("1000 p/st", "supplementary unit"),
            ("100 kg", "supplementary unit"),
            ("% vol", "supplementary unit"),
            ("<span>12.00</span> %", "is no duty"),
            ("12.00 % +", "is no duty"),
            ("MIN 3 %", "is no duty"),
            ("12,00 %", "is no duty"),
            ("1.2.3 %", "is no duty"),
            ("12 % of the price", "is no duty"),
            ("24.77 GBP / % vol/hl - £1.00 / for each litre", "is no duty"),
            ("-- 3 %", "is no duty"),
            ("1001 %", "not believed"),
            ("3 EUR / furlong", "furlong"),
            ("3 euro / kg", "is no duty"),
            ("Free", "is no duty"),
        ];
        for (text, expected) in cases {
            let error = text.parse::<Expression>().expect_err(text).to_string();
            assert!(error.contains(expected), "case: {text}: {error}");
        }
        assert_eq!("1 %".repeat(200).parse::<Expression>(), Err(ExpressionError::Size));
        assert_eq!(["1 %"; 25].join(" + ").parse::<Expression>(), Err(ExpressionError::Size));
    }

    fn unit() -> impl Strategy<Value = Unit> {
        let count = prop_oneof![Just(1_u32), Just(100), Just(1_000)];
        let base = proptest::sample::select(Base::all());
        let of = proptest::option::of(prop_oneof![Just("net eda"), Just("raw sugar"), Just("N")]);
        (count, base, of).prop_map(|(count, base, of)| Unit {
            count,
            base,
            of: of.map(str::to_owned),
        })
    }

    fn any_term() -> impl Strategy<Value = Term> {
        let percent = (0_i64..100_000, 2_u32..4).prop_map(|(n, scale)| Decimal::new(n, scale));
        let amount = (0_i64..1_000_000, 0_u32..5).prop_map(|(n, scale)| Decimal::new(n, scale));
        let currency = prop_oneof![Just("EUR"), Just("GBP"), Just("USD")];
        prop_oneof![
            percent.clone().prop_map(Term::AdValorem),
            percent.prop_map(Term::RetailPrice),
            (amount, currency, proptest::option::of(unit())).prop_map(
                |(amount, currency, unit)| {
                    Term::Specific { amount, currency: currency.parse().unwrap(), unit }
                }
            ),
            proptest::sample::select(Component::ALL.as_slice())
                .prop_map(|(component, _)| Term::Agricultural(component)),
            Just(Term::Nil),
        ]
    }

    fn sum() -> impl Strategy<Value = Sum> {
        let sign = prop_oneof![Just(Sign::Plus), Just(Sign::Minus)];
        proptest::collection::vec((sign, any_term()), 1..4).prop_map(Sum)
    }

    fn expression() -> impl Strategy<Value = Expression> {
        let limit = prop_oneof![Just(Limit::Min), Just(Limit::Max)];
        // After MIN and MAX a sign has no meaning of its own.
        let limited = sum().prop_map(|mut sum| {
            sum.0[0].0 = Sign::Plus;
            sum
        });
        (sum(), proptest::collection::vec((limit, limited), 0..3))
            .prop_map(|(sum, limits)| Expression { sum, limits })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(expression in expression()) {
            prop_assert_eq!(expression.to_string().parse(), Ok(expression));
        }

        #[test]
        fn no_text_makes_the_reader_fall(text in "[0-9.%+/ A-Za-z¢$£-]{0,60}") {
            if let Ok(read) = text.parse::<Expression>() {
                prop_assert_eq!(read.to_string().parse(), Ok(read));
            }
        }
    }
}
