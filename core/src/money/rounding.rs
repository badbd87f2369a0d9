//! Rounding that loses no cent: halves go up, and what is divided adds up again.

use rust_decimal::{Decimal, RoundingStrategy};

/// Returns `amount` with `decimals` behind the point; halves go away from zero.
pub fn round(amount: Decimal, decimals: u32) -> Decimal {
    let mut rounded =
        amount.round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero);
    // Amounts are shown with all their decimals.
    rounded.rescale(decimals);
    rounded
}

/// Divides `total` by `weights` into parts of `decimals` behind the point that add up to it.
///
/// Each part is rounded down; the units that are left go to the parts that lost most, of equal ones to
/// the first (the method of largest remainders). `total` and the weights are not below 0, and `total`
/// has no more than `decimals` already. Where all weights are 0, the parts are as equal as can be.
/// None where there are no weights, or a product is beyond 28 digits.
pub fn share(total: Decimal, weights: &[Decimal], decimals: u32) -> Option<Vec<Decimal>> {
    if weights.is_empty() {
        return None;
    }
    let mut sum = Decimal::ZERO;
    for weight in weights {
        sum = sum.checked_add(*weight)?;
    }
    let equal = vec![Decimal::ONE; weights.len()];
    let (weights, sum) =
        if sum.is_zero() { (&*equal, Decimal::from(weights.len())) } else { (weights, sum) };
    let mut parts = Vec::with_capacity(weights.len());
    let mut lost = Vec::with_capacity(weights.len());
    let mut left = total;
    for (index, weight) in weights.iter().enumerate() {
        let exact = total.checked_mul(*weight)?.checked_div(sum)?;
        let mut part = exact.round_dp_with_strategy(decimals, RoundingStrategy::ToZero);
        part.rescale(decimals);
        left = left.checked_sub(part)?;
        lost.push((exact.checked_sub(part)?, index));
        parts.push(part);
    }
    lost.sort_by(|(one, first), (other, second)| other.cmp(one).then(first.cmp(second)));
    let unit = Decimal::new(1, decimals);
    for (_, index) in lost.iter().cycle().take(weights.len().checked_mul(2)?) {
        if left < unit {
            break;
        }
        if let Some(part) = parts.get_mut(*index) {
            *part = part.checked_add(unit)?;
            left = left.checked_sub(unit)?;
        }
    }
    left.is_zero().then_some(parts)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop, proptest};

    use super::*;

    #[test]
    fn parts_add_up_and_the_largest_remainder_comes_first() {
        let cases = [
            ("100.00", "1 1 1", 2, "33.34 33.33 33.33"),
            ("0.01", "1 1 1", 2, "0.01 0.00 0.00"),
            ("10", "1 2 3", 0, "2 3 5"),
            ("0.00", "5 7", 2, "0.00 0.00"),
            ("1.00", "0 0", 2, "0.50 0.50"),
            ("100", "1 1 4", 0, "17 17 66"),
        ];
        for (total, weights, decimals, expected) in cases {
            let read = |text: &str| -> Vec<Decimal> {
                text.split(' ').map(|each| each.parse().unwrap()).collect()
            };
            let parts = share(total.parse().unwrap(), &read(weights), decimals).unwrap();
            let parts: Vec<String> = parts.iter().map(ToString::to_string).collect();
            assert_eq!(parts.join(" "), expected, "case: {total} by {weights}");
        }
    }

    proptest! {
        #[test]
        fn no_cent_is_lost(
            cents in 0_u64..10_000_000_000_000,
            weights in prop::collection::vec(0_u64..1_000_000_000, 1..40),
            decimals in 0_u32..4,
        ) {
            let total = Decimal::from_i128_with_scale(cents.into(), decimals);
            let weights: Vec<Decimal> = weights.into_iter().map(Decimal::from).collect();
            let parts = share(total, &weights, decimals).unwrap();
            assert_eq!(parts.iter().sum::<Decimal>(), total);
        }
    }
}
