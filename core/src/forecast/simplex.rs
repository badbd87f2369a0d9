//! The least value of a function of a few numbers, without derivatives.

/// Rounds after which the search ends.
const ROUNDS_MAX: usize = 4_000;

/// The search ends where all corners agree to this, in the function's value and in each number.
const AGREE: f64 = 1e-9;

/// A corner of the simplex, with the function's value there.
type Corner<const N: usize> = ([f64; N], f64);

/// Returns where `function` is least, searched for from `start`, and its value there.
///
/// Nelder and Mead, *A simplex method for function minimization*, The Computer Journal 7 (1965). A
/// value that is no number counts as infinite.
pub(super) fn least<const N: usize>(
    start: [f64; N],
    function: impl Fn(&[f64; N]) -> f64,
) -> Corner<N> {
    let at = |place: [f64; N]| {
        let value = function(&place);
        (place, if value.is_nan() { f64::INFINITY } else { value })
    };
    let mut corners: Vec<Corner<N>> = vec![at(start)];
    for axis in 0..N {
        let mut place = start;
        for number in place.iter_mut().skip(axis).take(1) {
            *number += 0.5;
        }
        corners.push(at(place));
    }
    let sort = |corners: &mut Vec<Corner<N>>| corners.sort_by(|a, b| a.1.total_cmp(&b.1));
    sort(&mut corners);
    for _ in 0..ROUNDS_MAX {
        let Some(worst) = corners.pop() else { break };
        let (Some(best), Some(second)) = (corners.first().copied(), corners.last().copied()) else {
            break;
        };
        let is_near = |(a, b): (&f64, &f64)| (a - b).abs() <= AGREE * a.abs().max(1.0);
        if is_near((&best.1, &worst.1)) && best.0.iter().zip(&worst.0).all(is_near) {
            corners.push(worst);
            break;
        }
        // Through the middle of the others, `by` times as far as the worst is on this side.
        let middle = middle(&corners);
        let through = |by: f64| {
            let mut place = middle;
            for (number, worst) in place.iter_mut().zip(&worst.0) {
                *number += by * (*number - worst);
            }
            at(place)
        };
        let reflected = through(1.0);
        let replacement = if reflected.1 < best.1 {
            let expanded = through(2.0);
            Some(if expanded.1 < reflected.1 { expanded } else { reflected })
        } else if reflected.1 < second.1 {
            Some(reflected)
        } else {
            let inside = through(if reflected.1 < worst.1 { 0.5 } else { -0.5 });
            (inside.1 < worst.1.min(reflected.1)).then_some(inside)
        };
        if let Some(better) = replacement {
            corners.push(better);
        } else {
            corners.push(worst);
            for corner in corners.iter_mut().skip(1) {
                let mut place = corner.0;
                for (number, best) in place.iter_mut().zip(&best.0) {
                    *number = number.midpoint(*best);
                }
                *corner = at(place);
            }
        }
        sort(&mut corners);
    }
    sort(&mut corners);
    corners.first().copied().unwrap_or((start, f64::INFINITY))
}

fn middle<const N: usize>(corners: &[Corner<N>]) -> [f64; N] {
    let mut middle = [0.0; N];
    for (place, _) in corners {
        for (sum, number) in middle.iter_mut().zip(place) {
            *sum += number / corners.len() as f64;
        }
    }
    middle
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_finds_the_end_of_a_bent_valley() {
        let valley = |[x, y]: &[f64; 2]| (1.0 - x).powi(2) + 100.0 * (y - x * x).powi(2);
        let ([x, y], value) = least([-1.2, 1.0], valley);
        assert!((x - 1.0).abs() < 1e-4 && (y - 1.0).abs() < 1e-4 && value < 1e-8, "{x} {y}");
    }
}
