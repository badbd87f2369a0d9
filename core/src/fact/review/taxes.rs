//! Taxes beside those in force: any change of what is known, and percentages beyond belief.

use rust_decimal::Decimal;

use super::NAMED_MAX;
use super::standing::{self, Standing};
use crate::fact::tax::{Category, Levy, TaxRate};

/// The highest percentage that is believed: no tax on sales is near it.
const PERCENT_MAX: Decimal = Decimal::from_parts(50, 0, 0, false, 0);

/// Adds to `reasons` what is strange in the taxes `new`, alone and beside `last`.
pub(super) fn compare(new: &[&TaxRate], last: &[&TaxRate], reasons: &mut Vec<String>) {
    let strange =
        new.iter().filter_map(|rate| Some(format!("{}: {}", subject(rate), doubt(rate)?)));
    reasons.extend(strange.take(NAMED_MAX));
    standing::compare("taxes", &all(new), &all(last), reasons);
}

/// Returns why `rate` is hardly one.
fn doubt(rate: &TaxRate) -> Option<String> {
    let percent = rate.percent;
    if PERCENT_MAX < percent {
        return Some(format!("{percent} % is more than any such tax"));
    }
    let is_whole_rate = rate.category == Category::Standard
        && matches!(rate.levy, Levy::Vat | Levy::Gst)
        && !rate.is_supplement;
    let is_small = Decimal::ZERO < percent && percent < Decimal::ONE;
    (is_whole_rate && is_small)
        .then(|| format!("{percent} % looks like a fraction, not a percentage"))
}

fn all(rates: &[&TaxRate]) -> Standing {
    rates
        .iter()
        .map(|rate| (subject(rate), format!("{} % {}", rate.percent.normalize(), rate.valid)))
        .collect()
}

/// Returns what a rate is of, whenever it holds.
fn subject(rate: &TaxRate) -> String {
    let parts = [
        Some(rate.country.as_str()),
        rate.region.as_deref(),
        rate.territory.as_ref().map(|territory| &*territory.name),
        Some(&rate.label),
        rate.scope.subject.as_deref(),
        rate.scope.remark.as_deref(),
        rate.is_supplement.then_some("supplement"),
    ];
    let codes = rate.scope.goods.iter().chain(&rate.scope.services).map(String::as_str);
    let parts: Vec<&str> = parts.into_iter().flatten().chain(codes).collect();
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::tax::Scope;
    use crate::fact::validity::Validity;

    fn rate(country: &str, label: &str, percent: &str, from: &str) -> TaxRate {
        TaxRate {
            source: "table".to_owned(),
            rule: format!("{country}/{label}/{from}"),
            country: country.parse().unwrap(),
            region: None,
            territory: None,
            levy: Levy::Vat,
            category: if label == "standard" { Category::Standard } else { Category::Reduced },
            label: label.to_owned(),
            percent: percent.parse().unwrap(),
            is_supplement: false,
            scope: Scope::default(),
            valid: Validity::new(Some(from.parse().unwrap()), None).unwrap(),
        }
    }

    #[test]
    fn a_change_of_what_is_known_is_told() {
        let nl = rate("NL", "standard", "21", "2026-01-01");
        let reduced = rate("NL", "reduced", "9", "2026-01-01");
        let last = [&nl, &reduced];
        let cases: [(&str, Vec<TaxRate>, &str); 7] = [
            ("the same", vec![nl.clone(), reduced.clone()], ""),
            (
                "written otherwise",
                vec![rate("NL", "standard", "21.0", "2026-01-01"), reduced.clone()],
                "",
            ),
            (
                "one more",
                vec![nl.clone(), reduced.clone(), rate("BE", "standard", "21", "2026-01-01")],
                "",
            ),
            ("one gone", vec![nl.clone()], "taxes are gone (1 of 2): NL reduced"),
            (
                "raised",
                vec![rate("NL", "standard", "22", "2026-01-01"), reduced.clone()],
                "NL standard: was 21 % from 2026-01-01, is 22 %",
            ),
            (
                "ten times",
                vec![rate("NL", "standard", "210", "2026-01-01"), reduced.clone()],
                "more than any such tax",
            ),
            (
                "a fraction",
                vec![rate("NL", "standard", "0.21", "2026-01-01"), reduced.clone()],
                "looks like a fraction",
            ),
        ];
        for (name, new, expected) in cases {
            let mut reasons = Vec::new();
            compare(&new.iter().collect::<Vec<_>>(), &last, &mut reasons);
            let told = reasons.join("; ");
            assert_eq!(told.is_empty(), expected.is_empty(), "case: {name}: {told}");
            assert!(told.contains(expected), "case: {name}: {told}");
        }
    }
}
