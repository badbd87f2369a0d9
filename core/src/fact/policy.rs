//! Policy: a subsidy, a reform of reimbursement, a cycle of tenders.
//!
//! None comes into force before a person has confirmed it: by a name in its row, or by releasing the set that
//! brings it (`review::policies`).

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::validity::Validity;

/// What an authority does for or asks of products somewhere, for a while.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Policy {
    /// Where: `CN-62`, by whatever codes the list uses; `*` everywhere.
    pub region: String,
    /// Which products: a model or a group; `*` all.
    pub product: String,
    /// What it is, for people.
    pub title: String,
    /// When it holds.
    #[serde(flatten)]
    pub valid: Validity,
    /// Where it can be read: a paper, an address.
    pub reference: String,
    /// Who has confirmed it, as its row says; without, whoever released it with its set.
    pub confirmed_by: Option<String>,
}

/// Returns those of `policies`, all of them confirmed, that hold for `product` in `region` on `day`.
///
/// Those of the region or product itself come before those of all.
pub fn in_force<'p>(
    policies: impl IntoIterator<Item = &'p Policy>,
    region: &str,
    product: &str,
    day: NaiveDate,
) -> Vec<&'p Policy> {
    let is_of = |own: &str, asked: &str| own == "*" || own == asked;
    let mut found: Vec<_> = policies
        .into_iter()
        .filter(|policy| policy.valid.holds_on(day))
        .filter(|policy| is_of(&policy.region, region) && is_of(&policy.product, product))
        .collect();
    found.sort_by_key(|policy| (policy.region == "*", policy.product == "*"));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_comes_first() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let policy = |region: &str, product: &str, title: &str| Policy {
            region: region.to_owned(),
            product: product.to_owned(),
            title: title.to_owned(),
            valid: Validity::new(Some(day("2025-01-01")), Some(day("2025-03-31"))).unwrap(),
            reference: "paper 7".to_owned(),
            confirmed_by: None,
        };
        let all = [
            policy("*", "*", "everywhere"),
            policy("CN-62", "*", "of the region"),
            policy("CN-62", "V7", "of both"),
            policy("CN-11", "V7", "elsewhere"),
        ];
        let titles = |on: &str| {
            let found = in_force(&all, "CN-62", "V7", day(on));
            found.iter().map(|policy| policy.title.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(titles("2025-03-31"), ["of both", "of the region", "everywhere"]);
        assert!(titles("2025-04-01").is_empty());
    }
}
