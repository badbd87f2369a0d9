//! How much to believe each method: what would have been best at the last origin.

/// Weights of four methods that add up to 1, in steps of a fifth.
pub(super) fn fifths() -> impl Iterator<Item = [f64; 4]> {
    (0..=5_u8).flat_map(|a| {
        (0..=5 - a).flat_map(move |b| {
            (0..=5 - a - b).map(move |c| [a, b, c, 5 - a - b - c].map(|part| f64::from(part) / 5.0))
        })
    })
}

/// Weights of four methods that add up to 1, in steps of a quarter.
pub(super) fn quarters() -> impl Iterator<Item = [f64; 4]> {
    (0..=4_u8).flat_map(|a| {
        (0..=4 - a).flat_map(move |b| {
            (0..=4 - a - b).map(move |c| [a, b, c, 4 - a - b - c].map(|part| f64::from(part) / 4.0))
        })
    })
}

/// Returns the weights of least `loss`, mixed with `usual` as if that had been seen in
/// `usual_count` cases beside the `count` that the loss is of.
pub(super) fn best<const N: usize>(
    tried: impl Iterator<Item = [f64; N]>,
    loss: impl Fn(&[f64; N]) -> f64,
    (usual, usual_count): (&[f64; N], f64),
    count: f64,
) -> [f64; N] {
    let least = tried
        .map(|weights| (loss(&weights), weights))
        .fold((f64::INFINITY, *usual), |best, next| if next.0 < best.0 { next } else { best });
    let mut mixed = least.1;
    for (weight, usual) in mixed.iter_mut().zip(usual) {
        *weight = (*weight * count + usual * usual_count) / (count + usual_count);
    }
    mixed
}

/// Returns the weighted sum of `values`.
pub(super) fn weighted<const N: usize>(weights: &[f64; N], values: [f64; N]) -> f64 {
    weights.iter().zip(values).map(|(weight, value)| weight * value).sum()
}
